// Getting in, and not.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, check, claimsOf, until } from '../shared/checks.mjs';
import { ringfence, url } from '../shared/server.mjs';
import { connection, credential, inSeconds, rest, token } from './account.mjs';
import { ASSISTANT, keys } from './provision.mjs';

const PASSWORD = 'violet otter under glass';
export const anonymous = { anonymous_login: { target_type: 'ai_assistant', target_id: ASSISTANT } };

/** A client is ready, once, after one login. */
async function ready(browser, sentence, options) {
  await check(sentence, async () => {
    const phone = await browser.phone(options);
    await phone.raised('ready');
    await sleep(300);
    assert.deepEqual((await phone.events()).filter((event) => event !== 'warning 34001'), ['ready']);
    assert.equal(phone.logins().length, 1);
    assert.equal(await phone.run(() => window.client.getIsRegistered()), true);
    await phone.close();
  });
}

/** A client is told 46001 once, and does not try again by itself. */
async function refused(browser, sentence, options) {
  const phone = await browser.phone(options);
  return {
    sentence,
    phone,
    finish: () =>
      check(sentence, async () => {
        assert.deepEqual(await phone.events(), ['error 46001']);
        assert.equal(phone.logins().length, 1, 'it logged in again');
        assert.equal(phone.sockets.filter(({ closed }) => closed).length, 0, 'its socket was closed');
        await phone.close();
      }),
  };
}

const base64url = (value) => Buffer.from(value).toString('base64url');

/** The claims of a token under a secret of somebody else's. */
function foreign(genuine) {
  const [header, claims] = genuine.split('.');
  const mac = createHmac('sha512', 'a secret of somebody else, long enough to be one'.repeat(2));
  return `${header}.${claims}.${mac.update(`${header}.${claims}`).digest('base64url')}`;
}

/** The same, for no algorithm. */
function unsigned(genuine) {
  return `${base64url('{"alg":"none","typ":"JWT"}')}.${genuine.split('.')[1]}.`;
}

export async function logins(browser) {
  const own = await credential();
  const shared = await connection();
  await ready(browser, 'a login token gets in', { login_token: await token(own) });
  await ready(browser, 'a credential gets in', { login: own.sip_username, password: own.sip_password });
  await ready(browser, "a connection's user gets in", { login: shared.user_name, password: PASSWORD });
  await ready(browser, 'a guest gets in', anonymous);
  await ready(browser, 'of both, the pair counts', {
    login: own.sip_username,
    password: own.sip_password,
    login_token: 'stale',
  });
  await refusals(browser, own);
}

/** A token of ours that is good at another face. */
async function ofAnotherFace() {
  const member = { email: 'ann@example.org', password: 'violet otter under glass', firstname: 'Ann', lastname: 'A' };
  const headers = { 'content-type': 'application/json' };
  await ask('POST', `${url}/tiledesk/auth/signup`, { headers, body: JSON.stringify(member) });
  const answer = await ask('POST', `${url}/tiledesk/auth/signin`, { headers, body: JSON.stringify(member) });
  assert.equal(answer.status, 200, answer.text);
  return answer.json.token.replace(/^JWT /, '');
}

async function refusals(browser, own) {
  const [good, revoked] = [await token(own), await token(own)];
  await ringfence('session', 'revoke', claimsOf(revoked).jti);
  const brief = await credential({ expires_at: inSeconds(2) });
  const expired = await token(brief);
  await sleep(2100);
  const off = await connection({ active: false });
  const waiting = [
    await refused(browser, 'a wrong password is refused', { login: own.sip_username, password: 'wrong' }),
    await refused(browser, 'nobody is refused', { login: 'nobody', password: 'wrong' }),
    await refused(browser, 'a garbled token is refused', { login_token: `${good.slice(0, -20)}AAAAAAAAAAAAAAAAAAAA` }),
    await refused(browser, 'a token under a foreign secret is refused', { login_token: foreign(good) }),
    await refused(browser, 'a token of another face is refused', { login_token: await ofAnotherFace() }),
    await refused(browser, 'an unsigned token is refused', { login_token: unsigned(good) }),
    await refused(browser, 'an expired token is refused', { login_token: expired }),
    await refused(browser, 'an expired credential is refused', { login: brief.sip_username, password: brief.sip_password }),
    await refused(browser, 'a revoked token is refused', { login_token: revoked }),
    await refused(browser, 'an inactive connection is refused', { login: off.user_name, password: PASSWORD }),
    await refused(browser, 'an assistant that is not there is refused', {
      anonymous_login: { target_type: 'ai_assistant', target_id: 'assistant-elsewhere' },
    }),
  ];
  // Long enough for a client that would try again, for its own ping, and for ours.
  await Promise.all(waiting.map(({ phone }) => phone.raised('error 46001')));
  await sleep(25_000);
  for (const { finish } of waiting) await finish();
}

