// Following the feed, with clocks that are moved by hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createVerifier } from '../src/index.js';
import { ISSUER, OPTIONS, START, Signer, Stage, session, settled, user } from './stage.js';

/** A test with a verifier that is ready and is closed afterwards. */
function following(sentence: string, body: (stage: Stage) => Promise<void>, options = OPTIONS): void {
  test(sentence, async () => {
    const stage = await Stage.ready(options);
    try {
      await body(stage);
    } finally {
      stage.verifier.close();
    }
  });
}

test('nothing is accepted before the backlog was read', async () => {
  const stage = await Stage.begin();
  const [ann, bob] = [stage.token('s1', 'ann'), stage.token('s2', 'bob')];
  const [asked, ...more] = stage.asked('/events');
  assert.deepEqual(more, []);
  assert.equal(asked?.url, 'https://auth.example.org/api/v1/events?since=2027-01-14T08:00:00.000Z');
  assert.deepEqual([asked.headers['authorization'], asked.headers['last-event-id']], ['Bearer rfk_secret', undefined]);
  assert.equal(await stage.refusal(ann), 'unconfirmed');
  await stage.tell('1', 'session-revoked', session('s1', 'ann'));
  await stage.say(': alive\n\n');
  assert.deepEqual([await stage.refusal(ann), await stage.refusal(bob)], ['session_revoked', 'unconfirmed']);
  await stage.say('id: 1\nevent: ready\ndata: {}\n\n');
  await stage.verifier.ready();
  assert.deepEqual([await stage.refusal(ann), await stage.refusal(bob)], ['session_revoked', undefined]);
  stage.verifier.close();
});

following('a revoked session is refused and its connections end', async (stage) => {
  const token = stage.token('s1', 'ann');
  const claims = await stage.verify(token);
  const connections = [await stage.connect('s1', 'ann'), await stage.connect('s1', 'ann')];
  const others = [await stage.connect('s2', 'ann'), await stage.connect('s3', 'bob')];
  await stage.tell('1', 'session-revoked', session('s1', 'ann'));
  assert.deepEqual(connections.map((reason) => reason()), ['session_revoked', 'session_revoked']);
  assert.deepEqual(others.map((reason) => reason()), [undefined, undefined]);
  assert.equal(await stage.refusal(token), 'session_revoked');
  assert.ok(!stage.verifier.stillValid(claims));
  assert.throws(() => stage.verifier.watch(claims, () => {}), { code: 'session_revoked' });
  const { revocations, connections: left, connected } = stage.verifier.status();
  assert.deepEqual([revocations, left, connected], [1, 2, true]);
});

following('a user who was signed out everywhere comes back with a new token', async (stage) => {
  const before = stage.token('s1', 'ann');
  const reason = await stage.connect('s1', 'ann');
  await stage.pass(1);
  await stage.tell('1', 'session-revoked', user('ann'));
  assert.deepEqual([reason(), await stage.refusal(before)], ['token_superseded', 'token_superseded']);
  assert.equal(await stage.refusal(stage.token('s9', 'ann')), undefined);
  assert.equal(await stage.refusal(stage.token('s2', 'bob')), undefined);
});

following('tokens that say what no longer holds are refused and others are not', async (stage) => {
  const before = stage.token('s1', 'ann');
  await stage.pass(1);
  await stage.tell('1', 'credential-change', user('ann'), { change_type: 'update' });
  await stage.tell('2', 'assurance-level-change', user('ann'), { change_direction: 'increase' });
  assert.equal(await stage.refusal(before), undefined);
  for (const [name, kind, detail] of [
    ['a', 'token-claims-change', {}],
    ['b', 'assurance-level-change', { change_direction: 'decrease' }],
    ['c', 'something-new', {}],
  ] as const) {
    const old = stage.token('s1', name);
    await stage.pass(1);
    await stage.tell('3', kind, user(name), detail);
    assert.equal(await stage.refusal(old), 'token_superseded', kind);
    assert.equal(await stage.refusal(stage.token('s1', name)), undefined, kind);
  }
});

