// Sessions: begun, renewed by one tab for all, upgraded, ended.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, check, until } from '../shared/checks.mjs';
import { ringfence, url as server } from '../shared/server.mjs';
import { alone, Tab } from './page.mjs';
import { ACCESS, KEYS, PASSWORD } from './provision.mjs';

const LIFE = ACCESS * 1000;

let people = 0;
/** An address that nobody has. */
export const newAddress = () => `person${(people += 1)}@example.org`;

const counts = async (token) =>
  (await ask('GET', `${server}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } })).status;

/** A guest becomes a member, and its open connection stays. */
export const upgrading = (browser) => alone(browser, async ({ tab }) => {
  const page = await tab(KEYS.short);
  await page.run(() => window.client.connect());
  const guest = await page.run(() => window.client.guest({ nickname: 'Visitor' }));
  await page.is('open');
  await check('a guest becomes a member on the open connection', async () => {
    const member = await page.run((given) => window.client.upgrade(given), { email: newAddress(), password: PASSWORD });
    assert.equal(member.identity.id, guest.identity.id);
    assert.deepEqual([guest.identity.kind, member.identity.kind], ['guest', 'member']);
    assert.notEqual(member.id, guest.id);
    await until('token.update', () => page.sent.some(({ type, token }) => type === 'token.update' && token === member.accessToken));
  });
  await check('it stays open while the tokens change twice more', async () => {
    const { length } = await page.events('update');
    await page.raised('update', length + 2, 4 * LIFE);
    assert.equal(page.sockets.length, 1);
    assert.equal((await page.events('connection')).at(-1).state, 'open');
    assert.equal(await counts((await page.session()).accessToken), 200);
  });
  await check('the connection says who is there, and whether somebody has proved himself lately', async () => {
    const asked = await page.run(() => window.client.presence([window.client.session.identity.id]));
    assert.deepEqual(asked.map(({ online }) => online), [true]);
    assert.equal(await page.run(() => window.refusal(window.client.action('room.close'))), null);
  });
});

/** A guest wants an address that somebody has. */
export const merging = (browser) => alone(browser, async ({ tab }) => {
  const page = await tab(KEYS.newest);
  const guest = await page.run(() => window.client.guest({ nickname: 'Visitor' }));
  const given = { email: 'taken@example.org', password: PASSWORD };
  await check('an address that is taken leaves the guest as it is', async () => {
    const refusal = await page.run((credentials) => window.refusal(window.client.upgrade(credentials)), given);
    assert.deepEqual([refusal.code, refusal.status], ['address_taken', 409]);
    assert.equal((await page.session()).id, guest.id);
    const member = await page.run((credentials) => window.client.signIn(credentials), given);
    assert.notEqual(member.identity.id, guest.identity.id);
    await page.run((ticket) => window.client.merge(ticket), refusal.details.merge_ticket);
    assert.equal(await counts(guest.accessToken), 403);
  });
});

/** Three tabs and one session. */
export const electing = (browser) => alone(browser, async ({ net, tab }) => {
  const tabs = [await tab(KEYS.short), await tab(KEYS.short), await tab(KEYS.short)];
  const chosen = async () => {
    const all = await Promise.all(tabs.map((page) => page.elected()));
    return all.filter(Boolean).length === 1 && tabs[all.indexOf(true)];
  };
  const session = await tabs[1].run(() => window.client.guest());
  await check('three tabs share a session, and one is elected', async () => {
    for (const page of tabs) await until('the session', async () => (await page.session())?.id === session.id);
    assert.ok(await chosen());
  });
  await check('the elected tab renews for all', async () => {
    const before = net.refreshes;
    const { length } = await tabs[2].events('update');
    for (const page of tabs) await page.raised('update', length + 2, 4 * LIFE);
    assert.ok(net.refreshes - before <= 3, `${net.refreshes - before} renewals`);
    const tokens = await Promise.all(tabs.map((page) => page.session()));
    assert.equal(new Set(tokens.map(({ accessToken }) => accessToken)).size, 1);
  });
  await check('a frozen elected tab is replaced before the token ends', async () => {
    const frozen = await chosen();
    await frozen.freeze();
    const others = tabs.filter((page) => page !== frozen);
    const elected = async () => (await others[0].elected()) || others[1].elected();
    await until('another is elected', elected, 3 * LIFE);
    for (const page of others) assert.equal(await counts(await page.run(() => window.client.token())), 200);
    await frozen.thaw();
    await until('one is elected', chosen);
    assert.equal((await frozen.session()).id, session.id);
  });
  await check('when the elected tab closes, another one is elected', async () => {
    const gone = await chosen();
    tabs.splice(tabs.indexOf(gone), 1);
    await gone.close();
    await until('another is elected', chosen);
    assert.equal((await tabs[0].session()).id, session.id);
  });
  await check('signing out ends the session in every tab', async () => {
    const { accessToken } = await tabs[0].session();
    await tabs[0].run(() => window.client.signOut());
    for (const page of tabs) assert.deepEqual(await page.raised('revoke'), { reason: 'signed_out' });
    assert.equal(await tabs[1].session(), null);
    assert.equal(await counts(accessToken), 401);
  });
});

/** Answers that get lost, and the warning meanwhile. */
export const losing = (browser) => alone(browser, async ({ net, tab }) => {
  const page = await tab(KEYS.short);
  await page.run(() => window.client.connect());
  const session = await page.run(() => window.client.guest());
  await page.is('open');
  await check('lost answers cost no session, and the server warns meanwhile', async () => {
    net.lose = 3;
    await page.raised('update', 2, 4 * LIFE);
    assert.equal(net.lose, 0);
    const warning = await page.raised('warning', 1, LIFE);
    assert.ok(warning.secondsLeft <= 2 && warning.seq > 1, JSON.stringify(warning));
    await page.is('open', LIFE);
    const now = await page.session();
    assert.equal(now.id, session.id);
    assert.equal(await counts(now.accessToken), 200);
  });
});

/** Clocks that are wrong. */
export const skewed = (browser) => alone(browser, async ({ context, net, url }) => {
  for (const hours of [1, -1]) {
    const page = new Tab(await context.newPage());
    await page.page.addInitScript((ahead) => {
      const { now } = Date;
      Date.now = () => now() + ahead * 3_600_000;
    }, hours);
    await page.page.goto(`${url}/`);
    await page.start({ url, application: KEYS.short, storage: 'memory' });
    await check(`a clock that is ${hours} h off renews in time and not too often`, async () => {
      await page.run(() => window.client.guest());
      const before = net.refreshes;
      await page.raised('update', 3, 4 * LIFE);
      assert.ok(net.refreshes - before <= 3, `${net.refreshes - before} renewals`);
      assert.equal(await counts(await page.run(() => window.client.token())), 200);
    });
    await check(`a clock that is ${hours} h off and is set right is noticed`, async () => {
      const { length } = await page.events('update');
      await page.run((ahead) => {
        const { now } = Date;
        Date.now = () => now() - ahead * 3_600_000;
        window.dispatchEvent(new Event('focus'));
      }, hours);
      await page.raised('update', length + 1, 2 * LIFE);
      assert.equal(await counts(await page.run(() => window.client.token())), 200);
    });
    await page.close();
  }
});

/** The operator ends a session. */
export const revoking = (browser) => alone(browser, async ({ net, tab }) => {
  const [page, quiet] = [await tab(KEYS.short), await tab(KEYS.short)];
  await page.run(() => window.client.connect());
  const session = await page.run(() => window.client.guest());
  await page.is('open');
  await check('a revocation is heard with its reason, in every tab', async () => {
    await ringfence('session', 'revoke', session.id);
    assert.deepEqual(await page.raised('revoke'), { reason: 'session_revoked' });
    assert.deepEqual(await quiet.raised('revoke'), { reason: 'session_revoked' });
    const { code, reason } = (await page.events('connection')).at(-1);
    assert.deepEqual([code, reason], [4403, 'session_revoked']);
  });
  await check('after a stop nothing comes back by itself', async () => {
    const [refreshes, sockets] = [net.refreshes, page.sockets.length];
    await sleep(LIFE);
    assert.deepEqual([net.refreshes, page.sockets.length], [refreshes, sockets]);
    assert.equal(await page.session(), null);
    assert.equal((await page.events('revoke')).length, 1);
  });
});
