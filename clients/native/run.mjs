// Has verifiers of npm and of PyPI judge our tokens through a rotation of keys, and schemathesis hold the server to its description.

import { strict as assert } from 'node:assert';
import { join } from 'node:path';

import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';

import { ask, check, claimsOf, conclude } from '../shared/checks.mjs';
import { scratch, url, withServer } from '../shared/server.mjs';
import { PROVISION, key, publishable } from './provision.mjs';
import { fuzz, install, verify } from './python.mjs';

let versions = 'not run';

const api = (method, path, body, headers = {}) =>
  ask(method, `${url}/api/v1${path}`, {
    headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });

const guest = async () => {
  const answer = await api('POST', '/guests', { application: publishable });
  assert.equal(answer.status, 201, answer.text);
  return answer.json.access_token;
};

/** What a verifier finds out by itself: the issuer's metadata, where RFC 8414 puts it. */
async function metadata(issuer) {
  const { origin, pathname } = new URL(issuer);
  const { status, json } = await ask('GET', `${origin}/.well-known/oauth-authorization-server${pathname}`);
  assert.equal(status, 200);
  assert.equal(json.issuer, issuer);
  return json;
}

async function verifiers() {
  const before = await guest();
  const { iss: issuer, aud: audience, client_id: client } = claimsOf(before);
  const { jwks_uri: keys } = await metadata(issuer);
  const set = createRemoteJWKSet(new URL(keys), { cooldownDuration: 0 });
  const byJose = (token) => jwtVerify(token, set, { issuer, audience, typ: 'at+jwt', algorithms: ['EdDSA', 'ES256'] });
  const byBoth = async (token) => {
    const { payload } = await byJose(token);
    assert.equal(payload.client_id, client);
    const { claims, version } = await verify(token, keys, issuer, audience);
    assert.deepEqual(claims, payload);
    versions = `PyJWT ${version}`;
  };

  await check('both verify a token', () => byBoth(before));
  await check('a rotation changes the key', async () => {
    const rotated = await api('POST', '/admin/signing-keys/rotate', undefined, { authorization: `Bearer ${key}` });
    assert.equal(rotated.status, 200, rotated.text);
    const after = await guest();
    assert.notEqual(decodeProtectedHeader(after).kid, decodeProtectedHeader(before).kid);
    await byBoth(after);
  });
  await check('what the old key signed is still good', () => byBoth(before));
  await check('both verify what a project signs that chose ES256', async () => {
    const change = { policy: { signing_alg: 'ES256' } };
    const chosen = await api('PATCH', '/admin/project', change, { authorization: `Bearer ${key}` });
    assert.equal(chosen.status, 200, chosen.text);
    const after = await guest();
    assert.equal(decodeProtectedHeader(after).alg, 'ES256');
    await byBoth(after);
    await byBoth(before);
  });
  await check('a token that was changed is refused by both', async () => {
    const [header, , signature] = before.split('.');
    const claims = Buffer.from(JSON.stringify({ ...claimsOf(before), kind: 'member' })).toString('base64url');
    const forged = [header, claims, signature].join('.');
    await assert.rejects(byJose(forged));
    await assert.rejects(verify(forged, keys, issuer, audience));
  });
  await check('another audience is refused by both', async () => {
    await assert.rejects(jwtVerify(before, set, { issuer, audience: 'other' }));
    await assert.rejects(verify(before, keys, issuer, 'other'));
  });
}

async function description() {
  const kept = join(import.meta.dirname, '..', '..', 'docs', 'openapi.json');
  await check('schemathesis finds no 5xx and nothing that is not described', async () => {
    const said = await fuzz(kept, url, key, scratch, { mayEnd: false });
    assert.match(said, /No issues found|passed/);
    const { status, text } = await api('GET', '/admin/project', undefined, { authorization: `Bearer ${key}` });
    assert.equal(status, 200, `the key did not outlive the run, so it tried little: ${text}`);
    console.log(said.split('\n').slice(-14).join('\n'));
  });
  await check('nor where a key can end itself', () => fuzz(kept, url, key, scratch, { mayEnd: true }));
}

await install();
await conclude(
  () => `jose, ${versions}, schemathesis`,
  () =>
    withServer(PROVISION, async () => {
      await verifiers();
      await description();
    }),
);