following('tokens that may be replaced first count until then', async (stage) => {
  const before = stage.token('s1', 'ann');
  const reason = await stage.connect('s1', 'ann');
  await stage.pass(1);
  const until = Math.floor(stage.now() / 1000) + 60;
  await stage.tell('1', 'token-claims-change', user('ann'), { claims: { kind: 'member' }, old_tokens_until: until });
  const after = stage.token('s2', 'ann');
  const moved = await stage.connect('s2', 'ann');
  await stage.passAlive(55);
  await stage.pass(4.75);
  assert.deepEqual([await stage.refusal(before), reason()], [undefined, undefined]);
  await stage.pass(0.25);
  assert.deepEqual([await stage.refusal(before), reason()], ['token_superseded', 'token_superseded']);
  assert.deepEqual([await stage.refusal(after), moved()], [undefined, undefined]);
  // Heard late, it counts at once; and a session that ended waits for nothing.
  const old = stage.token('s1', 'bob');
  await stage.pass(1);
  await stage.tell('2', 'token-claims-change', user('bob'), { old_tokens_until: until });
  assert.equal(await stage.refusal(old), 'token_superseded');
  await stage.tell('3', 'session-revoked', session('s3', 'cy'), { old_tokens_until: until + 9000 });
  assert.equal(await stage.refusal(stage.token('s3', 'cy')), 'session_revoked');
});

following('n59 after the stated time without a word everything is refused', async (stage) => {
  const token = stage.token('s1', 'ann');
  const reason = await stage.connect('s1', 'ann');
  stage.down = true;
  await stage.pass(29.75);
  assert.deepEqual([await stage.refusal(token), reason()], [undefined, undefined]);
  await stage.pass(0.25);
  assert.deepEqual([await stage.refusal(token), reason()], ['unconfirmed', 'unconfirmed']);
  assert.ok(!stage.verifier.status().confirmed);
  // A server that is back is not enough: what was missed must have been read.
  stage.down = false;
  await stage.pass(10);
  await stage.say(': alive\n\n');
  assert.equal(await stage.refusal(token), 'unconfirmed');
  await stage.say('id: 5\nevent: ready\ndata: {}\n\n');
  assert.equal(await stage.refusal(token), undefined);
  const again = await stage.connect('s1', 'ann');
  await stage.passAlive(60);
  assert.equal(again(), undefined);
  await stage.pass(30);
  assert.equal(again(), 'unconfirmed');
});

following('a feed that falls silent is opened anew where it was left', async (stage) => {
  await stage.tell('7', 'session-revoked', session('s1', 'ann'));
  stage.asked('');
  await stage.pass(14.75);
  assert.deepEqual(stage.asked('/events'), []);
  await stage.pass(1);
  assert.deepEqual(stage.asked('/events').map(({ headers }) => headers['last-event-id']), ['7']);
  assert.equal(stage.verifier.status().lastFailure, 'the server said nothing for 15 s');
  await stage.tell('8', 'session-revoked', session('s2', 'bob'));
  await stage.say('id: 8\nevent: ready\ndata: {}\n\n');
  await stage.passAlive(60);
  assert.equal(await stage.refusal(stage.token('s1', 'ann')), 'session_revoked');
  assert.equal(await stage.refusal(stage.token('s2', 'bob')), 'session_revoked');
  assert.equal(stage.verifier.status().lastFailure, undefined);
});

following('a server that went away is asked again and again but not in a storm', async (stage) => {
  stage.down = true;
  await stage.hangUp();
  stage.asked('');
  await stage.pass(120);
  const tries = stage.asked('/events').length;
  assert.ok(tries >= 15 && tries <= 25, `${tries}`);
  assert.equal(stage.verifier.status().lastFailure, 'fetch failed: connection refused');
});

