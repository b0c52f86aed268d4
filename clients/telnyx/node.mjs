// The client of npm: all of REST.

import assert from 'node:assert/strict';

import Telnyx from 'telnyx';

import { check } from '../shared/checks.mjs';
import { all, claimsOf, verdict } from './helpers.mjs';
import { keys } from './provision.mjs';

const PASSWORD = 'violet otter under glass';

/** A client that counts its requests. */
function clientOf(baseURL, apiKey = keys.all) {
  const sent = [];
  const counting = (url, init) => {
    sent.push(`${init?.method ?? 'GET'} ${url}`);
    return fetch(url, init);
  };
  return Object.assign(new Telnyx({ apiKey, baseURL, fetch: counting }), { sent });
}

/** That a call is refused with this class and code, at the first try. */
async function refused(client, call, kind, code) {
  const before = client.sent.length;
  const error = await call().then(() => assert.fail('was accepted'), (cause) => cause);
  assert.ok(error instanceof kind, `${error}`);
  if (code !== undefined) assert.equal(error.error.errors[0].code, code, JSON.stringify(error.error));
  assert.equal(client.sent.length - before, 1, 'it was repeated');
  return error;
}

export async function everything(baseURL) {
  const client = clientOf(baseURL);
  const connection = await connections(client);
  await credentials(client, connection);
  await lists(client);
  await refusals(client, baseURL, connection);
  await endings(client, connection);
}

async function connections(client) {
  const { data: made } = await client.credentialConnections.create({
    connection_name: 'Phones',
    user_name: 'phones',
    password: PASSWORD,
    tags: ['a'],
    inbound: { simultaneous_ringing: 'enabled', codecs: ['OPUS'] },
    outbound: { outbound_voice_profile_id: '1293384261075731499' },
    webhook_event_url: 'https://example.com/hook',
  });
  await check('a connection is made as asked', () => {
    assert.match(made.id, /^[1-9][0-9]{18}$/);
    assert.equal(made.record_type, 'credential_connection');
    assert.deepEqual([made.active, made.password, made.tags], [true, PASSWORD, ['a']]);
    assert.equal(made.inbound.simultaneous_ringing, 'enabled');
  });
  await check('a connection is read back, its password masked', async () => {
    const { data } = await client.credentialConnections.retrieve(made.id);
    assert.deepEqual(data, { ...made, password: '********' });
  });
  await check('a connection is changed', async () => {
    const { data } = await client.credentialConnections.update(made.id, { connection_name: 'Desks', tags: [] });
    assert.deepEqual([data.connection_name, data.user_name, data.tags], ['Desks', 'phones', []]);
  });
  await check('nobody is registered', async () => {
    const { data } = await client.credentialConnections.actions.checkRegistrationStatus(made.id);
    assert.deepEqual([data.record_type, data.status], ['registration_status', 'Not Registered']);
  });
  await check("the guide's own example works", async () => {
    const { data } = await client.credentialConnections.create({
      connection_name: 'My WebRTC App',
      transport_protocol: 'TLS',
      sip_uri_calling_preference: 'enabled',
      sip_uri_calling_region: 'any',
    });
    assert.ok(data.user_name && data.password.length >= 8);
    const { data: deleted } = await client.credentialConnections.delete(data.id);
    assert.equal(deleted.id, data.id);
  });
  return made;
}

