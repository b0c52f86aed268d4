// Has an EventSource of npm read the feed through cuts, jose verify its tokens, and the receivers' library of Standard Webhooks
// verify requests to webhooks; sees that what must not be reached is not.

import { strict as assert } from 'node:assert';

import { EventSource } from 'eventsource';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { Webhook } from 'standardwebhooks';

import { ask, check, claimsOf, conclude, until } from '../shared/checks.mjs';
import { port, ringfence, url, withServer } from '../shared/server.mjs';
import { proxy, receiver, trap } from './receivers.mjs';

const key = 'KEY_feed_019aa91446a7abababab_all_of_it';
const reading = 'KEY_feed_019aa91446a7abababab_reads_it';
const publishable = '0123456789abcdef0123456789abcdef';
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwPDqzkg==';
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';

const provision = (webhooks) => `
[[project]]
name = "default"
[[project.application]]
name = "widget"
publishable_key = "${publishable}"
[[project.api_key]]
name = "backend"
value = "${key}"
scopes = ["*"]
[[project.api_key]]
name = "reader"
value = "${reading}"
scopes = ["events:read"]
${webhooks.map((hook) => `[[project.webhook]]\nurl = "${hook}"\nsecret = "${secret}"\n`).join('')}`;

const api = (method, path, body, bearer) =>
  ask(method, `${url}/api/v1${path}`, {
    headers: { ...(bearer && { authorization: `Bearer ${bearer}` }), ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });

async function guest() {
  const answer = await api('POST', '/guests', { application: publishable });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.access_token;
}

/** Somebody comes and goes; the `sid` of their tokens. */
async function passer() {
  const token = await guest();
  const answer = await api('POST', '/sign-out', undefined, token);
  assert.ok(answer.status < 300, answer.text);
  return claimsOf(token).sid;
}

/** The `sid` that a security event token names. */
const sidOf = (token) => claimsOf(token).sub_id.session?.id;

function reader(base, since) {
  const read = { ready: 0, reset: 0, sids: [], tokens: [] };
  const source = new EventSource(`${base}/api/v1/events?since=${since}`, {
    fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${reading}` } }),
  });
  source.addEventListener('ready', () => (read.ready += 1));
  source.addEventListener('reset', () => (read.reset += 1));
  source.addEventListener('session-revoked', ({ data }) => {
    read.tokens.push(data);
    read.sids.push(sidOf(data));
  });
  return { ...{ close: () => source.close() }, read };
}

async function feed() {
  const since = new Date(Date.now() - 3_600_000).toISOString();
  const first = await passer();
  const way = await proxy(Number(port));
  const { read, close } = reader(way.url, since);
  try {
    await check('a reader hears of what happened since and is ready', async () => {
      await until('ready', () => read.ready === 1);
      assert.ok(read.sids.includes(first));
    });
    await check('and of what happens, within a second', async () => {
      const sid = await passer();
      const { took } = await until('the event', () => read.sids.includes(sid));
      assert.ok(took < 1000, `took ${took} ms`);
    });
    await check('jose verifies the token by the keys of the project, as an event and as nothing else', async () => {
      const [token] = read.tokens;
      const { iss } = claimsOf(token);
      const keys = createRemoteJWKSet(new URL(`${iss}/jwks.json`));
      const { payload } = await jwtVerify(token, keys, { issuer: iss, typ: 'secevent+jwt', algorithms: ['EdDSA'] });
      assert.deepEqual(Object.keys(payload.events), [`${CAEP}session-revoked`]);
      await assert.rejects(jwtVerify(token, keys, { issuer: iss, typ: 'at+jwt' }));
      assert.equal((await api('GET', '/me', undefined, token)).status, 401);
    });
    await check('a reader that was cut misses nothing and hears nothing twice', async () => {
      for (let round = 0; round < 3; round += 1) {
        way.cut();
        const sids = [await passer(), await passer()];
        await until('what happened meanwhile', () => sids.every((sid) => read.sids.includes(sid)));
      }
      assert.equal(read.reset, 0);
      assert.equal(new Set(read.sids).size, read.sids.length);
    });
  } finally {
    close();
    way.close();
  }
}

async function webhooks(hooks) {
  const [good, failing, gone, redirecting, elsewhere] = hooks;
  const sid = await passer();
  const judge = new Webhook(secret);
  await check('a webhook is told within a second', async () => {
    const { took } = await until('the request', () => good.got.some(({ body }) => body.includes('session-revoked')));
    assert.ok(took < 1000, `took ${took} ms`);
    const { type, timestamp, data } = judge.verify(good.got.at(-1).body, good.got.at(-1).headers);
    assert.equal(type, 'session-revoked');
    assert.equal(sidOf(data.set), sid);
    assert.ok(Math.abs(Date.parse(timestamp) - Date.now()) < 10_000);
  });
  await check('n93: the library refuses another secret, other bytes, another id and an old timestamp', async () => {
    const { body, headers } = good.got.at(-1);
    const other = new Webhook('whsec_NfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwPDqzkg==');
    assert.throws(() => other.verify(body, headers), /signature/i);
    assert.throws(() => judge.verify(`${body} `, headers), /signature/i);
    assert.throws(() => judge.verify(body, { ...headers, 'webhook-id': 'another' }), /signature/i);
    const old = String(Number(headers['webhook-timestamp']) - 360);
    assert.throws(() => judge.verify(body, { ...headers, 'webhook-timestamp': old }), /old/i);
  });
  await check('n93: what is told again has the id of the first time, so that a receiver knows it', async () => {
    const id = await idOf(good.url);
    const event = good.got.at(-1).headers['webhook-id'];
    const before = good.got.length;
    const seen = new Set([event]);
    const answer = await api('POST', `/admin/webhooks/${id}/replay`, { event }, key);
    assert.deepEqual([answer.status, answer.json], [200, { replayed: 1 }]);
    await until('the replay', () => good.got.length > before);
    const { body, headers } = good.got.at(-1);
    judge.verify(body, headers);
    assert.ok(seen.has(headers['webhook-id']));
  });
  await check('a server that fails is asked again', async () => {
    await until('the second attempt', () => failing.got.length >= 2, 20_000);
    const [first, second] = failing.got;
    assert.equal(first.headers['webhook-id'], second.headers['webhook-id']);
    assert.ok(second.at - first.at > 4500, `after ${second.at - first.at} ms`);
    await until('success', async () => (await deliveries(failing.url))[0].state === 'delivered');
    assert.equal((await deliveries(failing.url))[0].attempts, 2);
  });
  await check('one that is gone is not, until the operator says so', async () => {
    const dead = async () => ringfence('webhook', 'deliveries', await idOf(gone.url), '--dead');
    const { found } = await until('the dead letter', async () => (await dead()).length === 1 && dead());
    assert.deepEqual([found[0].state, found[0].status, found[0].attempts], ['dead', 410, 1]);
    const { replayed } = await ringfence('webhook', 'replay', await idOf(gone.url));
    assert.equal(replayed, 1);
    await until('the replay', () => gone.got.length === 2);
    await until('its end', async () => (await deliveries(gone.url))[0].state === 'delivered');
  });
  await check('n92: a redirect is not followed', async () => {
    await until('the attempt', async () => (await deliveries(redirecting.url))[0].failure === 'redirected');
    assert.equal(elsewhere.connections(), 0);
  });
  await check('the operator lists and removes', async () => {
    const listed = await ringfence('webhook', 'list');
    assert.equal(listed.length, 4);
    await ringfence('webhook', 'delete', await idOf(redirecting.url));
    assert.equal((await ringfence('webhook', 'list')).length, 3);
  });
}

async function idOf(hook) {
  const { json } = await api('GET', '/admin/webhooks', undefined, key);
  return json.items.find((item) => item.url === hook).id;
}

async function deliveries(hook) {
  const { json } = await api('GET', `/admin/webhooks/${await idOf(hook)}/deliveries`, undefined, key);
  return json.items;
}

/** What a project's administrator might have us ask; the trap listens on this machine. */
const inside = (trapped) => [
  `http://127.0.0.1:${trapped}/`,
  `https://127.0.0.1:${trapped}/`,
  `https://0x7f000001:${trapped}/`,
  `https://2130706433:${trapped}/`,
  `https://127.1:${trapped}/`,
  `https://localhost:${trapped}/`,
  `https://[::1]:${trapped}/`,
  `https://[::ffff:127.0.0.1]:${trapped}/`,
  'https://[::ffff:169.254.169.254]/latest/meta-data/',
  'https://169.254.169.254/latest/meta-data/',
  'https://10.0.0.1/',
  'https://user:password@example.org/',
  'http://example.org/',
  'ftp://example.org/',
  'file:///etc/passwd',
  'nonsense',
];

async function guarded(caught) {
  await check('n92: an address of this machine or of a private network is no webhook', async () => {
    for (const address of inside(caught.port)) {
      const answer = await api('POST', '/admin/webhooks', { url: address }, key);
      assert.ok([400, 422].includes(answer.status), `${address}: ${answer.status} ${answer.text}`);
    }
  });
  await check('n92: a name that has come to mean this machine is not connected to', async () => {
    const hook = `https://localhost:${caught.port}/`;
    await passer();
    await until('the attempt', async () => (await deliveries(hook))[0]?.failure === 'no_answer');
  });
  assert.equal(caught.connections(), 0, 'something was connected to');
}

const caught = await trap();
const elsewhere = await trap();
const redirected = `http://127.0.0.1:${elsewhere.port}/`;
const hooks = [await receiver(204), await receiver(500, 200), await receiver(410, 204), await receiver(redirected)];
const rules = (on) => ({ RINGFENCE__WEBHOOKS__PRIVATE_ADDRESSES: String(on) });
await conclude(
  () => 'eventsource, jose, standardwebhooks',
  async () => {
    await withServer(provision(hooks.map((hook) => hook.url)), async () => {
      await webhooks([...hooks, elsewhere]);
      await feed();
      // While it was allowed.
      const made = await api('POST', '/admin/webhooks', { url: `https://localhost:${caught.port}/` }, key);
      assert.equal(made.status, 201, made.text);
      for (const hook of hooks.slice(0, 3)) await ringfence('webhook', 'delete', await idOf(hook.url));
    });
    await withServer(provision([]), () => guarded(caught), rules(false));
  },
);
for (const { close } of [caught, elsewhere, ...hooks]) close();
