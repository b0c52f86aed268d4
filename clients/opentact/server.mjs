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
export const scratch = setting('RINGFENCE_SCRATCH');
const listen = setting('RINGFENCE_LISTEN');
const admin = setting('RINGFENCE_ADMIN_LISTEN');
export const url = `http://${listen}`;
/** What a client has for its base address, and for that of its socket. */
export const base = `${url}/opentact/rest`;
export const wss = `ws://${listen}/opentact`;
export const PASSWORD = 'correct: horse battery staple';
const logFile = join(scratch, 'server.log');

/** What there is to be. `access` is how long tokens live, `lenient` whether the project allows what is unsafe. */
const provision = ({ access, lenient, provider }) => `
[[project]]
name = "default"
tokens = { access = "${access}", refresh = "30d" }
compat = { token_in_query = ${lenient}, digest_over_http = ${lenient} }
password = { min_length = 8 }
[[project.identity]]
email = "chief@example.org"
password = "${PASSWORD}"
roles = ["Admin"]
[project.federation.google]
client_ids = ["web-1", "ios-1"]
jwks_url = "http://127.0.0.1:${provider}/jwks"
private_addresses = true
[project.federation.facebook]
app_id = "app-1"
app_secret = "fb-secret"
graph_url = "http://127.0.0.1:${provider}"
private_addresses = true

[[project]]
name = "elsewhere"
compat = { token_in_query = true, digest_over_http = true }
`;

/** Writes the provisioning file and returns its name. */
function write(wanted) {
  const file = join(scratch, 'provision.toml');
  writeFileSync(file, provision(wanted));
  return file;
}

/** Applies another provisioning to the running server. */
export async function apply(wanted) {
  await ringfence('apply', write(wanted));
}

const environment = {
  ...process.env,
  RINGFENCE__DATABASE__URL: setting('RINGFENCE_DATABASE'),
  RINGFENCE__SERVER__LISTEN: listen,
  RINGFENCE__SERVER__ADMIN_LISTEN: admin,
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'client.key'),
};

/** Starts the server and waits until it is healthy. */
export async function start(wanted) {
  const config = join(scratch, 'ringfence.toml');
  writeFileSync(config, '[dialects.opentact]\ncallback_hosts = "app.example.org"\n');
  const file = write(wanted);
  const server = spawn(binary, ['dev', '--config', config, '--apply', file], { cwd: scratch, env: environment, stdio: 'pipe' });
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

/** All that the server printed. */
export const wholeLog = () => readFileSync(logFile, 'utf8');

/** Runs a command of the operator and returns its answer. */
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
