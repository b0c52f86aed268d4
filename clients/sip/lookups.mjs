// What the internal key opens, and what no other does.

import assert from 'node:assert/strict';

import { check } from './checks.mjs';
import { ask, keys, url } from './ringfence.mjs';

const path = '/api/v1/sip/lookup';
const form = { username: 'alice', realm: 'rtc.test' };

/** The questions of a SIP server, and of others. */
export async function lookups() {
  await check('a SIP server is told the HA1 as bare text', async () => {
    assert.deepEqual(await ask('POST', path, { key: keys.lookup, form }), {
      status: 200,
      body: '98e50217aedab69cde4c6166077cdc9b',
    });
  });
  await check('and the HA1B for a whole address', async () => {
    const answer = await ask('POST', path, { key: keys.lookup, form: { ...form, username: 'alice@rtc.test' } });
    assert.equal(answer.body, '62789166d17cfe0f78850da0ca3d06ba');
  });
  await check('and a hash of SHA-256 when it asks for it', async () => {
    const answer = await ask('POST', path, { key: keys.lookup, form: { ...form, algorithm: 'SHA-256' } });
    assert.match(answer.body, /^[0-9a-f]{64}$/);
    assert.equal((await ask('POST', path, { key: keys.lookup, form: { ...form, algorithm: 'MD5-sess' } })).status, 422);
  });
  await check('as JSON it has the members of the vendor\'s own', async () => {
    const { body } = await ask('POST', path, { key: keys.lookup, form, headers: { accept: 'application/json' } });
    const { uuid, ...rest } = body;
    assert.match(uuid, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      sip_domain: 'rtc.test',
      tech_prefix: null,
      same_domain_calls_only: false,
      login: 'alice',
      ha1: '98e50217aedab69cde4c6166077cdc9b',
      ha1b: '62789166d17cfe0f78850da0ca3d06ba',
    });
  });
  await check('nobody is told about nobody', async () => {
    for (const wrong of [{ username: 'mallory' }, { realm: 'nowhere.test' }, { username: 'alice@other.test' }, { username: 'a\0' }]) {
      assert.equal((await ask('POST', path, { key: keys.lookup, form: { ...form, ...wrong } })).status, 404);
    }
  });
  await check('no key, a wrong one and one without the scope are told nothing', async () => {
    assert.equal((await ask('POST', path, { key: undefined, headers: { authorization: '' }, form })).status, 401);
    assert.equal((await ask('POST', path, { key: 'KEY019aa91446a7_of_nobody_at_all', form })).status, 401);
    assert.equal((await ask('POST', path, { key: keys.guests, form })).status, 403);
    assert.equal((await ask('POST', path, { key: keys.lookup, form, headers: { origin: 'https://a.test' } })).status, 401);
  });
  await check('the key of a SIP server opens nothing else', async () => {
    assert.equal((await ask('GET', '/api/v1/sip/domains', { key: keys.lookup })).status, 403);
    assert.equal((await ask('POST', '/api/v1/turn', { key: keys.lookup })).status, 403);
  });
  await check('the question stands in the body only', async () => {
    const answer = await fetch(`${url}${path}?username=alice&realm=rtc.test`, { method: 'GET' });
    assert.equal(answer.status, 405);
  });
}
