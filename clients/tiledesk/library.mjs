// Every authentication call that the library has, and calls that it makes with what it got.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';

import { check, claimsOf } from '../shared/checks.mjs';
import { external, now, sign } from './requests.mjs';

const { TiledeskClient } = createRequire(import.meta.url)('@tiledesk/tiledesk-client');

const KEY = 'any key: it is sent nowhere';

const promised = (call) =>
  new Promise((resolve, reject) => call((error, answer) => (error ? reject(error) : resolve(answer))));

export const byPassword = (base, email, password) =>
  promised((done) => TiledeskClient.authEmailPassword(KEY, email, password, { APIURL: base }, done));
export const anonymously = (base, project) =>
  promised((done) => TiledeskClient.anonymousAuthentication(project, KEY, { APIURL: base }, done));
export const byToken = (base, token) =>
  promised((done) => TiledeskClient.customAuthentication(token, KEY, { APIURL: base }, done));
const settings = (base, projectId, token) =>
  promised((done) => new TiledeskClient({ APIKEY: KEY, projectId, token, APIURL: base }).getProjectSettings(done));
const projectById = (base, projectId, token) =>
  promised((done) => new TiledeskClient({ APIKEY: KEY, projectId, token, APIURL: base }).createProject(projectId, done));

/** The call must be refused with this status, as the library shows it. */
export async function refused(call, status, body) {
  const error = await call.then(
    () => assert.fail('was accepted'),
    (cause) => cause,
  );
  assert.equal(error.response?.status, status, error.message);
  if (body !== undefined) assert.deepEqual(error.response.data, body);
}

const bare = (token) => token.replace(/^JWT /, '');

/** All of it against one base address. */
export async function everyCall(base, { ann, shop, provisioned }) {
  const it = (sentence, body) => check(`${base}: ${sentence}`, body);

  await it('a password signs in', async () => {
    const answer = await byPassword(base, ann.email, ann.password);
    assert.equal(answer.success, true);
    assert.match(answer.token, /^JWT ey/);
    const { _id, email, firstname, lastname, emailverified } = answer.user;
    assert.deepEqual(
      { _id, email, firstname, lastname, emailverified },
      { _id: ann.id, email: ann.email, firstname: 'Ann', lastname: 'Doe', emailverified: false },
    );
    const claims = claimsOf(answer.token);
    assert.equal(claims.sub, 'user');
    assert.ok(claims.exp > now());
  });
  await it('a wrong password and an unknown address are refused alike', async () => {
    const body = { success: false, msg: 'Authentication failed. Wrong password.' };
    await refused(byPassword(base, ann.email, 'wrong'), 401, body);
    await refused(byPassword(base, `${randomUUID()}@example.org`, 'wrong'), 401, body);
    // A good one after it, so that wrong ones do not add up over the bases.
    await byPassword(base, ann.email.toUpperCase(), ann.password);
  });
  await it('a missing password is named', async () => {
    const error = { msg: 'Invalid value', param: 'password', location: 'body' };
    await refused(byPassword(base, ann.email, undefined), 422, { errors: [error] });
  });
  await it('visitors come in', async () => {
    const answer = await anonymously(base, provisioned.id);
    assert.equal(answer.success, true);
    assert.match(answer.user._id, /^[0-9a-f]{8}-[0-9a-f]{4}-/);
    assert.equal(answer.user.firstname, `guest#${answer.user._id.slice(0, 4)}`);
    const again = await byToken(base, answer.token);
    assert.equal(again.token, answer.token);
    assert.equal(again.user._id, answer.user._id);
    const other = await anonymously(base, provisioned.id);
    assert.notEqual(other.user._id, answer.user._id);
  });
  await it('visitors need a project that exists', async () => {
    await refused(anonymously(base, '5c81593adf767b0017d1aa66'), 400);
    await refused(anonymously(base, 'nonsense'), 400);
  });
  await it('an integrator sends its users, with and without the scheme word', async () => {
    for (const place of [provisioned, shop]) {
      const claims = external(place.id, '42');
      const token = sign(claims, place.secret);
      for (const shown of [token, `JWT ${token}`]) {
        const answer = await byToken(base, shown);
        assert.deepEqual(answer, { success: true, token: `JWT ${token}`, user: claims });
      }
    }
  });
  await it('an id may be a number', async () => {
    const answer = await byToken(base, sign(external(shop.id, '', { _id: 42 }), shop.secret));
    assert.equal(answer.user._id, 42);
  });
  await it('tokens that are not good are refused', async () => {
    const wrong = [
      sign(external(shop.id, '42'), 'another secret of at least 32 bytes'),
      sign(external(shop.id, '42'), provisioned.secret),
      sign(external(shop.id, '42', { exp: now() - 1 }), shop.secret),
      sign(external(shop.id, '42', { nbf: now() + 3600 }), shop.secret),
      sign(external(shop.id, '42', { _id: undefined }), shop.secret),
      sign(external(shop.id, '42', { aud: undefined }), shop.secret),
      'nonsense',
    ];
    for (const token of wrong) await refused(byToken(base, token), 401, 'Unauthorized');
  });
  await it('a token of an account is good for later calls', async () => {
    const { token } = await byPassword(base, ann.email, ann.password);
    assert.equal((await byToken(base, bare(token))).token, token);
    for (const shown of [token, bare(token)]) {
      assert.equal((await settings(base, shop.id, shown))._id, shop.id);
      assert.equal((await projectById(base, shop.id, shown)).name, shop.name);
    }
    await refused(settings(base, provisioned.id, token), 403);
  });
  await it('a visitor sees no settings', async () => {
    const { token } = await anonymously(base, shop.id);
    await refused(settings(base, shop.id, token), 403);
  });
}
