import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';

import { createClient } from '../src/client.js';
import type { RingfenceClient, RingfenceError } from '../src/index.js';
import { memory } from '../src/store.js';

type Reply = { status: number; body: object } | 'lost';

/** A server that answers what it was told to, and notes what it is asked. */
let replies: Reply[] = [];
let asked: { path: string; refresh: unknown }[] = [];
let now = 1_800_000_000_000;
let client: RingfenceClient;

const tokens = (generation: number, expiresIn = 60) => ({
  access_token: `access-${generation}`,
  expires_in: expiresIn,
  refresh_token: `refresh-${generation}`,
  session_expires_in: 3600,
  session_id: 'session',
  identity: { id: 'identity', kind: 'guest', profile: {}, created_at: '' },
  server_time: new Date(now).toISOString(),
});

const answer = (input: string, init: { body: string }): Promise<Response> => {
  const body = JSON.parse(init.body) as Record<string, unknown>;
  asked.push({ path: new URL(input).pathname, refresh: body['refresh_token'] });
  const reply = replies.shift();
  if (!reply) throw new Error('nothing more was expected');
  if (reply === 'lost') return Promise.reject(new TypeError('network'));
  return Promise.resolve(new Response(JSON.stringify(reply.body), { status: reply.status }));
};

const good = (generation: number, expiresIn?: number): Reply => ({ status: 200, body: tokens(generation, expiresIn) });

/** Lets time pass, with everything that is due in it. */
async function pass(milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 250) {
    now += 250;
    mock.timers.tick(250);
    for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

beforeEach(() => {
  [replies, asked] = [[], []];
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now });
  mock.method(globalThis, 'fetch', answer as never);
  client = createClient({ url: 'https://auth.test/', application: 'key', storage: 'memory' });
});

afterEach(() => {
  client.close();
  mock.reset();
  mock.timers.reset();
});

test('tokens are renewed at two thirds of their life', async () => {
  replies = [good(0), good(1)];
  await client.guest();
  await pass(39_000);
  assert.equal(client.session?.accessToken, 'access-0');
  await pass(2_000);
  assert.equal(client.session?.accessToken, 'access-1');
});

test('a renewal whose answer is lost is repeated with the same token', async () => {
  replies = [good(0), 'lost', { status: 503, body: { code: 'unavailable' } }, good(1)];
  await client.guest();
  await pass(50_000);
  assert.deepEqual(asked.slice(1), Array(3).fill({ path: '/api/v1/refresh', refresh: 'refresh-0' }));
  assert.equal(client.session?.accessToken, 'access-1');
});

test('the word of the server ends the session, and says why', async () => {
  replies = [good(0), { status: 401, body: { code: 'identity_suspended' } }];
  const reasons: string[] = [];
  client.on('revoke', ({ reason }) => reasons.push(reason));
  await client.guest();
  await pass(60_000);
  assert.deepEqual([reasons, client.session, asked.length], [['identity_suspended'], null, 2]);
  await assert.rejects(client.token(), ({ code }: RingfenceError) => code === 'no_session');
});

test('a page instead of an answer says nothing about the session', async () => {
  replies = [good(0), { status: 403, body: [] }, good(1)];
  mock.method(globalThis, 'fetch', (async (input: string, init: { body: string }) => {
    const reply = await answer(input, init);
    return reply.status === 403 ? new Response('<h1>Portal</h1>', { status: 403 }) : reply;
  }) as never);
  await client.guest();
  await pass(50_000);
  assert.equal(client.session?.accessToken, 'access-1');
});

test('however many ask for a token, one renewal is under way', async () => {
  replies = [good(0, 1), good(1)];
  await client.guest();
  now += 5_000;
  mock.timers.setTime(now);
  const given = await Promise.all([client.token(), client.token(), client.token()]);
  assert.deepEqual(given, Array(3).fill('access-1'));
  assert.equal(asked.length, 2);
});

test('two clients on one store have one session', async () => {
  const store = memory();
  const one = createClient({ url: 'https://auth.test', application: 'key', storage: store });
  replies = [good(0)];
  await one.guest();
  const two = createClient({ url: 'https://auth.test', application: 'key', storage: store });
  assert.deepEqual(two.session, one.session);
  one.close();
  two.close();
});
