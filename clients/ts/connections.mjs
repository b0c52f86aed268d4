// Open connections: through sleep, cuts and other devices, and in frames of other sites.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { check, until } from '../shared/checks.mjs';
import { alone, Tab } from './page.mjs';
import { ACCESS, KEYS, PASSWORD } from './provision.mjs';
import { newAddress } from './sessions.mjs';

const LIFE = ACCESS * 1000;

/** A laptop is closed and opened again. */
export const sleeping = (browser) => alone(browser, async ({ net, tab }) => {
  const page = await tab(KEYS.short);
  await page.run(() => window.client.connect());
  const session = await page.run(() => window.client.guest());
  await page.is('open');
  await check('a page that was frozen while its token ended goes on', async () => {
    await page.freeze();
    const before = net.refreshes;
    // The token, the grace of the connection, and some more.
    await sleep(LIFE + 4_000);
    assert.equal(net.refreshes, before, 'nothing runs in a frozen page');
    await page.thaw();
    await until('new tokens', async () => (await page.session())?.expiresAt > session.expiresAt + LIFE / 2);
    await page.is('open');
    assert.equal((await page.session()).id, session.id);
    assert.equal((await page.events('revoke')).length, 0);
  });
});

/** The network goes, and comes back after the token has ended. */
export const cutting = (browser) => alone(browser, async ({ net, tab }) => {
  const page = await tab(KEYS.short);
  await page.run(() => window.client.connect());
  const session = await page.run(() => window.client.guest());
  await page.is('open');
  await check('a short cut is mended with the same session', async () => {
    net.disconnect();
    await page.is('waiting');
    net.reconnect();
    await page.is('open');
  });
  await check('a cut that outlasts the token is mended, and no session is lost', async () => {
    net.disconnect();
    await page.is('waiting');
    await sleep(LIFE + 1_000);
    // The connection is back before new tokens are.
    net.deaf = true;
    net.reconnect();
    await page.is('open', 40_000);
    assert.equal(page.sent.at(-1).type, 'resume');
    net.deaf = false;
    const update = ({ type, token }) => type === 'token.update' && token;
    await until('token.update', () => page.sent.some(update), 40_000);
    assert.equal((await page.session()).id, session.id);
    assert.equal((await page.events('connection')).at(-1).state, 'open');
    assert.equal((await page.events('revoke')).length, 0);
  });
});

/** Two devices of one member, of which the newest wins. */
export const takingOver = (browser) => alone(browser, async ({ tab }) => {
  const email = newAddress();
  const [phone, desk] = [await tab(KEYS.newest, { storage: 'memory' }), await tab(KEYS.newest, { storage: 'memory' })];
  await phone.run((given) => window.client.signUp(given), { email, password: PASSWORD });
  await desk.run((given) => window.client.signIn(given), { email, password: PASSWORD });
  await phone.run(() => window.client.connect());
  await phone.is('open');
  await check('the older device hears that it was taken over, and stays away', async () => {
    await desk.run(() => window.client.connect());
    await desk.is('open');
    assert.deepEqual(await phone.raised('takeover'), { reason: 'taken_over' });
    await phone.is('closed');
    const { code, reason } = (await phone.events('connection')).at(-1);
    assert.deepEqual([code, reason], [4410, 'taken_over']);
    await sleep(3_000);
    assert.equal(phone.sockets.length, 1);
    assert.equal((await desk.events('connection')).at(-1).state, 'open');
    assert.notEqual(await phone.session(), null);
  });
});

/** A widget in a page of another site. */
export const framed = (browser) => alone(browser, async ({ net, context, url, tab }) => {
  const inside = `http://localhost:${net.port}`;
  for (const forbidden of [false, true]) {
    const page = await context.newPage();
    if (forbidden) {
      await page.addInitScript(() => {
        Object.defineProperty(window, 'localStorage', {
          get() {
            throw new DOMException('The operation is insecure.', 'SecurityError');
          },
        });
      });
    }
    await page.goto(`${url}/around?of=${encodeURIComponent(`${inside}/`)}`);
    const widget = new Tab(page, page.frames().find((frame) => frame.url().startsWith(inside)));
    await widget.start({ url: inside, application: KEYS.short });
    await check(`a frame of another site ${forbidden ? 'that may keep nothing ' : ''}has a session and a connection`, async () => {
      await widget.run(() => window.client.connect());
      const session = await widget.run(() => window.client.guest());
      await widget.is('open');
      await widget.raised('update', 2, 2 * LIFE);
      assert.equal((await widget.session()).id, session.id);
      assert.equal((await widget.events('connection')).at(-1).state, 'open');
      assert.deepEqual(await context.cookies(), []);
    });
    await page.close();
  }
  await check('what a frame keeps is not seen by the site itself', async () => {
    const own = await tab(KEYS.short, { url: inside }, `${inside}/`);
    assert.equal(await own.session(), null);
  });
});
