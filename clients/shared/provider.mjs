// Identity providers of the tests: imitations, each a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts an imitation, a script that says its port and answers until it is stopped. */
export async function imitated(script) {
  const child = spawn(process.execPath, [script.pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  return { port: Number(line.toString().trim()), stop: () => stop(child) };
}

/** Starts the imitation of Google and Facebook; it mints ID tokens of any claims. */
export async function provider() {
  const { port, stop } = await imitated(new URL('imitation.mjs', import.meta.url));
  return { port, mint: (claims) => mint(port, claims), stop };
}

async function mint(port, claims) {
  const answer = await fetch(`http://127.0.0.1:${port}/mint?claims=${encodeURIComponent(JSON.stringify(claims))}`);
  return (await answer.json()).token;
}

async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
