// The script that the server gives pages, in Chromium: what the library uses of it, and how it comes back.

import assert from 'node:assert/strict';
import { connect, createServer as createTunnel } from 'node:net';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

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

/** A way to the server that can be cut. */
async function tunnel(url) {
  const { hostname, port } = new URL(url);
  const open = new Set();
  let shut = false;
  const server = createTunnel((near) => {
    if (shut) return near.destroy();
    const far = connect(port, hostname);
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => open.forEach((one) => one.destroy());
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut: () => {
      shut = true;
      cut();
    },
    mend: () => (shut = false),
    end: () => {
      cut();
      server.close();
    },
  };
}

/** Checks the script of the server at `url` in `browser`, a Chromium; the rest as for `channel`. */
export async function script({ url, key, jwt, revoke, check, until, browser }) {
  const pages = createServer((_, answer) => answer.end(PAGE));
  pages.listen(0, '127.0.0.1');
  await once(pages, 'listening');
  const way = await tunnel(url);
  const host = way.url.replace('http:', '');

  /** A page with the script in it, after `prepare` was run. */
  async function page(prepare) {
    const context = await browser.newContext();
    const page = await context.newPage();
    if (prepare) await page.addInitScript(prepare);
    await page.goto(`http://127.0.0.1:${pages.address().port}/`);
    await page.addScriptTag({ url: `${way.url}/socket.io/v3/socket.io.js` });
    const seen = () => page.evaluate(() => ({ ...window.seen, connected: window.socket.connected }));
    return {
      page,
      seen,
      open: (id, token = jwt(id), options = {}, query = '') =>
        page.evaluate(([address, given]) => window.open_line(address, given), [
          `${host}/?channelId=${id}&apiKey=${key}${query}&token=${token}`,
          options,
        ]),
      connected: (times = 1) =>
        until('a connect', async () => {
          const { connects, errors } = await seen();
          if (times === 1) assert.deepEqual(errors, []);
          return connects === times;
        }),
      session: async () =>
        (await until('a session', async () => (await seen()).messages.find((one) => one.type === 'sessionId'))).found,
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
      way.cut();
      await until('an end', async () => (await tab.seen()).reasons.length);
      way.mend();
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
    way.cut();
    const { found } = await until('attempts', async () => {
      const { attempts } = await tab.seen();
      return attempts.length >= 6 && attempts;
    });
    const gaps = found.slice(1).map((at, index) => at - found[index]);
    assert.ok(gaps.at(-1) > gaps[0] && gaps.at(-1) < 5000, `${gaps}`);
    await tab.page.evaluate(() => window.socket.disconnect());
    const { length } = (await tab.seen()).attempts;
    way.mend();
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
    }, [`${host}/?channelId=ann&apiKey=${key}&token=${jwt('ann')}`]);
    await until('an answer', async () => (await tab.seen()).messages.some((one) => one.type === 'JWTTokenRefreshAnswer'));
    await tab.close();
  });

  way.end();
  pages.close();
}
