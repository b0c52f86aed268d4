// Checks, counted; requests as pages and back ends send them; custom tokens as integrators sign them.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

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

/** Sends a request and returns status and body, parsed when it is JSON. */
export async function ask(method, address, { token, body, headers = {} } = {}) {
  const all = { ...headers };
  if (token) all.Authorization = token;
  if (body !== undefined && body !== null) all['Content-Type'] = 'application/json';
  const answer = await fetch(address, {
    method,
    headers: all,
    body: body === undefined || body === null ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(15_000),
  });
  const text = await answer.text();
  let json = null;
  try {
    json = JSON.parse(text);
  } catch {
    // Plain words.
  }
  return { status: answer.status, headers: answer.headers, text, json };
}

/** Sends a request that must be answered with 200. */
export async function well(method, address, options) {
  const answer = await ask(method, address, options);
  assert.equal(answer.status, 200, `${method} ${address}: ${answer.status} ${answer.text}`);
  return answer.json;
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of these claims as jsonwebtoken signs it. */
export function sign(claims, secret) {
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** The claims of a token, unverified. */
export const claimsOf = (token) => JSON.parse(Buffer.from(token.replace(/^JWT /, '').split('.')[1], 'base64url'));

/** The claims of an integrator's user, as the published examples make them. */
export const external = (project, id, more = {}) => ({
  _id: `${project}_${id}`,
  firstname: 'Eve',
  lastname: 'External',
  email: 'Eve@Integrator.example',
  attributes: { plan: 'gold' },
  sub: 'userexternal',
  aud: `https://tiledesk.com/projects/${project}`,
  ...more,
});

export const now = () => Math.floor(Date.now() / 1000);
