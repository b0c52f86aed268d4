// Requests as pages and back ends send them; custom tokens as integrators sign them.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import { ask as send } from '../shared/checks.mjs';

/** Sends a request with a token and a JSON body, where given. */
export function ask(method, address, { token, body, headers = {} } = {}) {
  const all = { ...headers };
  if (token) all.Authorization = token;
  if (body === undefined || body === null) return send(method, address, { headers: all });
  all['Content-Type'] = 'application/json';
  return send(method, address, { headers: all, body: JSON.stringify(body) });
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
