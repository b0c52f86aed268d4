// The server under test, and what a back end asks of it.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { admin, binary, database, freePort, listen, onPostgres, run, scratch, start, until } from './processes.mjs';

export const url = `http://${listen}`;
export const keys = {
  backend: 'KEY019aa91446a7_everything_in_it',
  lookup: 'KEY019aa91446a7_only_for_lookups',
  guests: 'KEY019aa91446a7_nothing_at_all__',
};

/** Where coturn in its two modes listens. */
export const relay = { realm: 'relay.test', port: await freePort() };

const PROVISION = `
[[project]]
name = "default"
sip = { domain = "rtc.test", unsealed = ${onPostgres} }
compat = { digest_over_http = true }
[[project.api_key]]
name = "backend"
value = "${keys.backend}"
scopes = ["*"]
[[project.api_key]]
name = "sip server"
value = "${keys.lookup}"
scopes = ["sip:lookup"]
[[project.api_key]]
name = "somebody"
value = "${keys.guests}"
scopes = ["identities:read"]
`;

export const environment = {
  ...process.env,
  RINGFENCE__DATABASE__URL: database,
  RINGFENCE__SERVER__LISTEN: listen,
  RINGFENCE__SERVER__ADMIN_LISTEN: admin,
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'client.key'),
  RINGFENCE__TURN__REALM: relay.realm,
  RINGFENCE__TURN__URLS: `turn:127.0.0.1:${relay.port}?transport=udp`,
  RINGFENCE__TURN__TTL: '10m',
  ...(onPostgres && { RINGFENCE__TURN__DATABASE_URL: database, RINGFENCE__TURN__TABLE: 'ringfence_feed.turn_secret' }),
};

/** Starts the server and waits until it is healthy. */
export async function serve() {
  const file = join(scratch, 'provision.toml');
  writeFileSync(file, PROVISION);
  const child = start('ringfence', binary, ['dev', '--apply', file], { env: environment });
  await until('the server', async () => {
    if (child.exitCode !== null) throw new Error('the server ended');
    return fetch(`http://${admin}/healthz`).then((answer) => answer.ok, () => false);
  });
}

/** A command of the operator. */
export async function ringfence(...words) {
  const done = await run(binary, words, { env: environment });
  assert.equal(done.code, 0, `ringfence ${words.join(' ')}: ${done.stderr}`);
  return done.stdout;
}

/** A request with a key; its status and body. */
export async function ask(method, path, { key = keys.backend, json, form, headers = {} } = {}) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(key && { authorization: `Bearer ${key}` }),
      ...(json && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: json ? JSON.stringify(json) : form && new URLSearchParams(form),
  });
  const text = await answer.text();
  const isJson = answer.headers.get('content-type')?.includes('json');
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

/** The same, which must be answered so. */
export async function asked(status, ...request) {
  const answer = await ask(...request);
  assert.equal(answer.status, status, `${request[0]} ${request[1]}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

const users = (domain) => `/api/v1/sip/domains/${domain}/users`;

export const makeDomain = (domain) => asked(201, 'POST', '/api/v1/sip/domains', { json: { domain } });
export const removeDomain = (domain) => asked(204, 'DELETE', `/api/v1/sip/domains/${domain}`);
export const switchDomain = (domain, disabled) =>
  asked(200, 'PATCH', `/api/v1/sip/domains/${domain}`, { json: { disabled } });
export const makeUser = (domain, login, password) =>
  asked(201, 'POST', users(domain), { json: { login, ...(password && { password }) } });
export const changeUser = (user, change) => asked(200, 'PATCH', `${users(user.domain)}/${user.id}`, { json: change });
export const removeUser = (user) => asked(204, 'DELETE', `${users(user.domain)}/${user.id}`);