following('a server that asks for patience gets it', async (stage) => {
  stage.refusals = [{ status: 429, retryAfter: '6' }, { status: 403 }];
  await stage.hangUp();
  stage.asked('');
  await stage.pass(6.25);
  assert.equal(stage.asked('/events').length, 1);
  assert.equal(stage.verifier.status().lastFailure, 'the feed was answered with 429');
  await stage.pass(4);
  assert.ok(stage.isRead());
});

following('a server that lost our place is asked from the beginning and nothing is forgotten', async (stage) => {
  await stage.tell('7', 'session-revoked', session('s1', 'ann'));
  stage.asked('');
  await stage.say('id:\nevent: reset\ndata: {}\n\n');
  assert.equal(await stage.refusal(stage.token('s1', 'ann')), 'session_revoked');
  await stage.pass(1);
  const [asked] = stage.asked('/events');
  assert.deepEqual([asked?.headers['last-event-id'], asked?.url.split('=')[1]], [undefined, '2027-01-14T08:00:00.500Z']);
  await stage.say(': alive\n\n');
  assert.ok(!stage.verifier.status().connected);
});

following('an event that cannot be believed is not passed over', async (stage) => {
  const good = { iss: ISSUER, iat: START, sub_id: user('ann'), events: { x: {} } };
  for (const token of [
    new Signer('k9', 9).mint('secevent+jwt', good),
    stage.signer.mint('at+jwt', good),
    stage.signer.mint('secevent+jwt', { ...good, iss: 'https://evil.example/projects/p1' }),
    stage.signer.mint('secevent+jwt', { ...good, sub_id: { format: 'iss_sub', iss: 'https://evil.example', sub: 'ann' } }),
    stage.signer.mint('secevent+jwt', { ...good, events: null }),
    'nonsense',
  ]) {
    await stage.say(`id: 9\nevent: session-revoked\ndata: ${token}\n\n`);
    assert.ok(!stage.verifier.status().connected);
    stage.asked('');
    await stage.pass(1);
    assert.equal(stage.asked('/events')[0]?.headers['last-event-id'], '0', 'it is asked for again');
    await stage.say('id: 0\nevent: ready\ndata: {}\n\n');
  }
  assert.equal(stage.verifier.status().revocations, 0);
});

following('an event signed by a new key is understood', async (stage) => {
  const next = new Signer('k2', 9);
  stage.keys = [stage.signer.jwk(), next.jwk()];
  stage.signer = next;
  await stage.tell('1', 'session-revoked', session('s1', 'ann'));
  assert.equal(await stage.refusal(stage.token('s1', 'ann')), 'session_revoked');
});

following('half a message is no sign that all is known', async (stage) => {
  const token = stage.token('s1', 'ann');
  const message = stage.message('1', 'session-revoked', session('s1', 'ann'));
  const half = message.length / 2;
  await stage.pass(14);
  await stage.say(message.slice(0, half));
  await stage.pass(14);
  assert.equal(await stage.refusal(token), undefined);
  await stage.say(message.slice(half, half + 5));
  await stage.pass(2);
  assert.equal(await stage.refusal(token), 'unconfirmed');
  await stage.say(message.slice(half + 5));
  assert.equal(await stage.refusal(token), 'session_revoked');
});

following(
  'more than there is room for concerns everybody',
  async (stage) => {
    const reason = await stage.connect('other', 'zoe');
    for (let number = 0; number < 4; number += 1) {
      assert.equal(reason(), undefined);
      await stage.tell(`${number}`, 'session-revoked', session(`s${number}`, 'ann'));
    }
    assert.equal(reason(), 'token_superseded');
    for (const sid of ['s0', 's3', 'other']) assert.equal(await stage.refusal(stage.token(sid, 'zoe')), 'token_superseded', sid);
    await stage.passAlive(65);
    assert.equal(await stage.refusal(stage.token('s5', 'zoe')), undefined);
    assert.equal(stage.verifier.status().revocations, 0);
  },
  { ...OPTIONS, capacity: 3 },
);

