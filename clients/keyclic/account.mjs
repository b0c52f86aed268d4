// The life of an account, in the requests of both libraries.

import assert from 'node:assert/strict';

import { ask, check, claimsOf } from '../shared/checks.mjs';
import { mailed, url } from '../shared/server.mjs';
import { base, dart, js } from './libraries.mjs';
import { KEYS } from './provision.mjs';

const PASSWORD = 'violet otter under glass';
const NEW = 'seven quiet lanterns';

/** Registers somebody and logs them in, as the JavaScript library does. */
export async function newcomer(email, password = PASSWORD) {
  const made = await js('POST', '/security/register', { body: { email, password } });
  assert.equal(made.status, 201, made.text);
  const login = await js('POST', '/security/login', { body: { login: email, password } });
  assert.equal(login.status, 200, login.text);
  return { id: made.json.id, email, password, token: login.json.accessToken, login: login.json };
}

/** Register, login, patch, change-request, mail, change, old sessions dead, login anew. */
export async function life() {
  let ann;
  await check('somebody registers and logs in', async () => {
    ann = await newcomer('ann@example.org');
    assert.equal(ann.login.credentials.id, ann.id);
    assert.equal(ann.login.tokenType, 'Bearer');
    const { roles, username, ip, exp, iat, sub } = claimsOf(ann.token);
    assert.deepEqual({ roles, username, ip, sub, life: exp - iat }, {
      roles: ['ROLE_USER'], username: ann.email, ip: '127.0.0.1', sub: ann.id, life: 86_400,
    });
  });
  await check('a stale bearer does not spoil a registration', async () => {
    const body = { email: 'bob@example.org', password: PASSWORD, agreement: null, invitation: null };
    const made = await dart('POST', '/security/register', { authorization: 'Bearer stale', body });
    assert.equal(made.status, 201, made.text);
  });
  await check('a person changes and nothing is wiped by nulls', async () => {
    const path = `/people/${ann.id}`;
    const first = await js('PATCH', path, { token: ann.token, body: { givenName: 'Ann', optIn: true } });
    assert.equal(first.json.givenName, 'Ann');
    const body = { givenName: 'Anna', familyName: 'Doe', jobTitle: null, telephone: null, optIn: null, email: null,
      image: null, agreement: null, preferences: null };
    const second = await dart('PATCH', path, { authorization: `bearer ${ann.token}`, body });
    assert.deepEqual(
      [second.json.givenName, second.json.familyName, second.json.optIn, second.json.email],
      ['Anna', 'Doe', true, ann.email],
    );
  });
  await reset(ann);
}

async function reset(ann) {
  const open = { token: ann.token, body: undefined };
  await check('a forgotten password is asked for in the words of both libraries', async () => {
    const known = await dart('POST', '/security/password/change-request', { body: { email: null, username: ann.email } });
    const unknown = await js('POST', '/security/password/change-request', { body: { email: 'nobody@example.org' } });
    assert.deepEqual([known.status, known.text, unknown.status, unknown.text], [204, '', 204, '']);
  });
  const secret = await mailed(ann.email, `${url}/reset/`);
  await check('the mail is in the language that the person registered with', async () => {
    const answer = await ask('GET', `${url}/dev/mailbox/latest?to=${ann.email}`);
    assert.match(answer.text, /nouveau mot de passe/);
  });
  await check('a weak password uses nothing up, a good one uses it up', async () => {
    const change = (password) => js('POST', `/security/password/change/${secret}`, { body: { password } });
    assert.equal((await change('test')).json._embedded.errors[0].path, 'password');
    assert.equal((await change(NEW)).status, 204);
    assert.equal((await change(PASSWORD)).status, 404);
  });
  await check('what the old password had opened is shut', async () => {
    const path = `/people/${ann.id}`;
    assert.equal((await js('GET', path, open)).status, 401);
    const body = { refreshToken: ann.login.refreshToken };
    assert.equal((await dart('POST', '/auth/token/refresh', { body })).status, 401);
    assert.equal((await js('POST', '/security/login', { body: { login: ann.email, password: PASSWORD } })).status, 401);
  });
  await check('the new password logs in, also with another key', async () => {
    const login = await js('POST', '/security/login', { body: { login: ann.email, password: NEW } });
    assert.equal(login.status, 200);
    const shown = await js('GET', `/people/${ann.id}`, { token: login.json.accessToken, key: KEYS[1] });
    assert.equal(shown.json.id, ann.id);
  });
}

/** Renewal: a lost answer comes again, an old token ends the session. */
export async function renewal() {
  const cy = await newcomer('cy@example.org');
  const renew = (refreshToken) => dart('POST', '/auth/token/refresh', { body: { refreshToken } });
  await check('two tabs that renew at once get one set', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, () => renew(cy.login.refreshToken)));
    assert.deepEqual(new Set(answers.map((answer) => answer.json.refreshToken)).size, 1);
    const next = await renew(answers[0].json.refreshToken);
    assert.equal(next.status, 200);
    assert.equal((await renew(cy.login.refreshToken)).status, 401);
    assert.equal((await renew(next.json.refreshToken)).status, 401);
  });
}

/** What browsers ask first. */
export async function preflight() {
  await check('a preflight names every header of the libraries', async () => {
    const answer = await ask('OPTIONS', `${base}/people/x`, {
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PATCH' },
    });
    const allowed = answer.headers.get('access-control-allow-headers');
    for (const name of ['authorization', 'content-type', 'accept-language', 'x-date-time', 'x-keyclic-app',
      'x-keyclic-app-version', 'x-keyclic-app-platform']) assert.ok(allowed.includes(name), name);
    assert.equal(answer.headers.get('access-control-allow-methods'), 'GET, POST, PATCH, DELETE');
  });
}
