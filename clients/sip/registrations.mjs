// What phones meet at a Kamailio that gets its hashes from Ringfence, whichever way.

import assert from 'node:assert/strict';

import { check } from './checks.mjs';
import { jssip } from './browser.mjs';
import { challenge, digest, md5, register, registers } from './phone.mjs';
import { until } from './processes.mjs';
import { changeUser, makeDomain, makeUser, removeDomain, removeUser, switchDomain } from './ringfence.mjs';
import { sipp, sipsak } from './tools.mjs';

const domain = 'rtc.test';

/** Phones of all kinds, and what they try. `k` is the Kamailio, `way` how it asks. */
export async function registrations(way, k) {
  const says = (sentence, body) => check(`${way}: ${sentence}`, body);
  const alice = { login: 'alice', domain, password: 's3cret-A' };
  const made = await makeUser(domain, `bob-${way}`);
  const bob = { login: made.login, domain, password: made.password };

  await says('a user registers by HA1', async () => assert.equal(await registers(k.port, alice), 200));
  await says('and as login@domain by HA1B', async () =>
    assert.equal(await registers(k.port, { ...alice, username: 'alice@rtc.test' }), 200));
  await says('a random password of ours works', async () => assert.equal(await registers(k.port, bob), 200));
  await says('a phone that has only the HA1 registers', async () =>
    assert.equal(await registers(k.port, { ...alice, password: undefined, ha1: '98e50217aedab69cde4c6166077cdc9b' }), 200));
  await refused(says, k, alice, bob);
  await nonces(says, k, alice);
  await forms(says, k, alice);
  await changes(says, k, way);
  await says('sipsak registers, and not by a wrong password', () => sipsak(k.port));
  await says('sipp registers users of two domains, by both names, and not by a wrong password', () => sipp(k.port));
  await jssip(says, k.web);
  await removeUser(made);
  await says('a deleted user is refused', async () => assert.equal(await registers(k.port, bob), 401));
}

async function refused(says, k, alice, bob) {
  await says('a wrong password is refused', async () =>
    assert.equal(await registers(k.port, { ...alice, password: 's3cret-B' }), 401));
  await says('n65: an HA1 is no password', async () =>
    assert.equal(await registers(k.port, { ...alice, password: '98e50217aedab69cde4c6166077cdc9b' }), 401));
  await says('n65: a password is no HA1', async () =>
    assert.equal(await registers(k.port, { ...alice, ha1: md5('s3cret-A') }), 401));
  await says('n64: nor is the HA1B where the HA1 belongs', async () =>
    assert.equal(await registers(k.port, { ...alice, ha1: '62789166d17cfe0f78850da0ca3d06ba' }), 401));
  await says('another domain\'s password is refused', async () => {
    assert.equal(await registers(k.port, { login: 'alice', domain: 'other.test', password: 's3cret-A' }), 401);
    assert.equal(await registers(k.port, { login: 'alice', domain: 'other.test', password: 's3cret-O' }), 200);
  });
  await says('n64: a name of another domain is refused', async () =>
    assert.equal(await registers(k.port, { ...alice, username: 'alice@other.test', password: 's3cret-O' }), 401));
  await says('an unknown user is refused', async () =>
    assert.equal(await registers(k.port, { ...alice, login: 'mallory' }), 401));
  await says('a user does not register as another', async () => {
    const asAlice = { ...bob, login: 'alice', username: bob.login };
    assert.equal(await registers(k.port, asAlice), 403);
    assert.equal(await registers(k.port, { ...asAlice, username: `${bob.login}@${domain}` }), 403);
    assert.equal(await registers(k.port, { ...alice, from: bob.login }), 403);
  });
}

async function nonces(says, k, alice) {
  const uri = `sip:${domain}`;
  const answer = async (nonce, nc, realm = domain) => {
    const authorization = digest({ ...alice, username: 'alice', realm, nonce, uri, nc });
    return [authorization, await register(k.port, { ...alice, authorization })];
  };
  await says('n61: an Authorization shown again is refused', async () => {
    const { nonce } = await challenge(k.port, 'alice', domain);
    const [authorization, first] = await answer(nonce, 1);
    assert.equal(first.status, 200);
    const again = await register(k.port, { ...alice, authorization });
    assert.deepEqual([again.status, again.stale], [401, false]);
    assert.notEqual(again.nonce, nonce);
    const [, next] = await answer(nonce, 2);
    assert.equal(next.status, 200, 'the next count of the same nonce is a new one');
    const [, back] = await answer(nonce, 2);
    assert.equal(back.status, 401, 'and a count is used once');
  });
  await says('n61: a nonce that nobody made is refused', async () => {
    assert.equal((await answer('Zm9yZ2VkIG5vbmNlIG9mIG5vYm9keSBhdCBhbGwgLi4u', 1))[1].status, 401);
  });
  await says('n61: a digest for another realm is refused', async () => {
    const { nonce } = await challenge(k.port, 'alice', 'other.test');
    const [, { status }] = await answer(nonce, 1, 'other.test');
    assert.equal(status, 401);
  });
  await says('n61: an expired nonce is refused, with another one to answer', async () => {
    const { nonce } = await challenge(k.port, 'alice', domain);
    let nc = 0;
    const last = await until('the end of the nonce', async () => {
      nc += 1;
      const [, told] = await answer(nonce, nc);
      return told.status === 401 && told;
    });
    assert.ok(nc > 1, 'it counted at first');
    const [, anew] = await answer(last.nonce, 1);
    assert.equal(anew.status, 200);
  });
}

