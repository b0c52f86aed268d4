// Sign-up, users and accounts, keys, a new password by mail.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { mailed } from '../shared/server.mjs';
import { Client, encode, plain } from './client.mjs';
import { PASSWORD } from './server.mjs';

/** Signs somebody up, and in with the client. */
export async function user(name) {
  const email = `${name}@example.org`;
  const made = await plain('POST', '/user', { data: { email, password: PASSWORD, first_name: name } });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const client = new Client(email, PASSWORD);
  await client.renew();
  return client;
}

export async function accounts() {
  const ann = await user('ann');
  let uuid;
  await check('GET /auth answers with user, account and token', async () => {
    const { payload, success } = await ann.renew();
    assert.equal(success, true);
    assert.deepEqual([payload.email, payload.role, payload.wss_online], ['ann@example.org', 'User', false]);
    assert.match(payload.created_on, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(payload.account.level, 'Level0');
    const claims = JSON.parse(Buffer.from(payload.token.split('.')[1], 'base64url'));
    assert.deepEqual([claims.uuid, claims.role, claims.exp - claims.iat], [payload.uuid, 'User', 86_400]);
    assert.ok(!('password' in payload));
    uuid = payload.uuid;
  });
  await check('a failure has a body that says the same as the status, and which fields are wrong', async () => {
    const failed = await ann.axios.post('/user', { email: 'x' }).then(() => null, (error) => error.response.data);
    assert.deepEqual([failed.success, failed.status], [false, 400]);
    assert.ok(failed.message && failed.fields['body.email'] && failed.fields['body.password']);
    const taken = await plain('POST', '/user', { data: { email: 'ANN@example.org', password: PASSWORD } });
    assert.equal(taken.status, 409);
  });
  await check('a user changes what they say of themselves', async () => {
    const { data } = await ann.axios.patch(`/user/${uuid}`, { last_name: 'Lee', gender: 'Female', dob: '1990-02-03' });
    assert.deepEqual([data.payload.last_name, data.payload.dob], ['Lee', '1990-02-03T00:00:00.000Z']);
  });
  await check('an owner adds a user and shuts them out', async () => {
    const wanted = { email: 'bob@example.org', password: PASSWORD };
    const { data } = await ann.axios.post('/account/user', wanted);
    const bob = { Authorization: `Basic ${encode(wanted.email, PASSWORD)}` };
    assert.equal((await plain('GET', '/auth', { headers: bob })).status, 200);
    assert.equal((await ann.axios.get('/account')).data.payload.users.length, 2);
    await ann.axios.delete(`/account/user/${data.payload.uuid}`);
    assert.equal((await plain('GET', '/auth', { headers: bob })).status, 401);
    await ann.axios.put(`/account/user/${data.payload.uuid}`);
    assert.equal((await plain('GET', '/auth', { headers: bob })).status, 200);
  });
  await check('an administrator sees everybody', async () => {
    const chief = new Client('chief@example.org', PASSWORD);
    await chief.renew();
    const users = (await chief.axios.get('/user')).data.payload;
    assert.ok(users.length >= 3 && users.some((shown) => shown.email === 'bob@example.org'));
    // The client sends its token beside the Basic of another: the Basic counts.
    const both = await ann.axios.get('/auth', { headers: { Authorization: `Basic ${chief.credentials}` } });
    assert.equal(both.data.payload.role, 'Admin');
  });
  await check('a key is shown once, works as a bearer, and is revoked by its value', async () => {
    const { data } = await ann.axios.post('/token', { name: 'script', ttl: 60 });
    const { token } = data.payload;
    assert.ok(token.length >= 48);
    const listed = (await ann.axios.get('/token/list')).data;
    assert.ok(!JSON.stringify(listed).includes(token) && token.startsWith(listed.payload[0].token_prefix));
    const headers = { Authorization: `Bearer ${token}` };
    assert.equal((await plain('GET', '/account', { headers })).status, 200);
    await ann.axios.delete(`/token/${token}`);
    assert.equal((await plain('GET', '/account', { headers })).status, 401);
  });
  await check('a password is set by mail, at a page of a listed host', async () => {
    const ask = (callback) => plain('GET', `/user/password_reset?email=ann@example.org&callback=${encodeURIComponent(callback)}`);
    assert.equal((await ask('https://evil.example/{token}')).status, 400);
    assert.equal((await ask('https://app.example.org/reset/{token}')).status, 201);
    const token = await mailed('ann@example.org', 'https://app.example.org/reset/');
    const set = () => plain('POST', '/user/password_reset', { data: { token, password: `${PASSWORD}!` } });
    assert.equal((await set()).status, 200);
    assert.equal((await set()).status, 404);
    assert.equal((await plain('GET', '/auth', { headers: { 'X-Auth-Token': ann.token } })).status, 401);
  });
}
