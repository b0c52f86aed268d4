// Programs that we start: on free ports of the loopback, in the scratch folder, always stopped.

import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { createWriteStream, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const setting = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

export const binary = setting('RINGFENCE_BIN');
export const scratch = setting('RINGFENCE_SCRATCH');
export const listen = setting('RINGFENCE_LISTEN');
export const admin = setting('RINGFENCE_ADMIN_LISTEN');
export const database = setting('RINGFENCE_DATABASE');
export const onPostgres = database.startsWith('postgres');

/** A port that nobody has, neither of TCP nor of UDP. */
export async function freePort() {
  for (;;) {
    const tcp = createServer();
    const port = await new Promise((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen(0, '127.0.0.1', () => resolve(tcp.address().port));
    });
    const udp = createSocket('udp4');
    const free = await new Promise((resolve) => {
      udp.once('error', () => resolve(false));
      udp.bind(port, '127.0.0.1', () => resolve(true));
    });
    await Promise.all([tcp, free && udp].filter(Boolean).map((one) => new Promise((done) => one.close(done))));
    if (free) return port;
  }
}

const running = new Map();

/** Starts a program; what it prints goes into a file of its name. */
export function start(name, program, words, options = {}) {
  const child = spawn(program, words, { cwd: scratch, stdio: ['ignore', 'pipe', 'pipe'], ...options });
  const log = createWriteStream(join(scratch, `${name}.log`), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.once('error', (cause) => log.write(`${cause}\n`));
  running.set(name, { child, ended });
  return child;
}

/** Stops a program. */
export async function stop(name) {
  const { child, ended } = running.get(name);
  running.delete(name);
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill('SIGTERM');
  if ((await Promise.race([ended, sleep(10_000, 'late', { ref: false })])) === 'late') child.kill('SIGKILL');
}

/** Stops all of them. */
export const stopAll = () => Promise.all([...running.keys()].map(stop));

/** Waits until something is so, for at most so many seconds. */
export async function until(what, holds, seconds = 20) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = await holds();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited for ${what}`);
    await sleep(50);
  }
}

/** Runs a program to its end. */
export function run(program, words, options = {}) {
  return new Promise((resolve) => {
    const limits = { cwd: scratch, timeout: 60_000, maxBuffer: 1 << 24 };
    execFile(program, words, { ...limits, ...options }, (cause, stdout, stderr) => {
      resolve({ code: cause ? (cause.code ?? 'killed') : 0, stdout, stderr });
    });
  });
}

/** The end of what a program printed. */
export function logged(name) {
  try {
    return readFileSync(join(scratch, `${name}.log`), 'utf8').slice(-6000);
  } catch {
    return '';
  }
}

/** The names of all programs that were started. */
export const names = () => [...running.keys()];