async function forms(says, k, alice) {
  const uri = `sip:${domain}`;
  const status = async (change, uriOfRequest) => {
    const { nonce } = await challenge(k.port, 'alice', domain);
    const authorization = digest({ ...alice, username: 'alice', realm: domain, nonce, uri, ...change });
    return (await register(k.port, { ...alice, authorization, uri: uriOfRequest })).status;
  };
  for (const [what, change] of [
    ['no qop', { qop: null }],
    ['qop=auth-int', { qop: 'auth-int' }],
    ['MD5-sess', { algorithm: 'MD5-sess' }],
    ['SHA-256', { algorithm: 'SHA-256' }],
    ['a response of nothing', { response: '' }],
    ['a response of 33 digits', { response: `${md5('x')}0` }],
  ]) {
    await says(`n62: ${what} is refused`, async () => {
      const told = await status(change);
      assert.ok([400, 401].includes(told), told);
    });
  }
  for (const [what, username] of [
    ['quotes', 'al"ice'],
    ['escaped quotes', 'alice\\" or \\"a\\"=\\"a'],
    ['a line break', 'alice\r\nX-Evil: yes'],
    ['NUL', 'ali\0ce'],
    ['SQL', "alice' OR '1'='1"],
    ['a percent', 'alice%40rtc.test'],
    ['an ampersand', 'alice&realm=other.test'],
    ['40 KiB', 'a'.repeat(40_000)],
  ]) {
    await says(`n63: ${what} in the user name is refused`, async () => {
      // The server may also say nothing at all to what is no SIP; what counts is that it never says yes.
      const told = await status({ username }).catch(() => 400);
      assert.ok([400, 401, 403].includes(told), told);
    });
  }
  await says('n63: a digest for another uri is refused', async () => {
    assert.equal(await status({ uri: 'sip:other.test' }), 401);
    assert.equal(await status({}, 'sip:rtc.test:5999'), 401);
  });
  await says('n63: two Authorizations are refused', async () => {
    const { nonce } = await challenge(k.port, 'alice', domain);
    const one = { ...alice, username: 'alice', realm: domain, nonce, uri };
    const authorization = [digest({ ...one, password: 'x' }), digest({ ...one, qop: null })];
    assert.equal((await register(k.port, { ...alice, authorization })).status, 401);
  });
  await says('and an honest phone goes on registering', async () => assert.equal(await registers(k.port, alice), 200));
}

async function changes(says, k, way) {
  const own = `${way}.changes.test`;
  await makeDomain(own);
  const user = await makeUser(own, 'carol', 's3cret-C');
  const carol = { login: 'carol', domain: own, password: 's3cret-C' };
  const status = (phone = carol) => registers(k.port, phone);
  await says('a disabled user is refused at the next REGISTER, and back when enabled', async () => {
    assert.equal(await status(), 200);
    await changeUser(user, { disabled: true });
    assert.equal(await status(), 401);
    await changeUser(user, { disabled: false });
    assert.equal(await status(), 200);
  });
  await says('a disabled domain too', async () => {
    await switchDomain(own, true);
    assert.equal(await status(), 401);
    await switchDomain(own, false);
    assert.equal(await status(), 200);
  });
  await says('a new password counts at once, the old one no more', async () => {
    await changeUser(user, { password: 'otter glass violet' });
    assert.equal(await status(), 401);
    assert.equal(await status({ ...carol, password: 'otter glass violet' }), 200);
  });
  await says('a new login is hashed without the password', async () => {
    await changeUser(user, { login: 'caro' });
    assert.equal(await status({ ...carol, password: 'otter glass violet' }), 401);
    const caro = { login: 'caro', domain: own, password: 'otter glass violet' };
    assert.equal(await status(caro), 200);
    assert.equal(await status({ ...caro, username: `caro@${own}` }), 200);
    await removeDomain(own);
    assert.equal(await status(caro), 401, 'users of a removed domain are refused');
  });
}
