// Who is there before a copy or a move, and must be let in afterwards.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { ask } from '../shared/checks.mjs';
import { scratch } from './programs.mjs';

export const application = '0123456789abcdef0123456789abcdef';
export const key = 'KEY019aa91446a7_everything_in_it';
const member = { email: 'agent@example.org', password: 'correct horse battery staple' };

/** The provisioning file. */
export const provision = join(scratch, 'provision.toml');
writeFileSync(provision, `
[[project]]
name = "default"
inbound = "all"
[[project.application]]
name = "phone"
publishable_key = "${application}"
[[project.api_key]]
name = "backend"
value = "${key}"
scopes = ["*"]
[[project.identity]]
email = "${member.email}"
password = "${member.password}"
`);

/** A call of the native API that must be answered with `status`. */
export async function call(base, status, method, path, { token, json } = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(json && { 'content-type': 'application/json' }) };
  const answer = await ask(method, `${base}/api/v1${path}`, { headers, body: json && JSON.stringify(json) });
  assert.equal(answer.status, status, `${method} ${path}: ${answer.text}`);
  return answer.json;
}

export const guest = (base) => call(base, 201, 'POST', '/guests', { json: { application } });
export const signIn = (base) => call(base, 200, 'POST', '/sign-in', { json: { application, ...member } });

/** Everybody of before is let in: with a password, a key, an access token and a refresh token. */
export async function everybody(base, before) {
  await signIn(base);
  await call(base, 200, 'GET', '/admin/project', { token: key });
  await call(base, 200, 'GET', '/me', { token: before.access_token });
  const renewed = await call(base, 200, 'POST', '/refresh', { json: { refresh_token: before.refresh_token } });
  await call(base, 200, 'GET', '/me', { token: renewed.access_token });
}
