// What only these clients need.

import { ringfence } from '../shared/server.mjs';

/** The claims of a token as the browser SDK reads them: with `atob`, which does not know base64url. */
export const claimsOf = (token) => JSON.parse(atob(token.split('.')[1]));

/** Everything that a list of the client gives, page by page. */
export async function all(list) {
  const items = [];
  for await (const item of list) items.push(item);
  return items;
}

/** What the operator is told about a token: `accepted`, or the reason why not. */
export async function verdict(token) {
  try {
    await ringfence('token', 'verify', token);
    return 'accepted';
  } catch (cause) {
    return cause.stderr.trim();
  }
}
