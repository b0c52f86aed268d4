// Tokens, numbered as in the attack catalogue (RFC 8725 and known bugs of JOSE libraries).

import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';

import { Refusal } from '../src/index.js';
import { ISSUER, OPTIONS, START, Signer, Stage, encode } from './stage.js';

const HEADER = '{"typ":"at+jwt","alg":"EdDSA","kid":"k1"}';
const headerWith = (more: string) => `{"typ":"at+jwt","alg":"EdDSA","kid":"k1",${more}}`;

const ofHeader = (stage: Stage, header: string) =>
  stage.refusal(stage.signer.sign(header, JSON.stringify(stage.claims('s1', 'ann'))));

/** A test with a verifier that is ready and is closed afterwards. */
function judging(sentence: string, body: (stage: Stage) => Promise<void>, options = OPTIONS): void {
  test(sentence, async () => {
    const stage = await Stage.ready(options);
    try {
      await body(stage);
    } finally {
      stage.verifier.close();
    }
  });
}

judging('a good token says whose it is', async (stage) => {
  const claims = await stage.verify(stage.token('s1', 'ann'));
  assert.deepEqual([claims.sid, claims.sub, claims.expiresAt], ['s1', 'ann', (START + 86_400) * 1000]);
  assert.equal(claims.all['kind'], 'member');
});

judging('n01 an unsecured token is refused', async (stage) => {
  for (const alg of ['none', 'None', 'nOnE', '']) {
    const header = `{"typ":"at+jwt","alg":"${alg}","kid":"k1"}`;
    assert.equal(await ofHeader(stage, header), 'token_alg');
    assert.equal(await stage.refusal(`${encode(header)}.${encode('{}')}.`), 'token_alg');
  }
});

judging('n02 n03 a key is good for the algorithm that it names', async (stage) => {
  for (const alg of ['HS256', 'HS512', 'RS256', 'PS256', 'ES256', 'ES512']) {
    assert.equal(await ofHeader(stage, `{"typ":"at+jwt","alg":"${alg}","kid":"k1"}`), 'token_alg', alg);
  }
});

judging('n04 a header without one algorithm is malformed', async (stage) => {
  for (const header of [
    '{"typ":"at+jwt","kid":"k1"}',
    '{"typ":"at+jwt","alg":["EdDSA"],"kid":"k1"}',
    '{"typ":"at+jwt","alg":null,"kid":"k1"}',
    headerWith('"alg":"EdDSA"'),
    headerWith('"\\u0061lg":"none"'),
    headerWith('"kid":"k2"'),
    headerWith('"x":{"y":1,"y":2}'),
    '["EdDSA"]',
    '"EdDSA"',
    '',
    '{"alg":"EdDSA"}{}',
  ]) {
    assert.equal(await ofHeader(stage, header), 'token_malformed', header);
  }
});

judging('n06 keys that are weak or for something else are none', async (stage) => {
  const good = stage.signer.jwk();
  const rsa = (bytes: number, e: string) => ({ kty: 'RSA', alg: 'RS256', kid: 'k1', n: encode(Buffer.alloc(bytes, 0xd5)), e });
  for (const jwk of [
    { ...good, use: 'enc' },
    { ...good, key_ops: ['sign'] },
    { ...good, key_ops: 'verify' },
    { ...good, d: 'AAAA' },
    { ...good, crv: 'X25519' },
    { ...good, kty: 'EC' },
    { ...good, x: encode(Buffer.alloc(31, 1)) },
    { ...good, x: `${good['x']}=` },
    { ...good, alg: 'HS256' },
    { ...good, alg: null },
    rsa(128, 'AQAB'),
    rsa(256, 'AQ'),
    rsa(256, 'Aw'),
  ]) {
    stage.keys = [jwk];
    await stage.passAlive(360);
    assert.equal(await stage.refusal(stage.token('s1', 'ann')), 'token_key', JSON.stringify(jwk));
  }
  stage.keys = [rsa(128, 'AQAB'), good];
  await stage.passAlive(360);
  assert.equal(await stage.refusal(stage.token('s1', 'ann')), undefined);
});

judging('n07 a signature of something else or none is refused', async (stage) => {
  const token = stage.token('s1', 'ann');
  const [header, payload, signature] = token.split('.');
  const other = stage.token('s2', 'bob').split('.');
  for (const forged of [
    `${other[0]}.${other[1]}.${signature}`,
    `${header}.${payload}.`,
    `${header}.${payload}.${encode(Buffer.alloc(64))}`,
    new Signer('k1', 8).mint('at+jwt', stage.claims('s1', 'ann')),
  ]) {
    assert.equal(await stage.refusal(forged), 'token_signature');
  }
  for (let bit = 0; bit < 512; bit += 1) {
    const flipped = Buffer.from(signature ?? '', 'base64url');
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(await stage.refusal(`${header}.${payload}.${encode(flipped)}`), 'token_signature', `bit ${bit}`);
  }
  for (const malformed of [`${header}.${payload}`, JSON.stringify({ protected: header, payload, signature })]) {
    assert.equal(await stage.refusal(malformed), 'token_malformed');
  }
});

