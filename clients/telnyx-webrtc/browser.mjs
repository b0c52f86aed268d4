// Chromium with fake media, and pages that hold one client each.

import { mkdtempSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { chromium } from 'playwright-core';

import { until } from '../shared/checks.mjs';
import { listen, scratch } from '../shared/server.mjs';

const require = createRequire(import.meta.url);
const sdk = dirname(require.resolve('@telnyx/webrtc/package.json'));
export const { version } = require('@telnyx/webrtc/package.json');

const PAGE = `<!doctype html><meta charset="utf-8"><title>page</title><script type="module">
import { TelnyxRTC } from '/sdk.mjs';
window.events = [];
window.open_client = (options) => {
  const client = new TelnyxRTC({ iceServers: [], ...options });
  window.client = client;
  const note = (name, code) => window.events.push({ name, code });
  client.on('telnyx.ready', () => note('ready'));
  client.on('telnyx.error', (event) => note('error', event?.error?.code));
  client.on('telnyx.warning', (event) => note('warning', event?.warning?.code));
  client.on('telnyx.socket.close', () => note('closed'));
  client.on('telnyx.notification', (event) => {
    if (event.type !== 'callUpdate') return;
    window.call = event.call;
    note('call', event.call.state);
    if (event.call.state === 'ringing' && window.answers) event.call.answer();
  });
  client.connect();
};
window.carried = async () => {
  let [sent, received] = [0, 0];
  for (const report of (await window.call.peer.instance.getStats()).values()) {
    if (report.type === 'outbound-rtp') sent += report.bytesSent;
    if (report.type === 'inbound-rtp') received += report.bytesReceived;
  }
  return { sent, received };
};
window.loaded = true;
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
  '--autoplay-policy=no-user-gesture-required',
];

/** A browser, and the server of its one page. */
export async function launch() {
  const bundle = readFileSync(join(sdk, 'lib', 'bundle.mjs'));
  const pages = createServer((request, response) => {
    const script = request.url === '/sdk.mjs';
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ? bundle : PAGE);
  });
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const context = await chromium.launchPersistentContext(mkdtempSync(join(scratch, 'chromium-')), {
    executablePath: process.env.RINGFENCE_CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
  });
  const address = `http://127.0.0.1:${pages.address().port}/`;
  return {
    /** An empty page. */
    bare: () => context.newPage(),
    /** A page without a client. */
    page: async () => new Phone(await context.newPage()).load(address),
    /** A page whose client was made with these options. */
    phone: async (options) => (await new Phone(await context.newPage()).load(address)).connect(options),
    close: async () => {
      await context.close();
      pages.close();
    },
  };
}

/** A page with one client, and everything that went over its sockets. */
class Phone {
  constructor(page) {
    this.page = page;
    this.sent = [];
    this.received = [];
    this.sockets = [];
    page.on('websocket', (socket) => {
      const entry = { url: socket.url(), closed: false };
      this.sockets.push(entry);
      socket.on('framesent', ({ payload }) => this.sent.push(JSON.parse(payload)));
      socket.on('framereceived', ({ payload }) => this.received.push(JSON.parse(payload)));
      socket.on('close', () => {
        entry.closed = true;
      });
    });
  }

  async load(address) {
    await this.page.goto(address);
    await this.page.waitForFunction(() => window.loaded);
    return this;
  }

  async connect(options) {
    await this.page.evaluate((given) => window.open_client(given), { host: `ws://${listen}/telnyx`, ...options });
    return this;
  }

  /** Runs in the page. */
  run(body, argument) {
    return this.page.evaluate(body, argument);
  }

  /** What the client raised, as `name` or `name code`. */
  async events() {
    const raised = await this.page.evaluate(() => window.events);
    return raised.map(({ name, code }) => (code === undefined ? name : `${name} ${code}`));
  }

  async count(event) {
    return (await this.events()).filter((raised) => raised === event).length;
  }

  /** Waits until an event was raised so many times. */
  async raised(event, times = 1, patience) {
    const look = async () => (await this.count(event)) >= times;
    try {
      return (await until(event, look, patience)).took;
    } catch (cause) {
      throw new Error(`${cause.message}; it raised ${(await this.events()).join(', ')}`);
    }
  }

  /** Logins that were sent. */
  logins() {
    return this.sent.filter(({ method }) => method === 'login' || method === 'anonymous_login');
  }

  /** The sessids that were handed out, in order. */
  sessids() {
    return this.received.filter(({ result }) => result?.message === 'logged in').map(({ result }) => result.sessid);
  }

  /** A login of the application itself, on the open socket. */
  login(creds) {
    return this.run(
      (given) =>
        new Promise((resolve) => {
          const settle = (outcome) => (error) => resolve(error ? { ...error, outcome } : { outcome });
          window.client.login({ creds: given, onSuccess: settle('success'), onError: settle('error') });
        }),
      creds,
    );
  }

  call(destinationNumber) {
    return this.run((number) => {
      window.call = window.client.newCall({ destinationNumber: number, callerName: 'Ann', audio: true });
    }, destinationNumber);
  }

  /** The state of its call. */
  state() {
    return this.run(() => window.call?.state);
  }

  /** Waits until its call is in this state. */
  reaches(state, patience) {
    return until(`call ${state}`, async () => (await this.state()) === state, patience);
  }

  close() {
    return this.page.close();
  }
}
