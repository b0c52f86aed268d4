// Lines that are lost and come back, and sessions that end.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { check, until } from '../shared/checks.mjs';
import { ringfence } from '../shared/server.mjs';
import { withPage } from './logins.mjs';
import { agent, applications, cloud, inSeconds, jwt, line, login } from './server.mjs';

const { widget } = applications;
const anonymous = `apiKey:${widget.key}`;

const sessions = () => ringfence('session', 'list', '--project', 'default', '--limit', '500');

/** Lines that are cut. */
export async function reconnecting(browser) {
  await check('everybody comes back after a cut line, as who they were', async () => {
    const ways = [
      ['a guest', anonymous, { id: 'returning' }],
      ['a JWT', anonymous, { id: 'carol@example.org', token: jwt('carol@example.org') }],
      ['a password', `apirtc:${agent.email}`, { password: agent.password }],
    ];
    const pages = [];
    for (const [way, uri, options] of ways) {
      const page = await browser.page();
      assert.ok((await page.register(uri, options)).id, way);
      pages.push(page);
    }
    const before = (await sessions()).length;
    line.cut();
    for (const page of pages) {
      await page.raised('disconnect');
      await page.raised('reconnection');
    }
    assert.equal((await sessions()).length, before, 'a session was started anew');
    for (const page of pages) await page.close();
  });
  await withPage(browser, 'polling alone is enough', async (page) => {
    line.state.sockets = false;
    line.state.polls = 0;
    try {
      assert.equal((await page.register(anonymous, { id: 'poller', token: jwt('poller') })).id, 'poller');
      await until('the pushed token', () => page.pushed());
      assert.ok(line.state.polls > 0);
      assert.equal(await page.unregister(), 'gone');
    } finally {
      line.state.sockets = true;
    }
  });
  await withPage(browser, 'a JWT that expired meanwhile is refused, and the library stops', async (page) => {
    const exp = inSeconds(4);
    assert.equal((await page.register(anonymous, { id: 'dora', token: jwt('dora', { exp }) })).id, 'dora');
    line.block();
    try {
      await page.raised('disconnect');
      await sleep(exp * 1000 - Date.now() + 500);
    } finally {
      line.unblock();
    }
    const stopped = () => page.console.some((said) => said.includes('access token failure: jwt expired'));
    await until('the refusal', stopped, 15_000);
    assert.ok((await page.events()).includes('ccs error'));
    const asked = page.channelRequests();
    await sleep(3000);
    assert.equal(page.channelRequests(), asked, 'it went on trying');
  });
}

/** Sessions that end. */
export async function endings(browser) {
  await withPage(browser, 'a JWT is cut when it expires, and the library does not come back', async (page) => {
    await page.register(anonymous, { id: 'erin', token: jwt('erin', { exp: inSeconds(3) }) });
    await page.raised('disconnect');
    const asked = page.channelRequests();
    await sleep(2000);
    assert.equal(page.channelRequests(), asked, 'it came back');
  });
  await withPage(browser, 'a token that was invalidated takes the channel with it', async (page) => {
    const session = await page.register(`apirtc:${agent.email}`, { password: agent.password });
    assert.equal((await cloud('POST', '/api/v2/invalidateToken', { bearer: session.token })).status, 200);
    await page.raised('disconnect');
    assert.equal(await page.unregister(), 'gone');
  });
  await check('a revocation on the command line ends sessions within two seconds, and nobody comes back', async () => {
    const known = new Set((await sessions()).map((session) => session.id));
    const ways = [
      [anonymous, { id: 'frank' }],
      [anonymous, { id: 'grace', token: jwt('grace') }],
      [`token:${await login()}`, {}],
      [anonymous, { id: 'heidi' }],
    ];
    const pages = [];
    try {
      for (const [uri, options] of ways) {
        // The last one polls.
        line.state.sockets = pages.length + 1 < ways.length;
        const page = await browser.page();
        assert.ok((await page.register(uri, options)).id);
        pages.push(page);
      }
      const mine = (await sessions()).filter((session) => !known.has(session.id));
      assert.equal(mine.length, ways.length);
      for (const { id } of mine) await ringfence('session', 'revoke', '--project', 'default', id);
      // The server looks for what commands did four times a second, and then asks the database.
      await Promise.all(pages.map((page) => page.raised('disconnect', 1, 2000)));
      const asked = pages.map((page) => page.channelRequests());
      await sleep(3000);
      assert.deepEqual(pages.map((page) => page.channelRequests()), asked, 'somebody came back');
    } finally {
      line.state.sockets = true;
    }
    for (const page of pages) await page.close();
  });
}