judging('every key that the server can publish is understood', async (stage) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const curves = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;
  for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'] as const) {
    const pair = alg in curves ? generateKeyPairSync('ec', { namedCurve: curves[alg as 'ES256'] }) : rsa;
    stage.keys = [{ ...pair.publicKey.export({ format: 'jwk' }), alg, kid: alg, use: 'sig' }];
    await stage.passAlive(60);
    const header = JSON.stringify({ typ: 'at+jwt', alg, kid: alg });
    const input = `${encode(header)}.${encode(JSON.stringify(stage.claims('s1', 'ann')))}`;
    const padding = alg.startsWith('P') ? constants.RSA_PKCS1_PSS_PADDING : constants.RSA_PKCS1_PADDING;
    const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
    const key = { key: pair.privateKey, dsaEncoding: 'ieee-p1363' as const, ...(pair === rsa && { padding, saltLength }) };
    const token = `${input}.${encode(sign(`sha${alg.slice(2)}`, Buffer.from(input), key))}`;
    assert.equal(await stage.refusal(token), undefined, alg);
  }
});

judging('n09 signatures outside the group or in DER are refused', async (stage) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  stage.keys = [{ ...publicKey.export({ format: 'jwk' }), alg: 'ES256', kid: 'ec' }];
  const input = `${encode('{"typ":"at+jwt","alg":"ES256","kid":"ec"}')}.${encode(JSON.stringify(stage.claims('s1', 'ann')))}`;
  const good = sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  assert.equal(await stage.refusal(`${input}.${encode(good)}`), undefined);
  const [r, s] = [good.subarray(0, 32), good.subarray(32)];
  const order = Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551', 'hex');
  const zero = Buffer.alloc(32);
  const der = sign('sha256', Buffer.from(input), privateKey);
  for (const forged of [[zero, s], [r, zero], [r, order], [order, s], [zero, zero], [der], [good, Buffer.alloc(1)], [good.subarray(0, 63)]]) {
    assert.equal(await stage.refusal(`${input}.${encode(Buffer.concat(forged))}`), 'token_signature');
  }
});

judging('n10 n24 what is no token is malformed', async (stage) => {
  const token = stage.token('s1', 'ann');
  const nested = `{"a":${'['.repeat(100)}${']'.repeat(100)}}`;
  for (const malformed of [
    'A'.repeat(1024 * 1024),
    '.'.repeat(10_000),
    'rfk_0123456789abcdef',
    '',
    stage.signer.sign(HEADER, nested),
    `${token}=`,
    ` ${token}`,
    token.replaceAll('.', '..'),
    token.replace('.', '+.'),
    undefined as unknown as string,
    {} as unknown as string,
  ]) {
    assert.equal(await stage.refusal(malformed), 'token_malformed');
  }
  for (let length = 0; length < token.length; length += 1) assert.ok(await stage.refusal(token.slice(0, length)), `${length}`);
  // 64 bytes end in a digit of which four bits are not used: one signature must not have sixteen spellings.
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const spellings = await Promise.all([...digits].map((digit) => stage.refusal(token.slice(0, -1) + digit)));
  assert.equal(spellings.filter((refusal) => refusal === undefined).length, 1);
});

judging('n11 compression, encryption and extensions are refused unread', async (stage) => {
  for (const more of ['"zip":"DEF"', '"enc":"A128GCM"', '"crit":["exp"]', '"b64":false', '"crit":[]']) {
    assert.equal(await ofHeader(stage, headerWith(more)), 'token_malformed', more);
  }
});

judging('n12 text that is no Unicode, holds NUL or says a thing twice is malformed', async (stage) => {
  for (const payload of [
    Buffer.from('7b22737562223a22ff227d', 'hex'),
    Buffer.from('7b22737562223a22eda080227d', 'hex'),
    Buffer.from('efbbbf7b7d', 'hex'),
    '{"sub":"\\ud800"}',
    '{"sub":"ann\\u0000"}',
    '{"\\u0000":1}',
    '{"sub":"ann","sub":"bob"}',
    '{"sub" : "ann" ,\n"\\u0073ub"  :"bob"}',
    '{"a":{"b":1,"b":2}}',
    '[]',
    '',
  ]) {
    assert.equal(await stage.refusal(stage.signer.sign(HEADER, payload)), 'token_malformed', payload.toString());
  }
  // Values may be alike, and so may names in different objects.
  assert.equal(await stage.refusalWith({ a: { b: 'x', c: 'x' }, d: [{ b: 'x' }, { b: 'x' }], e: '"a":1,"a":2' }), undefined);
});

judging('n13 n14 the issuer is the one that was configured', async (stage) => {
  stage.asked('');
  for (const iss of [`${ISSUER}/`, ISSUER.toUpperCase(), 'https://auth.example.org', 'https://evil.example/projects/p1', undefined]) {
    assert.equal(await stage.refusalWith({ iss }), 'token_issuer', iss);
  }
  assert.equal(await stage.refusalWith({ iss: [ISSUER] }), 'token_claims');
  assert.deepEqual(stage.asked(''), []);
});

