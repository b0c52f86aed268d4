// Two pages talk to each other, and nobody else gets in between.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { check, until } from '../shared/checks.mjs';
import { credential, token } from './account.mjs';
import { anonymous } from './logins.mjs';
import { ASSISTANT, keys } from './provision.mjs';

const pair = (of) => ({ login: of.sip_username, password: of.sip_password });

/** A page that is ready, and answers what rings. */
async function answering(browser, options) {
  const phone = await browser.phone(options);
  await phone.run(() => {
    window.answers = true;
  });
  await phone.raised('ready');
  return phone;
}

/** Audio flows both ways. */
async function audible(...phones) {
  for (const phone of phones) {
    const before = await phone.run(() => window.carried());
    await until('audio', async () => {
      const now = await phone.run(() => window.carried());
      return now.sent > before.sent + 2000 && now.received > before.received + 2000;
    });
  }
}

/** Has `from` dial until both are connected. */
async function connect(from, to, number) {
  await from.call(number);
  await from.reaches('active', 20_000);
  await to.reaches('active');
}

async function hangUp(from, to) {
  await from.run(() => window.call.hangup());
  await until('the end', async () => ['hangup', 'destroy', 'purge'].includes(await to.state()));
}

export async function calls(browser) {
  const [ann, bob] = [await credential(), await credential()];
  const [caller, older] = [await answering(browser, pair(ann)), await answering(browser, pair(bob))];
  await check('two pages call each other, and audio flows both ways', async () => {
    await connect(caller, older, bob.sip_username);
    await audible(caller, older);
    assert.equal(await older.run(() => window.call.options.remoteCallerNumber), ann.sip_username);
  });
  await check('a renewal keeps the live call', async () => {
    const renewed = await caller.login({ login_token: await token(ann) });
    assert.deepEqual(renewed, { outcome: 'success' });
    await sleep(500);
    assert.equal(caller.sockets.length, 1);
    await audible(caller, older);
  });
  await check('a lost socket keeps it too', async () => {
    await older.run(() => window.client.connection._wsClient.close());
    await older.raised('ready', 2, 15_000);
    await audible(caller, older);
    assert.equal(await older.count('error 48501'), 0);
  });
  await check('hanging up ends it on both sides', () => hangUp(caller, older));
  await check('the page that logged in last gets the next call', async () => {
    const newer = await answering(browser, pair(bob));
    await connect(caller, newer, `sip:${bob.sip_username}@rtc.test`);
    await audible(caller, newer);
    const invites = ({ received }) => received.filter(({ method }) => method === 'telnyx_rtc.invite').length;
    assert.deepEqual([invites(older), invites(newer)], [1, 1]);
    await hangUp(newer, caller);
    await newer.close();
  });
  await older.close();
  await refusals(browser, caller);
  await guests(browser, bob);
  await caller.close();
}

async function refusals(browser, caller) {
  const elsewhere = await credential({}, keys.other);
  const stranger = await answering(browser, { login_token: await token(elsewhere, keys.other) });
  for (const [sentence, number, cause] of [
    ['an unknown name ends with its cause', 'nobody', ['UNALLOCATED_NUMBER', 404]],
    ['a name of another account does not exist', elsewhere.sip_username, ['UNALLOCATED_NUMBER', 404]],
    ['a name that nobody is logged in as ends with its cause', (await credential()).sip_username, ['SUBSCRIBER_ABSENT', 480]],
  ]) {
    await check(sentence, async () => {
      await caller.call(number);
      await until('the end', async () => ['hangup', 'destroy', 'purge'].includes(await caller.state()));
      assert.deepEqual(await caller.run(() => [window.call.cause, window.call.sipCode]), cause);
    });
  }
  const raised = (await caller.events()).filter((event) => event.startsWith('error'));
  assert.deepEqual(raised, []);
  assert.equal(stranger.received.filter(({ method }) => method === 'telnyx_rtc.invite').length, 0);
  await stranger.close();
}

async function guests(browser, bob) {
  const backend = await answering(browser, pair(await credential({ tag: `ai_assistant:${ASSISTANT}` })));
  const member = await answering(browser, pair(bob));
  const guest = await browser.phone(anonymous);
  await guest.raised('ready');
  await check('a guest reaches its assistant, whatever it dials', async () => {
    await connect(guest, backend, bob.sip_username);
    await audible(guest, backend);
    assert.equal(member.received.filter(({ method }) => method === 'telnyx_rtc.invite').length, 0);
    await hangUp(guest, backend);
  });
  await check('a guest cannot be reached', async () => {
    for (const number of [guest.sessids()[0], 'anonymous']) {
      await member.call(number);
      await until('the end', async () => ['hangup', 'destroy', 'purge'].includes(await member.state()));
      assert.equal(await member.run(() => window.call.sipCode), 404);
    }
  });
  for (const phone of [backend, member, guest]) await phone.close();
}
