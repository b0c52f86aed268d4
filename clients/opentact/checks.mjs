// Checks, counted, and small helpers.

import { createServer } from 'node:net';

let passed = 0;

/** How many checks have passed. */
export const count = () => passed;

/** One check: a sentence, and what must hold. */
export async function check(sentence, body) {
  try {
    await body();
  } catch (cause) {
    throw new Error(`${sentence}: ${cause.message}`, { cause });
  }
  passed += 1;
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

/** The claims of a token, unverified. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

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
