// The client's way out of an expired token: one round, whatever it sends beside its Basic.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { check } from '../shared/checks.mjs';
import { user } from './accounts.mjs';
import { Client, plain } from './client.mjs';
import { PASSWORD, base } from './server.mjs';

export async function refresh() {
  const cy = await user('cy');
  await check('a stale token beside Basic ends after one round', async () => {
    cy.token = 'stale';
    cy.sent.length = 0;
    const { data } = await cy.axios.get('/account');
    assert.equal(data.payload.users[0].email, 'cy@example.org');
    assert.deepEqual(cy.sent, ['get /account', 'get /auth', 'again get /account']);
    assert.notEqual(cy.token, 'stale');
  });
  await check('the reason phrase is exactly what the client looks for, and there is no challenge', async () => {
    const refused = await plain('GET', '/account');
    assert.deepEqual([refused.status, refused.reason], [401, 'Unauthorized']);
    assert.equal(refused.headers['www-authenticate'], undefined);
    assert.equal(refused.headers['content-type'], 'application/json');
  });
  await check('a right that is missing costs no second sign-in', async () => {
    cy.sent.length = 0;
    const { data } = await cy.axios.get('/auth');
    const id = data.payload.uuid;
    const denied = await cy.axios.patch(`/user/${id}`, { role: 'Admin' }).then(() => null, (error) => error.response);
    assert.equal(denied.status, 403);
    assert.deepEqual(cy.sent, ['get /auth', `patch /user/${id}`]);
  });
  await check('wrong words end too', async () => {
    const wrong = new Client('cy@example.org', 'wrong');
    wrong.token = 'stale';
    const sign = await plain('GET', '/auth', { headers: { Authorization: `Basic ${wrong.credentials}`, 'X-Auth-Token': cy.token } });
    assert.equal(sign.status, 401, 'nothing falls back to a good token');
  });
  await check('curl as in the documentation', async () => {
    const run = promisify(execFile);
    const { stdout } = await run('curl', ['-sS', '-u', `cy@example.org:${PASSWORD}`, '-H', 'X-Auth-Token: stale', `${base}/auth`]);
    assert.equal(JSON.parse(stdout).payload.email, 'cy@example.org');
  });
}
