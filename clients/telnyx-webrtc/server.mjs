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

export const url = `http://${listen}`;
export const socketUrl = `ws://${listen}/telnyx`;
export { scratch };

/** API keys of two accounts. */
export const keys = { home: 'KEY019aa91446a7abababababab_home', other: 'KEY019aa91446a7abababababab_other' };

export const ASSISTANT = 'assistant-7a1e9a3c-0000-4000-8000-000000000001';

const PROVISION = `
[[project]]
name = "default"
sip = { domain = "rtc.test" }
[[project.api_key]]
name = "backend"
value = "${keys.home}"
scopes = ["*"]
[[project.guest_target]]
kind = "ai_assistant"
id = "${ASSISTANT}"

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

/** Runs a command of the operator beside the server. */
export async function command(...words) {
  const { stdout } = await promisify(execFile)(binary, ['--json', ...words], { cwd: scratch, env: environment });
  return stdout;
}

/** Asks the REST face; the data of the answer, or its text. */
export async function rest(method, path, body, key = keys.home) {
  const answer = await fetch(`${url}/telnyx/v2/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text.startsWith('{') ? JSON.parse(text).data : text;
}

let named = 0;

/** A connection with a user name and a password of its own. */
export const connection = (more = {}, key = keys.home) => {
  named += 1;
  const own = { connection_name: `c${named}`, user_name: `phones${named}`, password: 'violet otter under glass' };
  return rest('POST', 'credential_connections', { ...own, ...more }, key);
};

/** A credential in a connection of its own, unless one is given. */
export async function credential(more = {}, key = keys.home) {
  const connection_id = more.connection_id ?? (await connection({}, key)).id;
  return rest('POST', 'telephony_credentials', { ...more, connection_id }, key);
}

/** A login token of a credential. */
export const token = (of, key = keys.home) => rest('POST', `telephony_credentials/${of.id}/token`, undefined, key);

/** `seconds` from now, as credentials have it. */
export const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