export async function renewals(browser) {
  await check('34001 comes for a token that ends within two minutes', async () => {
    const phone = await browser.phone({ login_token: await token(await credential({ expires_at: inSeconds(100) })) });
    await phone.raised('warning 34001');
    await phone.close();
  });
  await check('a renewal keeps socket and session, and is not ready again', async () => {
    const own = await credential();
    const phone = await browser.phone({ login_token: await token(own) });
    await phone.raised('ready');
    assert.deepEqual(await phone.login({ login_token: await token(own) }), { outcome: 'success' });
    await sleep(500);
    assert.deepEqual(await phone.events(), ['ready']);
    assert.equal(phone.sockets.length, 1);
    assert.equal(new Set(phone.sessids()).size, 1);
    const renewed = await phone.login({ login_token: 'stale' });
    assert.deepEqual(renewed, { code: -32001, message: 'JWT token authentication failed', outcome: 'error' });
    assert.equal(await phone.run(() => window.client.getIsRegistered()), true);
    await phone.close();
  });
  await check('at its end a token costs the socket, one more login, and 46001; a fresh one gets in there', async () => {
    const phone = await browser.phone({ login_token: await token(await credential({ expires_at: inSeconds(6) })) });
    await phone.raised('ready');
    await phone.raised('error 46001', 1, 12_000);
    assert.equal(phone.logins().length, 2);
    const fresh = await token(await credential());
    assert.deepEqual(await phone.login({ login_token: fresh }), { outcome: 'success' });
    await phone.raised('ready', 2);
    assert.equal(phone.sockets.length, 2);
    await phone.close();
  });
}

/** Drops the connection as a network would; the SDK comes back by itself. */
const drop = (phone) => phone.run(() => window.client.connection._wsClient.close());

export async function reconnecting(browser) {
  const [ann, bob] = [await credential(), await credential()];
  const options = (of) => ({ login: of.sip_username, password: of.sip_password });
  await check('who comes back gets its sessid back', async () => {
    const phone = await browser.phone(options(ann));
    await phone.raised('ready');
    await drop(phone);
    await phone.raised('ready', 2, 15_000);
    const again = phone.logins()[1].params;
    assert.deepEqual([again.reconnection, again.sessid], [true, phone.sessids()[0]]);
    assert.equal(phone.sessids()[1], phone.sessids()[0]);
    assert.match(phone.sockets[1].url, /voice_sdk_id=VSDK1/);
    const stored = await phone.run(() => ({ ...window.sessionStorage }));
    await phone.close();
    await stranger(browser, 'a stranger who shows that sessid does not', options(bob), stored);
  });
  await check('a guest who comes back is the same guest', async () => {
    const phone = await browser.phone(anonymous);
    await phone.raised('ready');
    await drop(phone);
    await phone.raised('ready', 2, 15_000);
    assert.equal(phone.sessids()[1], phone.sessids()[0]);
    await phone.close();
  });
}

async function stranger(browser, sentence, options, stored) {
  await check(sentence, async () => {
    const page = await browser.page();
    await page.run((storage) => Object.assign(window.sessionStorage, storage), stored);
    await page.connect(options);
    await page.raised('ready');
    const [asked] = page.logins();
    assert.ok(asked.params.sessid, 'the stranger did not show it');
    assert.notEqual(page.sessids()[0], asked.params.sessid);
    await page.close();
  });
}

/** A credential's socket closes within a second of what `end` does, and the SDK says 46001 after one more login. */
async function cutOff(browser, sentence, options, end) {
  await check(sentence, async () => {
    const phone = await browser.phone(options);
    await phone.raised('ready');
    await end();
    const { took } = await until('closed', () => phone.sockets[0].closed, 5000);
    assert.ok(took <= 1000, `closed after ${Math.round(took)} ms`);
    await phone.raised('error 46001');
    assert.equal(phone.logins().length, 2);
    await phone.close();
  });
}

/** What each ending does, and to whom: `deed` is told the credential and its connection's number. */
const DEEDS = [
  ['a credential that is deleted is cut off', (own) => rest('DELETE', `telephony_credentials/${own.id}`)],
  ['… by a command', (own) => ringfence('endpoint', 'delete', '--yes', own.sip_username)],
  ['a credential that is suspended by a command is cut off', (own) => ringfence('endpoint', 'suspend', own.id)],
  ['a credential that ends now is cut off', (own) => rest('PATCH', `telephony_credentials/${own.id}`, { expires_at: inSeconds(-1) })],
  ['one below a connection that is deleted is cut off', (_, number) => rest('DELETE', `credential_connections/${number}`)],
  ['… by a command', (_, number) => ringfence('endpoint-group', 'delete', '--yes', number)],
  ['one below a connection that is not active is cut off', (_, number) => rest('PATCH', `credential_connections/${number}`, { active: false })],
  ['… by a command', (_, number) => ringfence('endpoint-group', 'disable', number)],
];

/** Whatever ends somebody, over the API or from the command line beside the server, ends their socket. */
export async function endings(browser) {
  for (const [sentence, deed] of DEEDS) {
    const own = await credential();
    const options = { login: own.sip_username, password: own.sip_password };
    await cutOff(browser, sentence, options, () => deed(own, own.resource_id.split(':')[1]));
  }
  const shared = await connection();
  const user = (password) => ({ login: shared.user_name, password });
  await cutOff(browser, "a connection's user is cut off by a new password", user(PASSWORD), () =>
    rest('PATCH', `credential_connections/${shared.id}`, { password: 'another otter under glass' }),
  );
  await cutOff(browser, '… by a command', user('another otter under glass'), () =>
    ringfence('endpoint-group', 'set-password', '--generate', shared.id),
  );
  const login_token = await token(await credential());
  await cutOff(browser, 'a session that is revoked by a command is cut off', { login_token }, () =>
    ringfence('session', 'revoke', claimsOf(login_token).jti),
  );
  const other = await token(await credential({}, keys.other), keys.other);
  await cutOff(browser, 'a project that is switched off by a command is cut off', { login_token: other }, () =>
    ringfence('project', 'disable', 'elsewhere'),
  );
}
