// The script that the server gives pages, in Chromium: what the library uses of it, and how it comes back.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { chromium } from 'playwright-core';

import { check, until } from './checks.mjs';
import { openLine } from './line.mjs';
import { applications, command, jwt, url } from './server.mjs';

const { key } = applications.widget;

/** Longer than the first attempts to come back take. */
const COMEBACK = 3_000;

const PAGE = `<!doctype html><meta charset="utf-8"><title>page</title><script>
window.open_line = (url, options) => {
  const socket = io.connect(url, { forceNew: true, multiplex: false, withCredentials: true, ...options });
  const seen = { connects: 0, errors: [], reasons: [], messages: [], attempts: [], returns: [], failures: 0 };
  socket.on('connect', () => (seen.connects += 1))
    .on('connect_error', (error) => seen.errors.push(error.message))
    .on('message', (text) => seen.messages.push(JSON.parse(text)))
    .on('disconnect', (reason) => seen.reasons.push(reason));
  socket.io.on('reconnect', (attempts) => seen.returns.push(attempts))
    .on('reconnect_attempt', () => seen.attempts.push(performance.now()))
    .on('reconnect_error', () => (seen.failures += 1));
  Object.assign(window, { socket, seen });
};
</script>`;

const revoke = (session) => command('session', 'revoke', '--project', 'default', session);

/** Checks the script. */
export async function script() {
  const browser = await chromium.launch({
    executablePath: process.env.RINGFENCE_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  const pages = createServer((_, answer) => answer.end(PAGE));
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const way = await openLine(new URL(url).host);
  try {
    await everything(browser, `http://127.0.0.1:${pages.address().port}/`, way);
  } finally {
    way.close();
    pages.close();
    await browser.close();
  }
}

async function everything(browser, address, way) {
  /** A page with the script in it, after `prepare` was run. */
  async function page(prepare) {
    const context = await browser.newContext();
    const page = await context.newPage();
    if (prepare) await page.addInitScript(prepare);
    await page.goto(address);
    await page.addScriptTag({ url: `http://${way.address}/socket.io/v3/socket.io.js` });
    const seen = () => page.evaluate(() => ({ ...window.seen, connected: window.socket.connected }));
    return {
      page,
      seen,
      open: (id, token = jwt(id), options = {}) =>
        page.evaluate(([channel, given]) => window.open_line(channel, given), [
          `//${way.address}/?channelId=${id}&apiKey=${key}&token=${token}`,
          options,
        ]),
      connected: (times = 1) =>
        until('a connect', async () => {
          const { connects, errors } = await seen();
          if (times === 1) assert.deepEqual(errors, []);
          return connects === times;
        }),
      session: async () =>
        (await until('a session', async () => (await seen()).messages.find(({ type }) => type === 'sessionId'))).found.sessionId,
      close: () => context.close(),
    };
  }

  const WAYS = {
    'a WebSocket': undefined,
    'polling, without WebSocket': () => delete window.WebSocket,
    'polling, where no WebSocket opens': () => {
      const Real = window.WebSocket;
      window.WebSocket = function (address) {
        return new Real(address.replace('/socket.io/', '/nowhere/'));
      };
    },
  };
  for (const [name, prepare] of Object.entries(WAYS)) {
    await check(`the script: over ${name} whoever has a token is connected and told things`, async () => {
      const tab = await page(prepare);
      for (const id of ['ann@example.org', 'Ann Ångström', 'a+b', "李雷 o'neill"]) {
        await tab.open(id);
        await tab.connected();
        await tab.session();
        await tab.page.evaluate(() => {
          window.socket.emit('JWTTokenRefreshRequest', JSON.stringify({ type: 'JWTTokenRefreshRequest' }));
        });
        await until('an answer', async () => (await tab.seen()).messages.some((one) => one.type === 'JWTTokenRefreshAnswer'));
        await tab.page.evaluate(() => window.socket.disconnect());
        assert.deepEqual((await tab.seen()).reasons, ['io client disconnect']);
      }
      await tab.close();
    });

    await check(`the script: over ${name} a revoked session ends and does not come back`, async () => {
      const tab = await page(prepare);
      await tab.open('ann');
      await revoke(await tab.session());
      await until('an end', async () => (await tab.seen()).reasons.length);
      await sleep(COMEBACK);
      const { connects, reasons, attempts, connected } = await tab.seen();
      assert.deepEqual([connects, reasons, attempts, connected], [1, ['io server disconnect'], [], false]);
      await tab.close();
    });

    await check(`the script: over ${name} a cut line comes back by itself`, async () => {
      const tab = await page(prepare);
      await tab.open('ann');
      await tab.connected();
      // For a while: a browser asks once more by itself where a poll was cut.
      way.block();
      await until('an end', async () => (await tab.seen()).reasons.length);
      way.unblock();
      await tab.connected(2);
      const { returns, attempts } = await tab.seen();
      assert.deepEqual(returns, [attempts.length]);
      await tab.close();
    });
  }

  await check('the script: attempts to come back grow apart, and stop when the page says so', async () => {
    const tab = await page();
    await tab.open('ann', undefined, { reconnectionDelay: 100, reconnectionDelayMax: 800 });
    await tab.connected();
    way.block();
    const { found } = await until('attempts', async () => {
      const { attempts } = await tab.seen();
      return attempts.length >= 6 && attempts;
    });
    const gaps = found.slice(1).map((at, index) => at - found[index]);
    assert.ok(gaps.at(-1) > gaps[0] && gaps.at(-1) < 5000, `${gaps}`);
    await tab.page.evaluate(() => window.socket.disconnect());
    const { length } = (await tab.seen()).attempts;
    way.unblock();
    await sleep(COMEBACK);
    const { attempts, connects, failures } = await tab.seen();
    assert.deepEqual([attempts.length, connects], [length, 1]);
    assert.ok(failures >= 5);
    await tab.page.evaluate(() => window.socket.connect());
    await tab.connected(2);
    await tab.close();
  });

  await check('the script: a refusal is told with its text', async () => {
    const tab = await page();
    await tab.open('bob', jwt('ann'));
    const { found } = await until('a refusal', async () => (await tab.seen()).errors[0]);
    assert.match(found, /^access token failure: /);
    // As the library does on such a text.
    await tab.page.evaluate(() => window.socket.disconnect());
    await sleep(COMEBACK);
    const { errors, connects } = await tab.seen();
    assert.deepEqual([errors.length, connects], [1, 0]);
    await tab.close();
  });

  await check('the script: what the page says before it is connected is said then', async () => {
    const tab = await page();
    await tab.page.evaluate(([address]) => {
      window.open_line(address);
      window.socket.emit('JWTTokenRefreshRequest', JSON.stringify({ type: 'JWTTokenRefreshRequest' }));
    }, [`//${way.address}/?channelId=ann&apiKey=${key}&token=${jwt('ann')}`]);
    await until('an answer', async () => (await tab.seen()).messages.some((one) => one.type === 'JWTTokenRefreshAnswer'));
    await tab.close();
  });
}
