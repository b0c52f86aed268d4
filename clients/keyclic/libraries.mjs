// Requests as the libraries send them: the JavaScript one of 2019 and the Dart one of 2025.

import { ask } from '../shared/checks.mjs';
import { url } from '../shared/server.mjs';
import { KEYS } from './provision.mjs';

/** Where the dialect is. */
export const base = `${url}/keyclic`;

/** JavaScript 2.4: says `null` where the app gave nothing, and parses every body that is not a 204. */
export async function js(method, path, { token, body, key = KEYS[0] } = {}) {
  const headers = {
    Accept: 'application/hal+json;charset=UTF-8',
    'Accept-Language': 'fr-FR',
    'Content-Type': 'application/json;charset=UTF-8',
    'X-Date-Time': 'null',
    'X-Keyclic-App': key,
    'X-Keyclic-App-Version': 'null',
  };
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await ask(method, `${base}${path}`, { headers, body: body && JSON.stringify(body) });
  if (answer.status !== 204 && answer.status < 300 && answer.json === null) throw new Error('not JSON');
  return answer;
}

/** Dart 3.20: a date without `T`, no Accept; reads only JSON media types, and people with a boolean `optIn`. */
export async function dart(method, path, { authorization, body } = {}) {
  const headers = {
    'Accept-Language': 'en-US',
    'Content-Type': 'application/json;charset=UTF-8',
    'X-Date-Time': '2025-04-18 08:00:00.000Z',
    'X-Keyclic-App': KEYS[1],
    'X-Keyclic-App-Platform': 'mobile',
    'X-Keyclic-App-Version': '3.20.5',
  };
  if (authorization) headers.Authorization = authorization;
  const answer = await ask(method, `${base}${path}`, { headers, body: body && JSON.stringify(body) });
  const type = (answer.headers.get('content-type') ?? '').split(';')[0];
  if (answer.status < 300 && answer.status !== 204 && !/^(application|text)\/(json|.*\+json)$/.test(type)) {
    throw new Error(`cannot decode ${type}`);
  }
  if (answer.json?.type === 'Person' && typeof answer.json.optIn !== 'boolean') throw new Error('optIn is no boolean');
  return answer;
}