following(
  'revocations are forgotten when no token can need them',
  async (stage) => {
    await stage.tell('1', 'session-revoked', session('s1', 'ann'));
    await stage.passAlive(60);
    assert.equal(stage.verifier.status().revocations, 1);
    await stage.passAlive(120);
    assert.equal(stage.verifier.status().revocations, 0);
  },
  { ...OPTIONS, longestToken: 60 },
);

following('a connection ends with its token unless it got another', async (stage) => {
  const short = await stage.verify(stage.signer.mint('at+jwt', { ...stage.claims('s1', 'ann'), exp: START + 30 }));
  let left: string | undefined;
  stage.verifier.watch(short, ({ reason }) => (left = reason));
  const unwatch = stage.verifier.watch(short, () => assert.fail('it was let go of'));
  const renewed = await stage.connect('s1', 'ann');
  unwatch();
  assert.equal(stage.verifier.status().connections, 2);
  await stage.passAlive(30);
  assert.deepEqual([left, renewed()], ['token_expired', undefined]);
  await stage.tell('1', 'session-revoked', session('s1', 'ann'));
  assert.equal(renewed(), 'session_revoked');
  assert.equal(stage.verifier.status().connections, 0);
});

following('a machine that slept does not trust what it knew', async (stage) => {
  const token = stage.token('s1', 'ann');
  stage.setForward(31);
  assert.equal(await stage.refusal(token), 'unconfirmed');
  await stage.say(': alive\n\n');
  assert.equal(await stage.refusal(token), undefined);
});

following('n97 a clock that is set back prolongs nothing', async (stage) => {
  const short = await stage.verify(stage.signer.mint('at+jwt', { ...stage.claims('s1', 'ann'), exp: START + 60 }));
  let ended: string | undefined;
  stage.verifier.watch(short, ({ reason }) => (ended = reason));
  stage.setForward(-3600);
  await stage.passAlive(55);
  assert.deepEqual([stage.verifier.stillValid(short), ended], [true, undefined]);
  await stage.passAlive(5);
  assert.deepEqual([stage.verifier.stillValid(short), ended], [false, 'token_expired']);
});

following('n97 what a clock that was wrong forgot does not count again', async (stage) => {
  const token = stage.token('s1', 'ann');
  await stage.tell('1', 'session-revoked', session('s1', 'ann'));
  stage.setForward(90_000);
  await stage.passAlive(60);
  assert.equal(stage.verifier.status().revocations, 0);
  stage.setForward(-90_000);
  await stage.passAlive(60);
  assert.equal(await stage.refusal(token), 'token_expired');
});

test('a verifier that is closed takes its connections along and asks for nothing more', async () => {
  const stage = await Stage.ready();
  const token = stage.token('s1', 'ann');
  const reason = await stage.connect('s1', 'ann');
  stage.verifier.close();
  await settled();
  assert.deepEqual([reason(), await stage.refusal(token), stage.isRead()], ['unconfirmed', 'unconfirmed', false]);
  stage.asked('');
  await stage.pass(60);
  assert.deepEqual(stage.asked(''), []);
});

test('settings that would not protect are refused', () => {
  for (const spoilt of [
    { issuer: 'https://auth.example.org' },
    { issuer: 'https://auth.example.org/projects/' },
    { issuer: `${ISSUER}/` },
    { issuer: 'auth.example.org/projects/p1' },
    { server: 'ftp://auth.example.org' },
    { audience: [] },
    { audience: ['app1', ''] },
    { key: '' },
    { key: 'a\r\nb' },
    { silence: 5 },
    { maxStaleness: 14 },
    { maxStaleness: Number.NaN },
    { longestToken: 0 },
    { capacity: 0 },
    { capacity: 1e9 },
  ]) {
    assert.throws(() => createVerifier({ ...OPTIONS, ...spoilt }).close(), TypeError, JSON.stringify(spoilt));
  }
});
