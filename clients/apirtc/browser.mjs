// Chromium, and pages that hold one UserAgent each.

import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { chromium } from 'playwright-core';

import { until } from '../shared/checks.mjs';
import { scratch } from '../shared/server.mjs';
import { cloudUrl } from './server.mjs';

const require = createRequire(import.meta.url);
const sdk = dirname(require.resolve('@apirtc/apirtc/package.json'));
export const { version } = require('@apirtc/apirtc/package.json');

const PAGE = `<!doctype html><meta charset="utf-8"><title>page</title>
<script src="/apirtc.js"></script>
<script>
window.events = [];
window.uncaught = [];
window.addEventListener('error', (event) => window.uncaught.push(String(event.message)));
window.addEventListener('unhandledrejection', (event) => window.uncaught.push(String(event.reason)));
const said = (error) => ({
  code: error?.code,
  httpCode: error?.httpCode,
  body: error?.cloudResponse,
  text: String(error?.error?.message ?? error?.message ?? error),
});
window.signUp = (uri, options) => {
  if (!window.agent || options.fresh) window.agent = new apiRTC.UserAgent({ uri });
  delete options.fresh;
  window.agent.on('ccsConnectionStatus', (event) => window.events.push('ccs ' + event.status));
  const given = window.agent.register(options).then((session) => {
    window.session = session;
    for (const name of ['disconnect', 'reconnecting', 'reconnection']) {
      session.on(name, () => window.events.push(name));
    }
    session.on('contactListUpdate', () => window.events.push('contacts'));
    return {
      id: session.getId(),
      username: session.getUsername(),
      token: session.getToken(),
    };
  }, (error) => ({ refused: said(error) }));
  const late = new Promise((resolve) => setTimeout(() => resolve({ late: true }), 15000));
  return Promise.race([given, late]);
};
window.leave = () => window.agent.unregister().then(() => 'gone', (error) => said(error));
window.pushed = () => window.session.getApzToken();
window.contacts = () => Object.values(window.session.getContacts()).map((one) => one.getId());
</script>`;

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-fake-ui-for-media-stream',
  '--use-fake-device-for-media-stream',
];

const executablePath = process.env.RINGFENCE_CHROMIUM ?? '/usr/bin/chromium';

/** A browser for pages without the library. */
export const chromiumAlone = () => chromium.launch({ executablePath, headless: true, args: FLAGS });

/** A browser, and the server of its one page. */
export async function launch() {
  const bundle = readFileSync(join(sdk, 'apiRTC.min.js'));
  const pages = createServer((request, response) => {
    const script = request.url === '/apirtc.js';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? bundle : PAGE);
  });
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const context = await chromium.launchPersistentContext(mkdtempSync(join(scratch, 'chromium-')), {
    executablePath,
    headless: true,
    args: FLAGS,
  });
  const address = `http://127.0.0.1:${pages.address().port}/`;
  return {
    page: async () => new Agent(await context.newPage()).load(address),
    close: async () => {
      await context.close();
      pages.close();
    },
  };
}

/** A page with one UserAgent, and every address that it asked. */
class Agent {
  constructor(page) {
    this.page = page;
    this.asked = [];
    this.sockets = [];
    this.console = [];
    page.on('request', (request) => this.asked.push(`${request.method()} ${request.url()}`));
    page.on('websocket', (socket) => {
      const entry = { url: socket.url(), received: [], closed: false };
      this.sockets.push(entry);
      socket.on('framereceived', ({ payload }) => entry.received.push(String(payload)));
      socket.on('close', () => {
        entry.closed = true;
      });
    });
    page.on('console', (message) => this.console.push(message.text()));
  }

  async load(address) {
    await this.page.goto(address);
    await this.page.waitForFunction(() => typeof window.apiRTC === 'object');
    return this;
  }

  /** Registers; what came of it. */
  register(uri, options = {}) {
    return this.page.evaluate(([uri, options]) => window.signUp(uri, options), [uri, { cloudUrl, ...options }]);
  }

  unregister() {
    return this.page.evaluate(() => window.leave());
  }

  run(body, argument) {
    return this.page.evaluate(body, argument);
  }

  events() {
    return this.run(() => window.events);
  }

  contacts() {
    return this.run(() => window.contacts());
  }

  pushed() {
    return this.run(() => window.pushed());
  }

  /** Waits until an event was raised so many times. */
  async raised(event, times = 1, patience = 15_000) {
    const look = async () => (await this.events()).filter((raised) => raised === event).length >= times;
    try {
      return (await until(event, look, patience)).took;
    } catch (cause) {
      throw new Error(`${cause.message}; it raised ${(await this.events()).join(', ')}`);
    }
  }

  /** Requests of the channel that were made so far, WebSockets included. */
  channelRequests() {
    return this.asked.filter((line) => line.includes('/socket.io/?')).length + this.sockets.length;
  }

  close() {
    return this.page.close();
  }
}