async function credentials(client, connection) {
  const { data: made } = await client.telephonyCredentials.create({ connection_id: connection.id, tag: 'hall' });
  await check('a credential is made', () => {
    assert.match(made.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.match(made.sip_username, /^gencred[0-9A-Za-z]{22,}$/);
    assert.match(made.sip_password, /^[0-9a-f]{32}$/);
    assert.equal(made.resource_id, `connection:${connection.id}`);
    assert.equal(made.expired, false);
  });
  await check('a credential is read back', async () => {
    assert.deepEqual((await client.telephonyCredentials.retrieve(made.id)).data, made);
  });
  await check('a credential is changed', async () => {
    const change = { name: 'desk', expires_at: new Date(Date.now() + 3_600_000).toISOString() };
    const { data } = await client.telephonyCredentials.update(made.id, change);
    assert.deepEqual([data.name, data.expires_at], ['desk', change.expires_at.slice(0, 19)]);
  });
  const token = await client.telephonyCredentials.createToken(made.id);
  await check('a token is bare text that a browser reads', () => {
    assert.equal(typeof token, 'string');
    const { iss, aud, sub, typ, iat, nbf, exp } = claimsOf(token);
    assert.deepEqual([iss, aud, sub, typ], ['telnyx_telephony', 'telnyx_telephony', made.id, 'access']);
    assert.ok(nbf === iat - 1 && exp - iat > 3500 && exp - iat <= 3600, 'it ends with its credential');
  });
  await check('a token counts until its credential is deleted', async () => {
    assert.equal(await verdict(token), 'accepted');
    assert.equal((await client.telephonyCredentials.delete(made.id)).data.id, made.id);
    assert.match(await verdict(token), /may not sign in/);
    await refused(client, () => client.telephonyCredentials.retrieve(made.id), Telnyx.NotFoundError, '10005');
  });
}

async function lists(client) {
  const names = ['one', 'two', 'Three', 'four', 'five'].map((name) => `list ${name}`);
  const made = [];
  for (const name of names) made.push((await client.credentialConnections.create({ connection_name: name })).data);
  const listed = async (query) => {
    const items = await all(client.credentialConnections.list(query));
    return items.map((item) => item.connection_name);
  };
  const filter = { connection_name: { contains: 'LIST' } };
  await check('every page of a list is fetched, once', async () => {
    const before = client.sent.length;
    const found = await listed({ filter, sort: 'connection_name', 'page[size]': 2 });
    assert.deepEqual(found, ['list five', 'list four', 'list one', 'list Three', 'list two']);
    assert.equal(client.sent.length - before, 3);
  });
  await check('lists go the other way, and by age', async () => {
    assert.deepEqual(await listed({ filter, sort: '-connection_name' }), [
      'list two', 'list Three', 'list one', 'list four', 'list five',
    ]);
    assert.deepEqual(await listed({ filter, sort: 'created_at' }), names);
    assert.deepEqual(await listed({ filter }), names.toReversed());
  });
  const [first, second] = made;
  const credential = async (connection_id, more) =>
    (await client.telephonyCredentials.create({ connection_id, ...more })).data;
  const one = await credential(first.id, { name: 'same', tag: 'lists' });
  const two = await credential(second.id, { name: 'same' });
  const old = await credential(second.id, { name: 'old', expires_at: '2018-02-02T22:25:27.521Z' });
  const ids = async (wanted) => (await all(client.telephonyCredentials.list({ filter: wanted, 'page[size]': 1 })))
    .map((item) => item.id);
  await check('credentials are found by each filter', async () => {
    assert.deepEqual(await ids({ tag: 'lists' }), [one.id]);
    assert.deepEqual(await ids({ name: 'same' }), [two.id, one.id]);
    assert.deepEqual(await ids({ status: 'expired' }), [old.id]);
    assert.deepEqual(await ids({ resource_id: `connection:${first.id}` }), [one.id]);
    assert.deepEqual(await ids({ sip_username: two.sip_username }), [two.id]);
    assert.deepEqual(await ids({ tag: 'nobody' }), []);
  });
  await check('what has expired cannot be changed', async () => {
    const error = await refused(
      client,
      () => client.telephonyCredentials.update(old.id, { name: 'new' }),
      Telnyx.UnprocessableEntityError,
    );
    assert.equal(typeof error.error.errors.status, 'string');
    const call = () => client.telephonyCredentials.createToken(old.id);
    await refused(client, call, Telnyx.UnprocessableEntityError, '10015');
  });
  for (const { id } of made) await client.credentialConnections.delete(id);
}

async function refusals(client, baseURL, connection) {
  const { credentialConnections: groups, telephonyCredentials: endpoints } = client;
  const body = { connection_name: 'Again', user_name: 'phones', password: PASSWORD };
  await check('a taken user name is refused, once', async () => {
    const error = await refused(client, () => groups.create(body), Telnyx.UnprocessableEntityError, '10012');
    assert.equal(error.error.errors[0].source.pointer, '/user_name');
  });
  await check('what is missing, unknown or malformed is told by its code', async () => {
    await refused(client, () => groups.create({}), Telnyx.UnprocessableEntityError, '10004');
    const unknown = { connection_id: '1293384261075731499' };
    await refused(client, () => endpoints.create(unknown), Telnyx.UnprocessableEntityError, '10013');
    await refused(client, () => endpoints.retrieve('nonsense'), Telnyx.NotFoundError, '10006');
    await refused(client, () => endpoints.list({ 'page[size]': 1000 }), Telnyx.BadRequestError, '10015');
  });
  await check('a wrong key is no key', async () => {
    const wrong = clientOf(baseURL, 'KEY0190');
    await refused(wrong, () => wrong.telephonyCredentials.list(), Telnyx.AuthenticationError, '10009');
  });
  await check('a key that may only look may only look', async () => {
    const looker = clientOf(baseURL, keys.looker);
    assert.equal((await looker.credentialConnections.retrieve(connection.id)).data.id, connection.id);
    await refused(looker, () => looker.credentialConnections.create(body), Telnyx.PermissionDeniedError, '10010');
  });
  await check('another account sees nothing of this one', async () => {
    const other = clientOf(baseURL, keys.other);
    assert.deepEqual(await all(other.credentialConnections.list()), []);
    await refused(other, () => other.credentialConnections.delete(connection.id), Telnyx.NotFoundError, '10005');
    const { data } = await other.credentialConnections.create(body);
    assert.equal(data.user_name, 'phones');
    await other.credentialConnections.delete(data.id);
  });
}

async function endings(client, connection) {
  const { data: credential } = await client.telephonyCredentials.create({ connection_id: connection.id });
  const token = () => client.telephonyCredentials.createToken(credential.id);
  const first = await token();
  await check('a connection that is not active ends everything below', async () => {
    await client.credentialConnections.update(connection.id, { active: false });
    assert.match(await verdict(first), /disabled/);
    await refused(client, token, Telnyx.UnprocessableEntityError, '10015');
    await client.credentialConnections.update(connection.id, { active: true });
    assert.match(await verdict(first), /revoked/);
    assert.equal(await verdict(await token()), 'accepted');
  });
  await check('a deleted connection takes its credentials along', async () => {
    const last = await token();
    await client.credentialConnections.delete(connection.id);
    assert.match(await verdict(last), /may not sign in/);
    await refused(client, () => client.telephonyCredentials.retrieve(credential.id), Telnyx.NotFoundError, '10005');
    assert.deepEqual(await all(client.credentialConnections.list()), []);
  });
}
