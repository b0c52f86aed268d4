// What the run sees of the world: a site that serves pages and stands before the server, so that its network can be cut;
// Chromium; and tabs with one client each.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { connect } from 'node:net';

import { chromium } from 'playwright-core';

import { until } from '../shared/checks.mjs';
import { port } from '../shared/server.mjs';

const LIBRARY = readFileSync(new URL('dist/index.js', import.meta.url));

const PAGE = `<!doctype html><meta charset="utf-8"><title>page</title>
<script type="importmap">{"imports":{"@ringfence/client":"/client.js"}}</script>
<script type="module">
import { createClient } from '@ringfence/client';
window.events = [];
window.open_client = (options) => {
  const client = createClient(options);
  for (const name of ['update', 'warning', 'revoke', 'takeover', 'connection', 'elected']) {
    client.on(name, (event) => window.events.push({ name, event }));
  }
  window.client = client;
};
/** What a page may know of a refusal. */
window.refusal = (promise) => promise.then(() => null, ({ code, status, details }) => ({ code, status, details }));
window.loaded = true;
</script>`;

/** A page of another site around one of ours. */
const frame = (address) => `<!doctype html><title>around</title><iframe src="${address}"></iframe>`;

/** The network between pages and server: it can be cut, and lose some answers to renewals, or all while it is deaf. */
export async function site() {
  const open = new Set();
  const net = { cut: false, deaf: false, lose: 0, refreshes: 0, addresses: [] };
  const server = createServer((asked, response) => {
    net.addresses.push(asked.url);
    if (!asked.url.startsWith('/api/')) return serve(asked, response);
    if (net.cut) return asked.socket.destroy();
    if (asked.url === '/api/v1/refresh') net.refreshes += 1;
    const { method, headers, url } = asked;
    const passed = request({ host: '127.0.0.1', port, method, headers, path: url }, (answer) => {
      if (url === '/api/v1/refresh' && (net.deaf || net.lose > 0)) {
        net.lose -= net.deaf ? 0 : 1;
        answer.resume();
        return answer.once('end', () => asked.socket.destroy());
      }
      response.writeHead(answer.statusCode, answer.headers);
      return answer.pipe(response);
    });
    passed.once('error', () => asked.socket.destroy());
    return asked.pipe(passed);
  });
  server.on('upgrade', (asked, socket, head) => {
    net.addresses.push(asked.url);
    if (net.cut) return socket.destroy();
    const up = connect(port, '127.0.0.1');
    const lines = asked.rawHeaders.reduce((text, part, index) => text + part + (index % 2 ? '\r\n' : ': '), '');
    up.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${lines}\r\n`);
    up.write(head);
    open.add(socket);
    const end = () => {
      open.delete(socket);
      socket.destroy();
      up.destroy();
    };
    for (const side of [socket, up]) side.once('close', end).once('error', end);
    socket.pipe(up).pipe(socket);
    return undefined;
  });
  await new Promise((resolve) => server.listen(0, resolve));
  net.port = server.address().port;
  net.disconnect = () => {
    net.cut = true;
    for (const socket of open) socket.destroy();
  };
  net.reconnect = () => {
    net.cut = false;
  };
  net.close = () => {
    server.close();
    server.closeAllConnections();
  };
  return net;
}

function serve(asked, response) {
  const address = new URL(asked.url, 'http://site');
  const script = address.pathname === '/client.js';
  response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
  response.setHeader('cache-control', 'no-store');
  if (script) response.end(LIBRARY);
  else response.end(address.pathname === '/around' ? frame(address.searchParams.get('of')) : PAGE);
}

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--site-per-process'];

/** Chromium. */
export function launch() {
  const executablePath = process.env.RINGFENCE_CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, headless: true, args: FLAGS });
}

/** Runs `body` with a site and a browser profile of its own, which end with it. */
export async function alone(browser, body) {
  const net = await site();
  const context = await browser.newContext();
  const url = `http://127.0.0.1:${net.port}`;
  try {
    await body({
      net,
      context,
      url,
      /** A tab with a client of the application that this key is of. */
      tab: (application, more = {}, address = `${url}/`) => Tab.open(context, address, { url, application, ...more }),
    });
    assert.deepEqual(net.addresses.filter((address) => /eyJ|rf_|token=|ticket/i.test(address)), [], 'a token in an address');
  } finally {
    await context.close();
    net.close();
  }
}

/** A tab, or a frame in one, with one client. */
export class Tab {
  constructor(page, frame = page) {
    this.page = page;
    this.frame = frame;
    this.sockets = [];
    this.sent = [];
    page.on('websocket', (socket) => {
      this.sockets.push(socket.url());
      socket.on('framesent', ({ payload }) => this.sent.push(JSON.parse(payload)));
    });
  }

  static async open(context, address, options) {
    const tab = new Tab(await context.newPage());
    await tab.page.goto(address);
    return tab.start(options);
  }

  async start(options) {
    await this.frame.waitForFunction(() => window.loaded);
    await this.frame.evaluate((given) => window.open_client(given), options);
    return this;
  }

  /** Runs in the page. */
  run(body, argument) {
    return this.frame.evaluate(body, argument);
  }

  session() {
    return this.run(() => window.client.session);
  }

  elected() {
    return this.run(() => window.client.elected);
  }

  /** The events of one name, in order. */
  events(name) {
    return this.run((wanted) => window.events.filter((event) => event.name === wanted).map(({ event }) => event), name);
  }

  /** Waits until the connection is so. */
  async is(state, patience) {
    const look = async () => (await this.run(() => window.client.connection.state)) === state;
    return until(`connection ${state}`, look, patience);
  }

  /** Waits until there were so many events of a name, and returns the last. */
  async raised(name, times = 1, patience = 10_000) {
    const look = async () => {
      const all = await this.events(name);
      return all.length >= times && all[times - 1];
    };
    return (await until(`${times} × ${name}`, look, patience)).found;
  }

  /** Has nothing run in the page, as when a laptop sleeps. `Page.setWebLifecycleState` spares pages that can be seen, and a
   * browser without a window says that of all; a debugger stops each. */
  async freeze() {
    this.cdp ??= await this.page.context().newCDPSession(this.page);
    await this.cdp.send('Debugger.enable');
    await this.cdp.send('Debugger.pause');
  }

  async thaw() {
    await this.cdp.send('Debugger.resume');
    await this.cdp.send('Debugger.disable');
  }

  close() {
    return this.page.close();
  }
}
