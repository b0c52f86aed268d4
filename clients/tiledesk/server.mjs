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

/** A Tiledesk project that the operator made, and the secret of its integrator. */
export const provisioned = { id: '5c81593adf767b0017d1aa68', secret: 'a secret that only the integrator and we have' };

/** Where the dashboard is said to be. */
export const DASHBOARD = 'https://dashboard.example';

const provision = (google) => `
[[project]]
name = "default"

[[project.application]]
name = "widget"
aliases = { tiledesk = "${provisioned.id}" }
[[project.application.trusted_issuer]]
profile = "tiledesk"
secret = "${provisioned.secret}"
[project.federation.google]
client_ids = ["web-1"]
client_secret = "google-secret"
jwks_url = "${google}/certs"
authorization_url = "${google}/authorize"
token_url = "${google}/token"
`;

const environment = {
  ...process.env,
  RINGFENCE__DATABASE__URL: setting('RINGFENCE_DATABASE'),
  RINGFENCE__SERVER__LISTEN: listen,
  RINGFENCE__SERVER__ADMIN_LISTEN: admin,
  RINGFENCE__SERVER__PUBLIC_URL: url,
  RINGFENCE__DIALECTS__TILEDESK__DASHBOARD_URL: DASHBOARD,
  RINGFENCE__DIALECTS__TILEDESK__REDIRECT_URLS: 'https://shop.example/after',
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'client.key'),
};

/** Starts the server, which knows Google at this address, and waits until it is healthy. */
export async function start(google) {
  const file = join(scratch, 'provision.toml');
  writeFileSync(file, provision(google));
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

/** Runs a command of the operator and returns its answer. */
export async function ringfence(...words) {
  const run = promisify(execFile);
  const { stdout } = await run(binary, ['--json', ...words], { cwd: scratch, env: environment, timeout: 20_000 });
  return JSON.parse(stdout);
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
