// The server under test: started in a scratch folder, asked through its command line, always stopped.

import { execFile, spawn } from 'node:child_process';
import { createWriteStream, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const setting = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

const binary = setting('RINGFENCE_BIN');
const scratch = setting('RINGFENCE_SCRATCH');
const listen = setting('RINGFENCE_LISTEN');
const admin = setting('RINGFENCE_ADMIN_LISTEN');
const logFile = join(scratch, 'server.log');

export const port = listen.slice(listen.lastIndexOf(':') + 1);
export const url = `http://${listen}`;

/** API keys: of a back end that may do everything, of one that may only look, and of another account. */
export const keys = {
  all: 'KEY019aa91446a7abababababab_all_of_it',
  looker: 'KEY019aa91446a7abababababab_only_look',
  other: 'KEY019aa91446a7abababababab_elsewhere',
};

const PROVISION = `
[[project]]
name = "default"
[[project.api_key]]
name = "backend"
value = "${keys.all}"
scopes = ["*"]
[[project.api_key]]
name = "looker"
value = "${keys.looker}"
scopes = ["identities:read"]

[[project]]
name = "elsewhere"
[[project.api_key]]
name = "backend"
value = "${keys.other}"
scopes = ["*"]
`;

const environment = {
  ...process.env,
  RINGFENCE__DATABASE__URL: setting('RINGFENCE_DATABASE'),
  RINGFENCE__SERVER__LISTEN: listen,
  RINGFENCE__SERVER__ADMIN_LISTEN: admin,
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'client.key'),
};

/** Starts the server and waits until it is healthy. */
export async function start() {
  const file = join(scratch, 'provision.toml');
  writeFileSync(file, PROVISION);
  const server = spawn(binary, ['dev', '--apply', file], { cwd: scratch, env: environment, stdio: 'pipe' });
  const log = createWriteStream(logFile);
  server.stdout.pipe(log, { end: false });
  server.stderr.pipe(log, { end: false });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.once('error', () => {});
  for (let tries = 0; tries < 150; tries += 1) {
    if (server.exitCode !== null) break;
    const healthy = await fetch(`http://${admin}/healthz`).then((answer) => answer.ok, () => false);
    if (healthy) return { stop: () => stop(server, ended) };
    await sleep(100);
  }
  await stop(server, ended);
  throw new Error(`the server did not become healthy\n${logged()}`);
}

async function stop(server, ended) {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  server.kill('SIGTERM');
  const patience = sleep(10_000, 'late', { ref: false });
  if ((await Promise.race([ended, patience])) === 'late') server.kill('SIGKILL');
}

/** The end of what the server printed. */
export function logged() {
  try {
    return readFileSync(logFile, 'utf8').slice(-4000);
  } catch {
    return '';
  }
}

/** What the operator is told about a token: `accepted`, or the reason why not. */
export async function verdict(token) {
  const run = promisify(execFile);
  const words = ['--json', 'token', 'verify', token];
  try {
    await run(binary, words, { cwd: scratch, env: environment, timeout: 20_000 });
    return 'accepted';
  } catch (cause) {
    return cause.stderr.trim();
  }
}
