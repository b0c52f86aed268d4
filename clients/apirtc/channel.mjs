// The channel with the vendor-independent client, `socket.io-client`, and with requests that no client sends.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { io } from 'socket.io-client';

/** Longer than the first attempts to come back take. */
const COMEBACK = 2_500;

const WAYS = { 'polling only': ['polling'], 'websocket only': ['websocket'], upgrade: ['polling', 'websocket'] };

/** The query as the library makes it: pasted together as it is (sheet, 1.6). */
const query = (parameters) =>
  Object.entries({ apiVersion: '5.0.35', apiCCSessionId: 'Jm8Cw1Zt7Qe4Rk2Xs9Vb0n', sessionId: 'null', ...parameters })
    .map(([name, value]) => `${name}=${value}`)
    .join('&');

/** Opens a line and notes what it says; `end` closes it. */
function open(url, parameters, { transports = ['polling', 'websocket'] } = {}) {
  const socket = io(`${url}/?${query(parameters)}`, { forceNew: true, transports, reconnectionDelay: 100 });
  const seen = { connects: 0, errors: [], messages: [], reasons: [], attempts: 0 };
  socket.on('connect', () => (seen.connects += 1));
  socket.on('connect_error', (error) => seen.errors.push(error.message));
  socket.on('message', (text) => seen.messages.push(JSON.parse(text)));
  socket.on('disconnect', (reason) => seen.reasons.push(reason));
  socket.io.on('reconnect_attempt', () => (seen.attempts += 1));
  const message = (type) => seen.messages.find((one) => one.type === type);
  return { socket, seen, message, end: () => socket.disconnect() };
}

/** The requests of polling, one by one. */
function polled(url, said) {
  const ask = async (sid, body) => {
    const address = `${url}/socket.io/?${said}&EIO=4&transport=polling${sid ? `&sid=${sid}` : ''}`;
    const answer = await fetch(address, body === undefined ? {} : { method: 'POST', body });
    return { status: answer.status, text: await answer.text() };
  };
  const shake = async () => JSON.parse((await ask()).text.slice(1)).sid;
  return { ask, shake };
}

/** What somebody hears who connects with exactly this query. */
async function answered(url, said) {
  const { ask, shake } = polled(url, said);
  const sid = await shake();
  assert.equal((await ask(sid, '40')).text, 'ok');
  return (await ask(sid)).text.split('\u001e')[0];
}

/**
 * Checks the channel at `url`. `jwt(id, claims, secret)` signs a token for the application of `key`, `revoke(message)` ends the
 * session that a line was told of; `check` and `until` are those of checks.mjs.
 */
