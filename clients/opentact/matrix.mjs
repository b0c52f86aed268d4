// Six methods, by header and by query: good, wrong, expired, revoked, and of another project.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { check } from '../shared/checks.mjs';
import { printed, ringfence } from '../shared/server.mjs';
import { user } from './accounts.mjs';
import { encode, plain } from './client.mjs';
import { ALICE, ha1b } from './phones.mjs';
import { PASSWORD, apply } from './server.mjs';

/** Name, header, name in the query, and the route that it is tried on. */
const METHODS = [
  ['basic', (secret) => ({ Authorization: `Basic ${secret}` }), null, '/account'],
  ['jwt', (secret) => ({ 'X-Auth-Token': secret }), 'jwt', '/account'],
  ['google', (secret) => ({ 'X-Auth-Google-Token': secret }), 'google_token', '/account'],
  ['facebook', (secret) => ({ 'X-Auth-Facebook-Token': secret }), 'facebook_token', '/account'],
  ['ha1b', (secret) => ({ 'X-Auth-HA1B-Token': secret }), 'ha1b', '/app'],
  ['key', (secret) => ({ Authorization: `Bearer ${secret}` }), 'bearer', '/account'],
];

/** The statuses by header and by query. */
async function statuses([, header, parameter, path], secret, address) {
  const seen = [(await plain('GET', path, { headers: header(secret), address })).status];
  if (parameter) seen.push((await plain('GET', `${path}?${parameter}=${encodeURIComponent(secret)}`, { address })).status);
  return seen;
}

const all = (seen, status) => assert.ok(seen.every((one) => one === status), `${seen}, not ${status}`);

export async function matrix(imitation) {
  const gil = await user('gil');
  const key = (await gil.axios.post('/token', { name: 'all', ttl: 3600 })).data.payload.token;
  const now = Math.floor(Date.now() / 1000);
  const google = (claims) => imitation.mint({ iss: 'https://accounts.google.com', aud: 'web-1', sub: '4711', iat: now, exp: now + 3600, ...claims });
  const good = {
    basic: encode('gil@example.org', PASSWORD),
    jwt: gil.token,
    google: await google({}),
    facebook: 'app-1 4712',
    ha1b: ha1b(ALICE.login, ALICE.domain, ALICE.password),
    key,
  };
  const wrong = {
    basic: [encode('gil@example.org', 'wrong'), '***'],
    jwt: ['x', `${gil.token}x`],
    google: ['x', await google({ aud: 'other' }), await google({ iss: 'https://evil.example' })],
    facebook: ['x', 'app-2 4712'],
    ha1b: ['x', good.ha1b.toUpperCase(), `${good.ha1b}0`],
    key: ['x', `${key}x`],
  };
  for (const method of METHODS) {
    const [name] = method;
    await check(`${name}: good by header and query, wrong by neither`, async () => {
      all(await statuses(method, good[name]), 200);
      for (const secret of wrong[name]) all(await statuses(method, secret), 401);
    });
  }
  await check('what has expired is refused', async () => {
    all(await statuses(METHODS[2], await google({ iat: now - 7200, exp: now - 3600 })), 401);
    await apply({ access: '1s', lenient: true, provider: imitation.port });
    const { payload } = (await plain('GET', '/auth', { headers: { Authorization: `Basic ${good.basic}` } })).body;
    await sleep(2100);
    all(await statuses(METHODS[1], payload.token), 401);
    await apply({ access: '24h', lenient: true, provider: imitation.port });
  });
  await check('a project that does not allow it takes nothing from the query, and no hash', async () => {
    await apply({ access: '24h', lenient: false, provider: imitation.port });
    for (const [name, , parameter, path] of METHODS.filter((method) => method[2])) {
      const answer = await plain('GET', `${path}?${parameter}=${encodeURIComponent(good[name])}`);
      assert.deepEqual([answer.status, answer.body.meta.code], [400, 'token_in_query'], name);
    }
    assert.equal((await plain('GET', '/app', { headers: METHODS[4][1](good.ha1b) })).status, 401);
    await apply({ access: '24h', lenient: true, provider: imitation.port });
  });
  await check('what was revoked is refused', async () => {
    await gil.axios.delete(`/token/${key}`);
    all(await statuses(METHODS[5], key), 401);
    await ringfence('identity', 'suspend', '--project', 'default', 'gil@example.org');
    // Commands beside the server are heard of within a second.
    await sleep(1000);
    for (const method of METHODS.slice(0, 2)) all(await statuses(method, good[method[0]]), 401);
  });
  await check('a provider that is down is said to be', async () => {
    await imitation.stop();
    const answer = await plain('GET', '/account', { headers: METHODS[3][1]('app-1 4799') });
    assert.equal(answer.status, 503);
  });
  await check('nothing secret is in the log', () => {
    const log = printed();
    for (const [name, secret] of Object.entries(good)) assert.ok(!log.includes(secret), name);
    assert.ok(!log.includes(PASSWORD));
  });
}