judging(
  'n15 the audience is ours and ours alone',
  async (stage) => {
    for (const aud of ['app1', 'app2', ['app1'], ['app1', 'app2']]) assert.equal(await stage.refusalWith({ aud }), undefined);
    for (const aud of ['app3', undefined, [], ['app1', 'app3'], '']) assert.equal(await stage.refusalWith({ aud }), 'token_audience');
    for (const aud of [1, { app1: true }, ['app1', 1], null]) assert.equal(await stage.refusalWith({ aud }), 'token_claims');
  },
  { ...OPTIONS, audience: ['app1', 'app2'] },
);

judging('n16 n17 a token does not bring its own key', async (stage) => {
  stage.asked('');
  const own = ['"jku":"https://evil.example/jwks.json"', '"x5u":"https://evil.example/a.pem"', '"x5c":["AAAA"]', '"jwk":{"kty":"OKP"}'];
  for (const more of own) assert.equal(await ofHeader(stage, headerWith(more)), 'token_key', more);
  for (const kid of ['', 'k'.repeat(129), 'k1\\u007f', 'a\\nb']) {
    assert.equal(await ofHeader(stage, `{"typ":"at+jwt","alg":"EdDSA","kid":"${kid}"}`), 'token_key', kid);
  }
  assert.equal(await ofHeader(stage, '{"typ":"at+jwt","alg":"EdDSA"}'), 'token_key');
  assert.deepEqual(stage.asked(''), []);
});

judging('n18 unknown names have the keys fetched once a minute', async (stage) => {
  stage.asked('');
  for (let number = 0; number < 1000; number += 1) {
    assert.equal(await ofHeader(stage, `{"typ":"at+jwt","alg":"EdDSA","kid":"../${number}"}`), 'token_key');
  }
  assert.equal(stage.asked('jwks.json').length, 1);
  const next = new Signer('k2', 9);
  stage.keys = [stage.signer.jwk(), next.jwk()];
  const token = next.mint('at+jwt', stage.claims('s1', 'ann'));
  assert.equal(await stage.refusal(token), 'token_key');
  await stage.passAlive(60);
  stage.asked('');
  assert.equal(await stage.refusal(token), undefined);
  assert.equal(stage.asked('jwks.json').length, 1);
  // One that was withdrawn is forgotten by itself.
  stage.keys = [next.jwk()];
  await stage.passAlive(360);
  assert.equal(await stage.refusal(stage.token('s1', 'ann')), 'token_key');
});

judging('n19 n21 tokens of another kind are refused', async (stage) => {
  const claims = stage.claims('s1', 'ann');
  for (const typ of ['JWT', 'secevent+jwt', 'application/at+jwt', 'AT+JWT', '']) {
    assert.equal(await stage.refusal(stage.signer.mint(typ, claims)), 'token_type', typ);
  }
  assert.equal(await ofHeader(stage, '{"alg":"EdDSA","kid":"k1"}'), 'token_type');
  for (const missing of [{ sid: undefined }, { sub: undefined }, { sid: '' }, { sid: 1 }, { sid: 's'.repeat(129) }]) {
    assert.equal(await stage.refusalWith(missing), 'token_claims', JSON.stringify(missing));
  }
});

judging('n22 times are numbers', async (stage) => {
  for (const time of ['9999999999', -1, [1], true, null, 9.1e15]) {
    for (const name of ['exp', 'iat', 'nbf']) assert.equal(await stage.refusalWith({ [name]: time }), 'token_claims', `${name} ${time}`);
  }
  for (const name of ['exp', 'iat']) assert.equal(await stage.refusalWith({ [name]: undefined }), 'token_claims', name);
  const endless = JSON.stringify(stage.claims('s1', 'ann')).replace(`${START + 86_400}`, '1e400');
  assert.equal(await stage.refusal(stage.signer.sign(HEADER, endless)), 'token_claims');
});

judging('n23 a token counts from its beginning to its end and not too long', async (stage) => {
  for (const exp of [START, START - 1, START - 31_536_000]) {
    assert.equal(await stage.refusalWith({ exp, iat: exp - 60 }), 'token_expired', `${exp}`);
  }
  assert.equal(await stage.refusalWith({ exp: START + 1 }), undefined);
  for (const name of ['iat', 'nbf']) {
    assert.equal(await stage.refusalWith({ [name]: START + 61 }), 'token_not_yet', name);
    assert.equal(await stage.refusalWith({ [name]: START + 60 }), undefined, name);
  }
  assert.equal(await stage.refusalWith({ exp: START + 86_401 }), 'token_lifetime');
});

judging('a token ends while it is in use', async (stage) => {
  const claims = await stage.verify(stage.token('s1', 'ann'));
  await stage.passAlive(300);
  assert.ok(stage.verifier.stillValid(claims));
  stage.setForward(86_400);
  assert.ok(!stage.verifier.stillValid(claims));
});

test('a refusal says what to answer with', () => {
  assert.deepEqual([new Refusal('session_revoked').status, new Refusal('unconfirmed').status], [401, 503]);
});
