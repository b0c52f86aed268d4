// An imitation of Google and Facebook, in a process of its own: says its port, answers until it is stopped.
//
// Tokens are `app user`, for which application and for whom; `down` is answered with 500.

import { createHmac, createSign, generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';

const SECRET = 'fb-secret';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'RS256' };

/** An ID token. */
function signed(claims) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'RS256', typ: 'JWT', kid: 'k1' })}.${part(claims)}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey).toString('base64url')}`;
}

function answer(url) {
  const query = url.searchParams;
  if (url.pathname === '/jwks') return [200, { keys: [jwk] }];
  if (url.pathname === '/mint') return [200, { token: signed(JSON.parse(query.get('claims'))) }];
  if (url.pathname === '/debug_token') {
    if (query.get('access_token') !== `app-1|${SECRET}`) return [400, { error: { message: 'bad app token' } }];
    const [app, user] = query.get('input_token').split(' ');
    if (app === 'down') return [500, {}];
    if (!user) return [200, { data: { is_valid: false } }];
    return [200, { data: { is_valid: true, app_id: app, type: 'USER', user_id: user, expires_at: 0, scopes: ['email'] } }];
  }
  if (url.pathname === '/me') {
    const token = query.get('access_token');
    const proof = createHmac('sha256', SECRET).update(token).digest('hex');
    if (query.get('appsecret_proof') !== proof) return [400, { error: { message: 'bad proof' } }];
    const user = token.split(' ')[1];
    return [200, { id: user, first_name: 'Fay', last_name: 'Face', email: `${user}@facebook.example` }];
  }
  return [404, {}];
}

const server = createServer((request, response) => {
  const [status, body] = answer(new URL(request.url, 'http://provider'));
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => process.exit(0));
