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
const admin = setting('RINGFENCE_ADMIN_LISTEN');

/** A folder for whatever the run leaves behind. */
export const scratch = setting('RINGFENCE_SCRATCH');
/** Where the server listens, as address and port. */
export const listen = setting('RINGFENCE_LISTEN');
export const port = listen.slice(listen.lastIndexOf(':') + 1);
export const url = `http://${listen}`;

const logFile = join(scratch, 'server.log');

const environment = {
  ...process.env,
  RINGFENCE__DATABASE__URL: setting('RINGFENCE_DATABASE'),
  RINGFENCE__SERVER__LISTEN: listen,
  RINGFENCE__SERVER__ADMIN_LISTEN: admin,
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'client.key'),
};

/** Writes a provisioning file and returns its name. */
export function provisionFile(provision) {
  const file = join(scratch, 'provision.toml');
  writeFileSync(file, provision);
  return file;
}

/** Runs `body` beside a server that has what the text `provision` says, with more settings in its environment, and stops the
 * server whatever happens. */
export const withServer = (provision, body, settings = {}) =>
  beside(['dev', '--apply', provisionFile(provision)], body, settings);

/** Runs `body` beside `ringfence` with these words, e.g. `dev` with examples of its own. */
export async function beside(words, body, settings = {}) {
  const env = { ...environment, ...settings };
  const server = spawn(binary, words, { cwd: scratch, env, stdio: 'pipe' });
  const log = createWriteStream(logFile);
  server.stdout.pipe(log, { end: false });
  server.stderr.pipe(log, { end: false });
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.once('error', () => {});
  try {
    await healthy(server);
    await body();
  } finally {
    await stop(server, ended);
  }
}

async function healthy(server) {
  for (let tries = 0; tries < 150 && server.exitCode === null; tries += 1) {
    if (await fetch(`http://${admin}/healthz`).then((answer) => answer.ok, () => false)) return;
    await sleep(100);
  }
  throw new Error('the server did not become healthy');
}

async function stop(server, ended) {
  if (server.exitCode !== null || server.signalCode !== null || server.pid === undefined) return;
  server.kill('SIGTERM');
  const patience = sleep(10_000, 'late', { ref: false });
  if ((await Promise.race([ended, patience])) === 'late') server.kill('SIGKILL');
}

/** Everything that the server printed. */
export function printed() {
  try {
    return readFileSync(logFile, 'utf8');
  } catch {
    return '';
  }
}

/** The end of it. */
export const logged = () => printed().slice(-4000);

/** Runs a command of the operator beside the server and returns its answer. */
export async function ringfence(...words) {
  const run = promisify(execFile);
  const { stdout } = await run(binary, ['--json', ...words], { cwd: scratch, env: environment, timeout: 20_000 });
  return stdout.trim() ? JSON.parse(stdout) : null;
}

/** What comes after `before` in a mail to somebody, as soon as there is such a mail. */
export async function mailed(to, before) {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${url}/dev/mailbox/latest?to=${encodeURIComponent(to)}`);
    const text = answer.ok ? await answer.text() : '';
    const at = text.indexOf(before);
    if (at >= 0) return text.slice(at + before.length).split(/\s/, 1)[0];
    await sleep(50);
  }
  throw new Error(`no mail to ${to} with ${before}`);
}
