// The tickets of the channel, shown by a client that knows nothing of ApiRTC.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { io } from 'socket.io-client';

import { check } from '../shared/checks.mjs';
import { applications, cloud, jwt, login, url } from './server.mjs';

const { widget } = applications;

/** Connects with a query as it stands; the socket once it is in, or the text of the refusal. */
function connect(query, { namespace = '/', ...options } = {}) {
  const socket = io(`${url}${namespace}`, {
    query,
    reconnection: false,
    forceNew: true,
    timeout: 5000,
    ...options,
  });
  return new Promise((resolve) => {
    const messages = [];
    socket.on('message', (message) => messages.push(JSON.parse(message)));
    socket.on('connect', () => resolve({ socket, messages }));
    socket.on('connect_error', (error) => {
      socket.disconnect();
      resolve({ refused: error.message });
    });
  });
}

const known = (more) => ({ channelId: 'plain', apiKey: widget.key, ...more });

async function getsIn(sentence, query, options) {
  await check(sentence, async () => {
    const { socket, refused, messages } = await connect(query, options);
    assert.equal(refused, undefined);
    for (let tries = 0; tries < 100 && !messages.length; tries += 1) await sleep(20);
    assert.equal(messages[0]?.type, 'sessionId');
    assert.ok(messages[0].JWTApzToken);
    socket.emit('setUserData', '{"type":"setUserData","userData":{"audioDevicePresent":true}}');
    socket.emit('nonsense', 'not JSON', 7);
    socket.emit('JWTTokenRefreshRequest', '{"type":"JWTTokenRefreshRequest"}');
    for (let tries = 0; tries < 100 && !messages.some((one) => one.type === 'JWTTokenRefreshAnswer'); tries += 1) await sleep(20);
    assert.ok(messages.some((one) => one.type === 'JWTTokenRefreshAnswer'), JSON.stringify(messages));
    assert.ok(socket.connected);
    socket.disconnect();
  });
}

async function isRefused(sentence, query, text, options) {
  await check(sentence, async () => {
    const { socket, refused } = await connect(query, options);
    socket?.disconnect();
    assert.match(refused ?? 'let in', text);
  });
}

export async function tickets() {
  await getsIn('the word null is no token', known({ token: 'null' }));
  await isRefused('a query of nothing is refused', {}, /^not authorized$/);
  await isRefused('n60: a guessed namespace is refused', known(), /^not authorized$/, { namespace: '/admin/' });

  const me = (await cloud('GET', '/api/v2/users/me', { bearer: await login() })).body;
  const ticket = me.ccs.split('/')[1];
  const account = known({ channelId: me.userId });
  await getsIn("an account's ticket opens its channel", account, { namespace: `/${ticket}/` });
  await isRefused("an account's ticket opens nobody else's", known(), /^not authorized$/, { namespace: `/${ticket}/` });
  await isRefused('an account has no channel without its ticket', account, /^not authorized$/);
  const other = ticket.slice(0, -8) + (ticket.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA');
  await isRefused('a changed ticket is none', account, /^not authorized$/, { namespace: `/${other}/` });
  await isRefused('a ticket is no token', { ...account, token: ticket }, /^access token failure: /);
  await check('a token is no ticket', async () => {
    const answer = await cloud('GET', '/api/v2/users/me', { bearer: ticket });
    assert.deepEqual([answer.status, answer.body.error], [401, 'token_type']);
  });
  await check('a ticket dies with its session', async () => {
    assert.equal((await cloud('POST', '/api/v2/invalidateToken', { bearer: me.token })).status, 200);
    assert.equal((await connect(account, { namespace: `/${ticket}/` })).refused, 'not authorized');
  });
}