export async function channel({ url, key, jwt, revoke, check, until }) {
  const connected = (line) =>
    until('a connect', () => {
      assert.deepEqual(line.seen.errors, []);
      return line.seen.connects === 1;
    });
  const carried = (line, name) => until(name, () => line.socket.io.engine.transport.name === name);
  const told = async (line) => (await until('a session', () => line.message('sessionId'))).found;
  const session = async (line) => (await told(line)).sessionId;

  for (const [way, transports] of Object.entries(WAYS)) {
    await check(`${way}: a token and a stranger are let in, and a token is renewed`, async () => {
      const ann = open(url, { channelId: 'ann', apiKey: key, token: jwt('ann') }, { transports });
      const guest = open(url, { channelId: `guest of ${way}`, apiKey: key }, { transports });
      await Promise.all([connected(ann), connected(guest)]);
      assert.ok(await session(ann));
      assert.notEqual(await session(ann), await session(guest));
      await carried(ann, transports.at(-1));
      ann.socket.emit('nonsense', 'no JSON', 7, { a: [1] });
      ann.socket.emit('JWTTokenRefreshRequest', JSON.stringify({ type: 'JWTTokenRefreshRequest' }));
      const { found } = await until('a new token', () => ann.message('JWTTokenRefreshAnswer'));
      assert.equal(found.JWTApzToken.split('.').length, 3);
      for (const line of [ann, guest]) {
        assert.deepEqual([line.seen.errors, line.seen.reasons], [[], []]);
        line.end();
      }
    });

    await check(`${way}: a session that is revoked ends within a second, and its client does not come back`, async () => {
      const ann = open(url, { channelId: 'ann', apiKey: key, token: jwt('ann') }, { transports });
      const message = await told(ann);
      await carried(ann, transports.at(-1));
      await revoke(message);
      const { took } = await until('an end', () => ann.seen.reasons.length);
      assert.ok(took < 1500, `${took} ms`);
      await sleep(COMEBACK);
      assert.deepEqual([ann.seen.reasons, ann.seen.attempts, ann.seen.connects], [['io server disconnect'], 0, 1]);
    });

    await check(`${way}: a line that was cut comes back with the same query`, async () => {
      const ann = open(url, { channelId: 'ann', apiKey: key, token: jwt('ann') }, { transports });
      await connected(ann);
      await carried(ann, transports.at(-1));
      ann.socket.io.engine.transport.onClose();
      await until('another connect', () => ann.seen.connects === 2);
      assert.equal(ann.seen.errors.length, 0);
      ann.end();
    });
  }

  const refusals = {
    'an unknown key': [{ channelId: 'ann', apiKey: 'ffffffffffffffffffffffffffffffff' }, 'not authorized'],
    'no key': [{ channelId: 'ann' }, 'not authorized'],
    'nobody': [{ channelId: '', apiKey: key }, 'not authorized'],
    'a token that is none': [{ channelId: 'ann', apiKey: key, token: 'nonsense' }, 'access token failure: jwt malformed'],
    'a token that ran out': [
      { channelId: 'ann', apiKey: key, token: jwt('ann', { exp: Math.floor(Date.now() / 1000) - 120 }) },
      'access token failure: jwt expired',
    ],
    'a token of another secret': [
      { channelId: 'ann', apiKey: key, token: jwt('ann', {}, 'somebody else and long enough to be one') },
      'access token failure: invalid signature',
    ],
    "somebody else's token": [{ channelId: 'bob', apiKey: key, token: jwt('ann') }, /^access token failure: /],
  };
  for (const [what, [parameters, text]] of Object.entries(refusals)) {
    for (const transports of [['polling'], ['websocket']]) {
      await check(`${what} is refused over ${transports} with a text that ends it`, async () => {
        const line = open(url, parameters, { transports });
        const { found } = await until('a refusal', () => line.seen.errors[0]);
        if (text instanceof RegExp) assert.match(found, text);
        else assert.equal(found, text);
        await sleep(300);
        assert.deepEqual([line.seen.connects, line.seen.attempts, line.socket.active], [0, 0, false]);
      });
    }
  }

  await check('ids arrive as they are, whatever is in them', async () => {
    for (const id of ['ann@example.org', 'Ann Ångström', 'a+b', 'a/b:c?d', '李雷', "o'neill"]) {
      const line = open(url, { channelId: id, apiKey: key, token: jwt(id) });
      await connected(line);
      line.end();
    }
    // Unescaped by the client's own escaping, so that the token must name what arrives.
    const line = open(url, { channelId: '%41nn', apiKey: key, token: jwt('Ann') });
    await connected(line);
    line.end();
  });

  const said = (parameters) => query({ apiKey: key, ...parameters }).replaceAll('@', '%40');

  await check('a raw %41 is an A, for the token as well', async () => {
    assert.match(await answered(url, said({ channelId: '%41nn', token: jwt('Ann') })), /^40\{"sid":/);
    assert.match(await answered(url, said({ channelId: '%41nn', token: jwt('%41nn') })), /^44.*access token failure: /);
    assert.match(await answered(url, said({ channelId: '%41nn%ff' })), /^44\{"message":"not authorized"\}$/);
  });

  await check('a parameter that is there twice is refused, whichever the token speaks for', async () => {
    for (const ids of [['ann', 'bob'], ['bob', 'ann']]) {
      const twice = `${said({ channelId: ids[0], token: jwt('ann') })}&channelId=${ids[1]}`;
      assert.match(await answered(url, twice), /^44\{"message":"not authorized"\}$/);
    }
  });

  await check('a query that an id cut short is refused', async () => {
    const line = open(url, { channelId: 'ann#1', apiKey: key, token: jwt('ann') });
    const { found } = await until('a refusal', () => line.seen.errors[0]);
    assert.equal(found, 'not authorized');
    line.end();
  });

  await check('n60: the sid of a polled line is no good to others, nor an event before a connect', async () => {
    const ann = polled(url, said({ channelId: 'ann', token: jwt('ann') }));
    const sid = await ann.shake();
    assert.equal((await ann.ask(sid, '40')).text, 'ok');
    const unknown = '{"code":1,"message":"Session ID unknown"}';
    for (const other of [said({ channelId: 'bob', token: jwt('bob') }), said({ channelId: 'ann' }), 'apiKey=x']) {
      const { ask } = polled(url, other);
      assert.deepEqual(await ask(sid), { status: 400, text: unknown });
      assert.deepEqual(await ask(sid, '42["message","x"]'), { status: 400, text: unknown });
    }
    assert.match((await ann.ask(sid)).text, /^40\{"sid":/);
    assert.deepEqual(await ann.ask('guess'), { status: 400, text: unknown });
    const early = polled(url, said({ channelId: 'bob', token: jwt('bob') }));
    const fresh = await early.shake();
    await early.ask(fresh, '42["setUserData","{}"]');
    assert.equal((await early.ask(fresh)).text, '1');
    assert.equal((await early.ask(fresh)).status, 400);
  });

  await check('pages of other origins may read, with credentials', async () => {
    const origin = 'https://app.example.org';
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } });
    assert.equal(answer.headers.get('access-control-allow-origin'), origin);
    assert.equal(answer.headers.get('access-control-allow-credentials'), 'true');
    assert.match(answer.headers.get('vary'), /origin/i);
    const preflight = await fetch(`${url}/socket.io/`, { method: 'OPTIONS', headers: { origin } });
    assert.equal(preflight.status, 204);
  });

  await check('the script is where the library looks for it, also behind a ticket', async () => {
    for (const path of ['/socket.io/v3/socket.io.js', '/TICKET/socket.io/v3/socket.io.js']) {
      const answer = await fetch(`${url}${path}`);
      assert.equal(answer.status, 200);
      assert.match(answer.headers.get('content-type'), /^text\/javascript/);
      assert.equal(answer.headers.get('cross-origin-resource-policy'), null);
    }
  });
}
