// The socket of events by `ws`, as the client uses it: one message, then only listening.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import WebSocket from 'ws';

import { check } from '../shared/checks.mjs';
import { ringfence } from '../shared/server.mjs';
import { user } from './accounts.mjs';
import { plain } from './client.mjs';
import { PASSWORD, wss } from './server.mjs';

/** A socket that was shown a token, and what it was answered first. */
async function open(token) {
  const line = new WebSocket(wss, { handshakeTimeout: 10_000 });
  line.heard = [];
  line.on('message', (data) => line.heard.push(JSON.parse(data)));
  line.ended = once(line, 'close').then(([code]) => code);
  await once(line, 'open');
  line.send(JSON.stringify({ type: 'auth', payload: token }));
  return line;
}

async function until(sentence, probe) {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await probe();
    if (found) return found;
    await sleep(50);
  }
  throw new Error(`never: ${sentence}`);
}

const first = (line) => until('an answer', () => line.heard[0]);

export async function socket() {
  const eve = await user('eve');
  const wanted = { email: 'fay@example.org', password: PASSWORD };
  const fays = (await eve.axios.post('/account/user', wanted)).data.payload.uuid;
  const signedIn = await plain('GET', '/auth', { headers: { Authorization: `Basic ${Buffer.from(`${wanted.email}:${PASSWORD}`).toString('base64')}` } });
  const line = await open(eve.token);
  await check('a token is answered with connection, user and account', async () => {
    const answer = await first(line);
    assert.equal(answer.type, 'auth');
    assert.equal(answer.message, `WSS connection ${answer.payload.uuid}@127.0.0.1 - success auth eve@example.org`);
    assert.equal(answer.payload.user.email, 'eve@example.org');
    assert.ok(!('account' in answer.payload.user) && answer.account.uuid === answer.payload.account.uuid);
    assert.equal((await eve.renew()).payload.wss_online, true);
  });
  await check('it hears who of the account comes and goes', async () => {
    const other = await open(signedIn.body.payload.token);
    await first(other);
    const came = await until('news', () => line.heard[1]);
    assert.deepEqual([came.type, came.payload.wss_online, came.payload.user.email], ['user_presence', true, wanted.email]);
    other.close();
    const went = await until('news', () => line.heard[2]);
    assert.equal(went.payload.wss_online, false);
  });
  await check('a token that is none is closed with 4401', async () => {
    assert.equal(await (await open('x')).ended, 4401);
  });
  await check('being shut out closes it', async () => {
    const other = await open(signedIn.body.payload.token);
    await first(other);
    await eve.axios.delete(`/account/user/${fays}`);
    assert.equal(await other.ended, 4401);
  });
  await check('the operator suspends, and it closes within a second', async () => {
    await ringfence('identity', 'suspend', '--project', 'default', 'eve@example.org');
    assert.equal(await line.ended, 4401);
  });
}
