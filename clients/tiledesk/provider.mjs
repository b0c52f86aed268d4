// An imitation of Google, in a process of its own: says its port, answers until it is stopped.
//
// `/authorize` is its page: whoever comes is `login_as`, who is set beforehand, and is sent back with a code at once.

import { createHash, createSign, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

export const CLIENT = 'web-1';
export const SECRET = 'google-secret';

let round = 0;
let keys;

/** A new key under a new name; the one before is not published any more. */
function rotate() {
  round += 1;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const kid = `k${round}`;
  keys = { kid, privateKey, jwk: { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' } };
}

function sign(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: keys.kid })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(keys.privateKey).toString('base64url')}`;
}

const codes = new Map();
let person = {};

function authorize(query) {
  const code = randomUUID();
  const get = (name) => query.get(name);
  codes.set(code, { challenge: get('code_challenge'), nonce: get('nonce'), redirect: get('redirect_uri'), person });
  const back = new URL(get('redirect_uri'));
  back.searchParams.set('code', code);
  back.searchParams.set('state', get('state'));
  back.searchParams.set('iss', 'https://accounts.google.com');
  return [302, null, back.href];
}

function redeem(form, authorization) {
  const expected = `Basic ${Buffer.from(`${CLIENT}:${SECRET}`).toString('base64')}`;
  if (authorization !== expected) return [401, { error: 'invalid_client' }];
  const asked = codes.get(form.get('code'));
  codes.delete(form.get('code'));
  const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
  if (asked?.challenge !== challenge || asked.redirect !== form.get('redirect_uri')) return [400, { error: 'invalid_grant' }];
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://accounts.google.com', aud: CLIENT, iat: now, exp: now + 3600, nonce: asked.nonce };
  return [200, { token_type: 'Bearer', access_token: 'unused', id_token: sign({ ...claims, ...asked.person }) }];
}

function answer(url, body, authorization) {
  if (url.pathname === '/certs') return [200, { keys: [keys.jwk] }];
  if (url.pathname === '/authorize') return authorize(url.searchParams);
  if (url.pathname === '/token') return redeem(new URLSearchParams(body), authorization);
  if (url.pathname === '/login_as') person = JSON.parse(body);
  else if (url.pathname === '/rotate') rotate();
  else return [404, {}];
  return [200, {}];
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  rotate();
  const server = createServer(async (request, response) => {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const url = new URL(request.url, 'http://provider');
    const [status, body, location] = answer(url, Buffer.concat(pieces).toString(), request.headers.authorization);
    const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'max-age=3600' };
    response.writeHead(status, location ? { ...headers, Location: location } : headers).end(JSON.stringify(body));
  });
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
  process.on('SIGTERM', () => process.exit(0));
}
