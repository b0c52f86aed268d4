// Checks, counted, and what they are made of.

import dns from 'node:dns';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { logged } from './server.mjs';

let passed = 0;

/** Adds checks that another program made. */
export const counted = (more) => {
  passed += more;
};

/** One check: a sentence, and what must hold. */
export async function check(sentence, body) {
  try {
    await body();
  } catch (cause) {
    throw new Error(`${sentence}: ${cause.message}`, { cause });
  }
  passed += 1;
}

/** Runs everything and ends the process; the last line says of what (`title`) and how it went. */
export async function conclude(title, body) {
  try {
    await body();
  } catch (failure) {
    console.error(failure);
    console.error(`--- the end of the server's log\n${logged()}`);
    console.log(`${title()}: failed after ${passed} checks: ${failure.message}`);
    process.exit(1);
  }
  console.log(`${title()}: ${passed} checks passed`);
}

/** Waits until `look` gives something true, and returns it with how long that took; `what` is said when it never comes. */
export async function until(what, look, patience = 10_000) {
  const since = performance.now();
  for (;;) {
    const found = await look();
    const took = performance.now() - since;
    if (found) return { found, took };
    if (took > patience) throw new Error(`${what}: not within ${patience / 1000} s`);
    await sleep(20);
  }
}

/** Sends a request and returns status, headers and body, parsed when it is JSON. */
export async function ask(method, address, { headers = {}, body } = {}) {
  const answer = await fetch(address, { method, headers, body, redirect: 'manual', signal: AbortSignal.timeout(15_000) });
  const text = await answer.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Plain words, or none.
  }
  return { status: answer.status, headers: answer.headers, text, json };
}

/** The claims of a token, unverified. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

/** Has `host` resolve to this machine: browsers know so of names below `localhost` (RFC 6761), not every resolver does. */
export function resolveLocally(host) {
  const lookup = dns.lookup;
  dns.lookup = (name, ...rest) => lookup(name === host ? '127.0.0.1' : name, ...rest);
}

/** A port that nobody listens on. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
