// What a back end does: connections, credentials, login tokens.

import { url } from '../shared/server.mjs';
import { keys } from './provision.mjs';

/** Asks the REST face; the data of the answer, or its text. */
export async function rest(method, path, body, key = keys.home) {
  const answer = await fetch(`${url}/telnyx/v2/${path}`, {
    method,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text.startsWith('{') ? JSON.parse(text).data : text;
}

let named = 0;

/** A connection with a user name and a password of its own. */
export const connection = (more = {}, key = keys.home) => {
  named += 1;
  const own = { connection_name: `c${named}`, user_name: `phones${named}`, password: 'violet otter under glass' };
  return rest('POST', 'credential_connections', { ...own, ...more }, key);
};

/** A credential in a connection of its own, unless one is given. */
export async function credential(more = {}, key = keys.home) {
  const connection_id = more.connection_id ?? (await connection({}, key)).id;
  return rest('POST', 'telephony_credentials', { ...more, connection_id }, key);
}

/** A login token of a credential. */
export const token = (of, key = keys.home) => rest('POST', `telephony_credentials/${of.id}/token`, undefined, key);

/** `seconds` from now, as credentials have it. */
export const inSeconds = (seconds) => new Date(Date.now() + seconds * 1000).toISOString();
