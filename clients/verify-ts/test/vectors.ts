// Judges vectors of others; run.mjs brings them.

import { parse, payload, readKey } from '../src/jws.js';
import type { Members } from '../src/json.js';

/** Whether a token counts under a key. */
export async function accepts(token: string, jwk: Members): Promise<boolean> {
  const key = await readKey(jwk);
  if (!key) return false;
  try {
    await payload(parse(token), key);
    return true;
  } catch {
    return false;
  }
}
