// The three example services, each with a client of its kind.

import { execFileSync, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';

import { io } from 'socket.io-client';
import { WebSocket } from 'ws';

import { ask, freePort, until } from '../shared/checks.mjs';
import { scratch } from '../shared/server.mjs';

const root = join(import.meta.dirname, '..', '..');

/** Builds what is written in Rust and returns the folder of its programs. */
export function buildRust() {
  const words = ['build', '--quiet', '--locked', '--package', 'ringfence-verify', '--examples', '--message-format=json'];
  const said = execFileSync(process.env.CARGO ?? 'cargo', words, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const made = said.trim().split('\n').map((line) => JSON.parse(line)).filter(({ executable }) => executable);
  return Object.fromEntries(made.map(({ target, executable }) => [target.name, executable]));
}

/** What a client hears: that it was let in, and why it was shown out. */
const heard = () => {
  const what = {};
  what.welcome = new Promise((resolve) => (what.let = resolve));
  what.ended = new Promise((resolve) => {
    what.end = (reason) => {
      what.reason ??= reason;
      resolve({ reason, at: performance.now() });
    };
  });
  return what;
};

function enterRoom(address, token) {
  const client = heard();
  const socket = new WebSocket(`ws://${address}/room`);
  socket.on('open', () => socket.send(token));
  socket.on('message', (text) => JSON.parse(text).welcome && client.let(true));
  socket.on('error', () => client.end('unreachable'));
  socket.on('close', (_code, reason) => client.end(reason.toString()));
  return Object.assign(client, { leave: () => socket.close() });
}

function readUpdates(address, token) {
  const client = heard();
  const over = new AbortController();
  const read = async () => {
    const answer = await fetch(`http://${address}/updates`, { headers: { authorization: `Bearer ${token}` }, signal: over.signal });
    if (answer.status !== 200) return client.end((await answer.json()).code);
    let text = '';
    for await (const piece of answer.body) {
      text += Buffer.from(piece).toString();
      if (text.includes('event: welcome')) client.let(true);
      const [, reason] = /event: ended\ndata: \{"reason":"(\w+)"\}/.exec(text) ?? [];
      if (reason) client.end(reason);
    }
    client.end('closed');
  };
  read().catch(() => client.end('unreachable'));
  return Object.assign(client, { leave: () => over.abort() });
}

function joinSockets(address, token) {
  const client = heard();
  const socket = io(`http://${address}`, { auth: { token }, reconnection: false, forceNew: true });
  let reason = 'closed';
  socket.on('welcome', () => client.let(true));
  socket.on('ended', (said) => (reason = said.reason));
  socket.on('connect_error', (refusal) => client.end(refusal.data?.code ?? 'unreachable'));
  socket.on('disconnect', () => client.end(reason));
  return Object.assign(client, { leave: () => socket.disconnect() });
}

/** The services by name: the command that starts one, and how its clients come in. */
export const services = (programs) => [
  { name: 'axum', command: [programs['verify-axum']], enter: enterRoom },
  { name: 'Express', command: [process.execPath, 'examples/express.mjs'], enter: readUpdates },
  { name: 'Socket.IO', command: [process.execPath, 'examples/socketio.mjs'], enter: joinSockets },
];

/** Starts a service and waits until it can judge. */
export async function start({ name, command: [program, ...words], enter }, settings) {
  const address = `127.0.0.1:${await freePort()}`;
  const running = spawn(program, words, { cwd: import.meta.dirname, env: { ...process.env, ...settings, LISTEN: address }, stdio: 'pipe' });
  const log = createWriteStream(join(scratch, `${name}.log`));
  running.stdout.pipe(log, { end: false });
  running.stderr.pipe(log, { end: false });
  const gone = new Promise((resolve) => running.once('exit', resolve));
  const health = () => ask('GET', `http://${address}/healthz`).then(({ status }) => status, () => 0);
  const service = {
    name,
    address,
    health,
    /** Comes in with a token; answers when it is in, or shown out. */
    async enter(token) {
      const client = enter(address, token);
      await Promise.race([client.welcome, client.ended]);
      return client;
    },
    async stop() {
      running.kill();
      await gone;
    },
  };
  try {
    await until(`${name} is ready`, async () => (await health()) === 200);
  } catch (failure) {
    await service.stop();
    throw failure;
  }
  return service;
}
