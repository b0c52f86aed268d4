// Programs that we start, in the scratch folder, always stopped.

import { execFile, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { until } from '../shared/checks.mjs';

const setting = (name) => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
};

export const scratch = setting('RINGFENCE_SCRATCH');
export const database = setting('RINGFENCE_DATABASE');
export const onPostgres = database.startsWith('postgres');

const binary = setting('RINGFENCE_BIN');
const bin = join(scratch, 'bin');
mkdirSync(bin);
symlinkSync(binary, join(bin, 'ringfence'));

/** What everything runs with: `ringfence` is a word that the shell knows, and all databases are sealed with one key. */
export const environment = {
  ...process.env,
  PATH: `${bin}:${process.env.PATH}:/usr/sbin`,
  RINGFENCE__SECRETS__MASTER_KEY_FILE: join(scratch, 'master.key'),
};

const running = new Map();

/** Starts a program; what it prints goes into a file of its name. */
export function start(name, program, words) {
  const child = spawn(program, words, { cwd: scratch, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(scratch, `${name}.log`), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.once('error', (cause) => log.write(`${cause}\n`));
  running.set(name, { child, ended });
  return child;
}

/** Stops a program, or has it killed as by a power cut. */
export async function stop(name, signal = 'SIGTERM') {
  const { child, ended } = running.get(name);
  running.delete(name);
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  child.kill(signal);
  if ((await Promise.race([ended, sleep(15_000, 'late', { ref: false })])) === 'late') {
    child.kill('SIGKILL');
    throw new Error(`${name} did not stop`);
  }
}

/** Stops all of them. */
export const stopAll = () => Promise.all([...running.keys()].map((name) => stop(name)));

/** Waits until a server of ours is ready. */
export async function serve(name, words, admin) {
  const child = start(name, 'ringfence', words);
  await until(`${name} is ready`, () => {
    if (child.exitCode !== null) throw new Error(`${name} ended: ${logged(name)}`);
    return fetch(`http://${admin}/readyz`).then((answer) => answer.ok, () => false);
  }, 30_000);
}

/** Runs a program to its end; anything but success is an error. */
export function run(program, words, env = environment) {
  return new Promise((resolve, reject) => {
    execFile(program, words, { cwd: scratch, env, timeout: 60_000, maxBuffer: 1 << 24 }, (cause, stdout, stderr) => {
      if (cause) reject(new Error(`${program} ${words.join(' ')}: ${cause.code ?? cause.signal}: ${stderr}${stdout}`));
      else resolve(stdout);
    });
  });
}

/** The end of what a program printed. */
export function logged(name) {
  try {
    return readFileSync(join(scratch, `${name}.log`), 'utf8').slice(-4000);
  } catch {
    return '';
  }
}

/** Makes an empty database beside ours and returns its address. */
export async function anotherDatabase(name) {
  const url = new URL(database);
  const own = `${url.pathname.slice(1)}_${name}`;
  await run('psql', [database, '-qc', `CREATE DATABASE ${own}`]);
  url.pathname = own;
  return url.href;
}
