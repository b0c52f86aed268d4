// REST clients, and what the server wrote down meanwhile.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { printed } from '../shared/server.mjs';
import { BACKEND, agent, applications, cloud, json, jwt, login } from './server.mjs';

const { widget } = applications;
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const seen = [];

/** A password grant; the answer. */
const grant = (path, request) => cloud('POST', path, request);

export async function rest() {
  const { email: username, password } = agent;
  const form = new URLSearchParams({ grant_type: 'password', username, password });
  const forms = [
    ['a form', { body: form }],
    ['JSON', json({ username, password })],
  ];
  for (const path of ['/api/v3/token', '/api/token']) {
    for (const [what, request] of forms) {
      await check(`${path} takes ${what}`, async () => {
        const { status, body } = await grant(path, request);
        assert.equal(status, 200, JSON.stringify(body));
        assert.match(body.created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
        assert.equal(body.expires_in, 86_400);
        seen.push(body.access_token);
        assert.equal((await cloud('GET', '/api/v2/checkToken', { bearer: body.access_token })).status, 200);
      });
    }
  }
  await check('a password in the query is refused where that is not switched on', async () => {
    assert.equal((await grant(`/api/v3/token?${form}`)).status, 403);
  });
  await check('the jwt-bearer grant takes the JWT of a back end, and revoking ends it', async () => {
    const body = new URLSearchParams({ grant_type: JWT_BEARER, assertion: jwt('rest-user') });
    const { access_token: bearer } = (await grant('/api/v3/token', { body })).body;
    seen.push(bearer);
    const revoked = await cloud('POST', '/api/v3/token/revoke', { bearer });
    assert.deepEqual([revoked.status, revoked.body], [200, { access_token: bearer }]);
    assert.equal((await cloud('GET', '/api/v2/checkToken', { bearer })).status, 401);
    assert.equal((await grant('/api/v3/token', { body })).status, 401, 'the JWT lives on');
  });
  await check('the eleventh request of a minute is told to wait', async () => {
    const bearer = await login();
    const { body } = await cloud('GET', '/api/v2/users/me', { bearer });
    let last;
    for (let times = 0; times < 11; times += 1) {
      last = await cloud('GET', `/api/v3/enterprises/${body.enterpriseId}/users`, { bearer });
    }
    assert.equal(last.status, 429);
    assert.equal(last.body.error, 'throttled');
    const reset = Number(last.headers.get('x-ratelimit-reset'));
    assert.ok(reset > 0 && reset <= 60, String(reset));
    assert.equal((await cloud('GET', '/api/v2/users/me', { bearer })).status, 200, 'the library is not counted');
  });
  await check('n87: a back end gets a JWT for its user, a page with its key does not', async () => {
    const wanted = json({ apiKey: widget.key, userId: 'heidi' });
    const made = await cloud('POST', '/api/v3/jwt', { bearer: BACKEND, ...wanted });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    const claims = JSON.parse(Buffer.from(made.body.token.split('.')[1], 'base64url'));
    assert.deepEqual([claims.sub, claims.aud, claims.grants], [widget.key, 'apiRTC', { apiRTC_UserAgent_Id: 'heidi' }]);
    wanted.headers.origin = 'https://page.example';
    assert.equal((await cloud('POST', '/api/v3/jwt', { bearer: BACKEND, ...wanted })).status, 403);
    assert.equal((await cloud('POST', '/api/v3/jwt', wanted)).status, 401);
  });
}

/** Nothing secret was written down. */
export async function secrets() {
  await check('n94: the log has no token, ticket or password in it', async () => {
    const log = printed();
    assert.ok(log.length > 1000);
    for (const secret of [...seen, agent.password, BACKEND, ...Object.values(applications).map(({ secret }) => secret)]) {
      assert.ok(!log.includes(secret), 'a secret is in the log');
    }
    assert.doesNotMatch(log, /eyJ[\w-]+\.[\w-]+\.|rf[sg]_[\w-]{20}/);
  });
}
