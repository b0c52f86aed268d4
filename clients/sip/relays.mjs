// A real coturn that takes credentials of ours.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { check } from './checks.mjs';
import { database, freePort, onPostgres, run, scratch, start, stop, until } from './processes.mjs';
import { recipe } from './recipes.mjs';
import { Client } from './relay.mjs';
import { ask, asked, changeUser, environment, keys, makeUser, relay, removeUser, ringfence } from './ringfence.mjs';

/** Starts a coturn with a configuration of ours, on the loopback. */
async function coturn(name, text, port) {
  const first = await freePort();
  const own = [
    `relay-ip=127.0.0.1`,
    `relay-ip=::1`,
    `min-port=${first}`,
    `max-port=${first + 60}`,
    `pidfile=${join(scratch, `${name}.pid`)}`,
    'log-file=stdout',
    'simple-log',
  ];
  // Its own little database, where it is not given one.
  if (!text.includes('psql-userdb')) own.push(`userdb=${join(scratch, `${name}.db`)}`);
  const file = join(scratch, `${name}.conf`);
  writeFileSync(file, [text, ...own, ''].join('\n'));
  const child = start(name, 'turnserver', ['-c', file]);
  await until(name, async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended`);
    const client = new Client(port, { username: 'nobody', password: 'nothing' });
    return client.allocate().then((code) => code === 401, () => false).finally(() => client.close());
  });
}

/** For a test on one machine only: lets the relay reach this machine. */
const reachingItself = (text) =>
  `${text.split('\n').filter((line) => !line.startsWith('denied-peer-ip=127.')).join('\n')}\nallow-loopback-peers`;

/** Whether Debian's own client gets its packets through a relay. */
async function relays_(port, { username, password }, peer) {
  const words = ['-e', '127.0.0.1', '-r', peer, '-p', port, '-n', '3', '-m', '1', '-l', '100', '-y'];
  const done = await run('turnutils_uclient', [...words, '-u', username, '-w', password, '127.0.0.1'].map(String));
  const said = done.stdout + done.stderr;
  if (done.code === 0 && /Total lost packets 0 /.test(said)) return 'relayed';
  return /Cannot complete Allocation/.test(said) ? 'refused' : said.slice(-1500);
}

const credential = async (key = keys.backend) => asked(200, 'POST', '/api/v1/turn', { key });
const madeWith = (secret, username) => ({
  username,
  password: createHmac('sha1', secret).update(username).digest('base64'),
});
const inTenMinutes = () => Math.floor(Date.now() / 1000) + 600;

/** A client that is closed when `use` is done. */
async function withClient(port, who, use) {
  const client = new Client(port, who);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
const allocates = (port, who) => withClient(port, who, (client) => client.allocate());

export async function relays() {
  await check('no credential is made before there is a secret', () => asked(501, 'POST', '/api/v1/turn'));
  await recipe('coturn');
  const text = readFileSync(join(scratch, 'turnserver.conf'), 'utf8');
  const peer = await freePort();
  start('peer', 'turnutils_peer', ['-L', '127.0.0.1', '-p', String(peer)]);
  await coturn('coturn', reachingItself(text), relay.port);
  await rights();
  await sessions(peer);
  await forgeries(peer);
  if (onPostgres) await rotation();
  await stop('coturn');
  await strangers(text);
  if (onPostgres) await users(peer);
  await stop('peer');
}

async function rights() {
  await check('a credential says where, who and until when', async () => {
    const { username, password, ttl, uris, realm, iceServers } = await credential();
    assert.match(username, /^\d{10}:[0-9a-f]{24}$/);
    assert.ok(ttl > 590 && ttl <= 600, `${ttl}`);
    assert.equal(realm, relay.realm);
    assert.deepEqual(iceServers, [{ urls: uris, username, credential: password }]);
  });
  await check('n69: a key without the right gets none, and nobody without a key', async () => {
    await asked(403, 'POST', '/api/v1/turn', { key: keys.guests });
    await asked(401, 'POST', '/api/v1/turn', { key: 'KEY019aa91446a7_of_nobody_at_all' });
  });
}

/** Somebody with a session: an endpoint, whose back end has a token issued. */
async function endpoint() {
  const api = (method, path, json) => ask(method, `/telnyx/v2${path}`, { json });
  const connection = await api('POST', '/credential_connections', {
    connection_name: 'phones', user_name: 'phonesphones', password: 'otter glass violet 7',
  });
  const made = await api('POST', '/telephony_credentials', { connection_id: connection.body.data.id });
  const { id } = made.body.data;
  const token = async () => (await api('POST', `/telephony_credentials/${id}/token`)).body;
  return { token: await token(), another: await token(), end: () => api('DELETE', `/telephony_credentials/${id}`) };
}

async function sessions(peer) {
  const phone = await endpoint();
  const given = await credential(phone.token);
  await check('the credential of a session relays', async () =>
    assert.equal(await relays_(relay.port, given, peer), 'relayed'));
  await check('n69: of 1,000 within a minute most are refused', async () => {
    const statuses = [];
    for (let count = 0; count < 1000; count += 1) {
      statuses.push((await ask('POST', '/api/v1/turn', { key: phone.token })).status);
    }
    assert.deepEqual([...new Set(statuses)].sort(), [200, 429]);
    // A slow machine may see the minute pass.
    assert.ok(statuses.filter((status) => status === 429).length > 800);
  });
  await check('a revoked session gets no more, and what it got ends within its minutes', async () => {
    const { jti } = JSON.parse(Buffer.from(phone.token.split('.')[1], 'base64url'));
    await ringfence('session', 'revoke', jti);
    // A server beside which a command ran hears of it within a second.
    await until('the end of the session', async () => (await ask('POST', '/api/v1/turn', { key: phone.token })).status === 401);
    assert.ok(Number(given.username.split(':')[0]) * 1000 <= Date.now() + 600_000);
  });
  await check('n67: a deleted endpoint gets none', async () => {
    await phone.end();
    await asked(403, 'POST', '/api/v1/turn', { key: phone.another });
  });
}

/** The secrets that the relay takes now. */
async function secrets() {
  if (!onPostgres) {
    const text = readFileSync(join(scratch, 'turnserver.conf'), 'utf8');
    return [...text.matchAll(/^static-auth-secret=(.*)$/gm)].map((found) => found[1]);
  }
  const done = await run('psql', [database, '-Atc', 'SELECT value FROM ringfence_feed.turn_secret']);
  return done.stdout.trim().split('\n');
}

async function forgeries(peer) {
  const [secret] = await secrets();
  const good = await credential();
  await check('n68: the relay takes what the secret makes', async () =>
    assert.equal(await allocates(relay.port, madeWith(secret, `${inTenMinutes()}:ann`)), 'ok'));
  const now = inTenMinutes() - 600;
  const cases = [
    ['an expired stamp', madeWith(secret, `${now - 5}:ann`)],
    ['a secret of elsewhere', madeWith('0'.repeat(64), `${inTenMinutes()}:ann`)],
    ['a later stamp on a good credential', { ...good, username: good.username.replace(/^\d/, '9') }],
    ['another user on a good credential', { ...good, username: `${good.username}0` }],
    ['no user on a good credential', { ...good, username: good.username.split(':')[0] }],
    ['no stamp', { ...good, username: good.username.split(':')[1] }],
    ['a wrong password', { ...good, password: 'wrong' }],
  ];
  for (const [what, forged] of cases) {
    await check(`n68: ${what} is refused`, async () => assert.equal(await allocates(relay.port, forged), 401));
  }
  await check('Debian\'s client is refused alike', async () => {
    assert.equal(await relays_(relay.port, cases[0][1], peer), 'refused');
    assert.equal(await relays_(relay.port, cases[1][1], peer), 'refused');
  });
}

/** A peer of our own, that sends back what it gets. */
async function echo() {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return socket;
}

async function rotation() {
  const old = await credential();
  const peer = await echo();
  const says = (client, text) =>
    until(`${text} to come back`, () => {
      client.send('127.0.0.1', peer.address().port, text);
      return client.arrived.includes(text);
    });
  await withClient(relay.port, old, async (client) => {
    assert.equal(await client.allocate(), 'ok');
    assert.equal(await client.permit('127.0.0.1'), 'ok');
    await says(client, 'before');
    await ringfence('turn', 'rotate');
    await check('a rotation leaves a living allocation alone', async () => {
      await says(client, 'after');
      assert.equal(await client.refresh(), 'ok');
    });
    const fresh = await credential();
    await check('the new secret counts at once, the one before still', async () => {
      assert.notEqual(fresh.password, old.password);
      assert.equal(await allocates(relay.port, fresh), 'ok');
      assert.equal(await allocates(relay.port, old), 'ok');
      assert.equal((await secrets()).length, 2);
    });
    await ringfence('turn', 'rotate');
    await check('after the next rotation the first secret is gone, without a restart', async () => {
      assert.equal(await allocates(relay.port, old), 401);
      assert.equal(await allocates(relay.port, fresh), 'ok');
      assert.equal(await allocates(relay.port, await credential()), 'ok');
    });
    await check('what the first one allocated lives on', () => says(client, 'at last'));
  });
  peer.close();
  await check('secrets that were lost are given again', async () => {
    const before = (await secrets()).sort();
    await run('psql', [database, '-qc', 'DELETE FROM ringfence_feed.turn_secret']);
    await ringfence('turn', 'push');
    assert.deepEqual((await secrets()).sort(), before);
  });
  await check('what is stored with us is sealed', async () => {
    const done = await run('pg_dump', ['--schema=public', '--data-only', `--dbname=${database}`]);
    assert.equal(done.code, 0, done.stderr);
    for (const secret of await secrets()) assert.ok(!done.stdout.includes(secret));
  });
}

/** The configuration as it is made, against peers that no stranger may reach. */
async function strangers(text) {
  await coturn('coturn-as-made', text, relay.port);
  const four = ['127.0.0.1', '127.8.9.10', '169.254.169.254', '10.0.0.1', '192.168.1.1', '0.0.0.0'];
  const six = ['::1', '::', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '::ffff:8.8.8.8', '::127.0.0.1', 'fe80::1', 'fd00::1'];
  const who = await credential();
  for (const [family, peers, open] of [[false, four, '192.0.1.1'], [true, six, '2606:4700::1']]) {
    await withClient(relay.port, who, async (client) => {
      assert.equal(await client.allocate(family), 'ok');
      for (const address of peers) {
        await check(`n70: the relay does not reach ${address}`, async () =>
          assert.equal(await client.permit(address), 403));
      }
      await check(`and would reach ${open}`, async () => assert.equal(await client.permit(open), 'ok'));
    });
  }
  await stop('coturn-as-made');
}

/** The other mode: SIP users by their own passwords, read from the view. */
async function users(peer) {
  const port = await freePort();
  const place = new URL(database);
  const libpq = `host=${place.hostname} port=${place.port} dbname=${place.pathname.slice(1)} user=ringfence_coturn`;
  const words = ['turn', 'config', '--mode', 'users', '--listen', '127.0.0.1', '--port', String(port), '--userdb', libpq];
  const env = { ...environment, RINGFENCE__TURN__REALM: 'rtc.test' };
  const made = await run(process.env.RINGFENCE_BIN, words, { env });
  await coturn('coturn-users', reachingItself(made.stdout), port);
  const alice = { username: 'alice', password: 's3cret-A' };
  await check('a SIP user relays by its own password', async () =>
    assert.equal(await relays_(port, alice, peer), 'relayed'));
  await check('and by its whole address', async () =>
    assert.equal(await allocates(port, { ...alice, username: 'alice@rtc.test' }), 'ok'));
  await check('but not by a wrong one, nor by that of another domain', async () => {
    assert.equal(await allocates(port, { ...alice, password: 's3cret-X' }), 401);
    assert.equal(await allocates(port, { ...alice, password: 's3cret-O' }), 401);
  });
  const erin = await makeUser('rtc.test', 'erin');
  const phone = { username: 'erin', password: erin.password };
  await withClient(port, phone, async (client) => {
    assert.equal(await client.allocate(), 'ok');
    await changeUser(erin, { disabled: true });
    // What the recipe warns of: coturn looks at a user when an allocation is made, and not again.
    await check('an allocation that lives can be kept', async () => assert.equal(await client.refresh(), 'ok'));
    await changeUser(erin, { disabled: false });
  });
  await check('n67: a disabled user is refused at the next allocation, a deleted one too', async () => {
    assert.equal(await allocates(port, phone), 'ok');
    await changeUser(erin, { disabled: true });
    assert.equal(await allocates(port, phone), 401);
    await changeUser(erin, { disabled: false });
    assert.equal(await allocates(port, phone), 'ok');
    await removeUser(erin);
    assert.equal(await allocates(port, phone), 401);
  });
  await check('the role of the relay reads its own tables and nothing else', async () => {
    const as = (sql) => run('psql', [libpq, '-v', 'ON_ERROR_STOP=1', '-Atc', sql]).then((done) => done.code);
    assert.equal(await as('SELECT count(*) FROM turnusers_lt'), 0);
    for (const sql of [
      'SELECT * FROM ringfence_feed.subscriber',
      'SELECT * FROM public.sip_user',
      'SELECT * FROM public.credential',
      'DELETE FROM turn_secret',
    ]) {
      assert.notEqual(await as(sql), 0, sql);
    }
  });
  await stop('coturn-users');
}
