// The project's public keys: fetched at first, looked at again from time to time, and when a token names an unknown one.

import { readKeySet, type Key } from './jws.js';
import type { Machine } from './machine.js';

/** Unknown names have the keys fetched at most so often. */
const PAUSE = 60_000;
/** Time for an answer. */
const PATIENCE = 5_000;
/** The largest key set read, in bytes. */
const MAX_SET = 256 * 1024;

/** Who does not know a key. */
export type Asking = 'token' | 'feed';

/** The keys by their names. */
export class Keys {
  readonly #url: string;
  readonly #machine: Machine;
  #known = new Map<string, Key>();
  /** When an unknown name last had them fetched, and the answer: one for tokens, whoever brings them, and one for the feed, so that
   * strangers cannot use up what the feed needs. */
  readonly #asked = new Map<Asking, { readonly at: number; readonly answer: Promise<void> }>();

  constructor(url: string, machine: Machine) {
    this.#url = url;
    this.#machine = machine;
  }

  /** The key of a name. An unknown one has the keys fetched, once a minute at most; all who ask meanwhile wait for the one answer. */
  async find(kid: string, asking: Asking): Promise<Key | undefined> {
    const known = this.#known.get(kid);
    if (known) return known;
    const now = this.#machine.steady();
    let asked = this.#asked.get(asking);
    if (!asked || now >= asked.at + PAUSE) {
      // Whoever has no answer knows no key.
      asked = { at: now, answer: this.fetch().catch(() => {}) };
      this.#asked.set(asking, asked);
    }
    await asked.answer;
    return this.#known.get(kid);
  }

  /** Fetches the keys; what was known stays when that fails. */
  async fetch(): Promise<void> {
    const late = new AbortController();
    const cancel = this.#machine.after(PATIENCE, () => late.abort(new Error('no answer in time')));
    try {
      const answer = await this.#machine.fetch(this.#url, { headers: { 'cache-control': 'no-cache' }, redirect: 'error', signal: late.signal });
      if (answer.status !== 200) throw new Error(`the keys were answered with ${answer.status}`);
      const pieces: Uint8Array[] = [];
      let size = 0;
      for await (const piece of answer.body ?? []) {
        pieces.push(piece);
        size += piece.length;
        if (size > MAX_SET) throw new Error('the key set is too long');
      }
      this.#known = await readKeySet(Buffer.concat(pieces));
    } finally {
      cancel();
    }
  }
}
