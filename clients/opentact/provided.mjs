// The imitation of Google and Facebook, which is a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts it. */
export async function provider() {
  const child = spawn(process.execPath, [new URL('provider.mjs', import.meta.url).pathname], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(child.stdout, 'data');
  const port = Number(line.toString().trim());
  return { port, mint: (claims) => mint(port, claims), stop: () => stop(child) };
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
