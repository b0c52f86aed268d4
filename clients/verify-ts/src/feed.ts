// Following the feed: open it, read what was missed, listen, and open it anew when it falls silent.

import { parse, payload } from './jws.js';
import { readObject } from './json.js';
import type { Keys } from './keys.js';
import { sleep, type Machine } from './machine.js';
import { Refusal } from './refusal.js';
import { SET_TYPE, readEvents, type Event } from './set.js';
import type { Settings } from './settings.js';
import { Reader, type Message } from './sse.js';

/** Time for the beginning of an answer, in milliseconds. */
const PATIENCE = 10_000;
/** The waits between attempts: doubled each time, half of each by chance. */
const FIRST = 500;
const LONGEST = 10_000;
/** The longest wait that the server may ask for. */
const MOST_ASKED = 30_000;

/** What is done with what is heard. */
export interface Listener {
  /** The server was heard at this moment of the steady clock and of the wall's, and there was nothing left to read. */
  confirm(steady: number, wall: number): void;
  take(event: Event): void;
  /** Whether the feed is open and has caught up; otherwise why not. */
  live(failure?: string): void;
}

/** A stream was left because the server asked for it, with the wait that it asked for. */
class Left extends Error {
  constructor(
    message: string,
    readonly wait = 0,
    readonly reset = false,
  ) {
    super(message);
  }
}

/** Follows the feed until `signal` ends it. */
export async function follow(settings: Settings, machine: Machine, keys: Keys, listener: Listener, signal: AbortSignal) {
  let cursor: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let left = new Left('');
    try {
      await stream();
    } catch (failure) {
      left = failure instanceof Left ? failure : new Left(reasonOf(failure));
    }
    if (signal.aborted) return;
    listener.live(left.message);
    if (left.reset) cursor = undefined;
    const most = Math.min(FIRST * 2 ** failures, LONGEST);
    failures = Math.min(failures + 1, 8);
    const wait = most * (0.5 + machine.chance() / 2);
    await sleep(machine, Math.max(Math.min(left.wait, MOST_ASKED), wait), signal);
  }

  /** Opens the feed and reads it until it ends, keeping `cursor` at the last message that counts. */
  async function stream(): Promise<void> {
    const late = new AbortController();
    const end = () => late.abort(new Left('closed'));
    signal.addEventListener('abort', end, { once: true });
    let cancel = () => {};
    const expect = (span: number, failure: string) => {
      cancel();
      cancel = machine.after(span, () => late.abort(new Left(failure)));
    };
    try {
      expect(PATIENCE, 'the feed was not answered in time');
      const headers: Record<string, string> = { authorization: `Bearer ${settings.key}`, 'cache-control': 'no-cache' };
      if (cursor) headers['last-event-id'] = cursor;
      const url = settings.feedUrl(machine.now() - settings.longest);
      const answer = await abortable(machine.fetch(url, { headers, redirect: 'error', signal: late.signal }), late.signal);
      if (answer.status !== 200 || !answer.body) {
        const wait = Number(answer.headers.get('retry-after') ?? 0) * 1000;
        late.abort();
        throw new Left(`the feed was answered with ${answer.status}`, wait || 0);
      }
      const silence = `the server said nothing for ${settings.silence / 1000} s`;
      expect(settings.silence, silence);
      const reader = new Reader();
      const pieces = answer.body[Symbol.asyncIterator]();
      let live = false;
      for (;;) {
        const { done, value } = await abortable(pieces.next(), late.signal);
        if (done) throw new Left('the server closed the feed');
        expect(settings.silence, silence);
        // Before it is judged: what took long to judge was still said by then.
        const heard = [machine.steady(), machine.now()] as const;
        for (const message of reader.take(value)) {
          if (message.event === 'ready' && !live) {
            live = true;
            failures = 0;
            listener.live();
          } else {
            await take(message);
          }
          if (message.id) cursor = message.id;
        }
        // A piece of a message says that there is more to know.
        if (live && reader.isBetween) listener.confirm(...heard);
      }
    } finally {
      cancel();
      signal.removeEventListener('abort', end);
      late.abort();
    }
  }

  async function take(message: Message): Promise<void> {
    if (message.event === 'ready') return;
    if (message.event === 'reset') throw new Left('the server asked to begin anew', 0, true);
    // An event that we cannot verify may be any revocation: do not go on as if it were none.
    try {
      const unverified = parse(message.data);
      if (unverified.typ !== SET_TYPE) throw new Refusal('token_type');
      const key = unverified.kid === undefined ? undefined : await keys.find(unverified.kid, 'feed');
      if (!key) throw new Refusal('token_key');
      const events = readEvents(readObject(await payload(unverified, key)), settings.issuer);
      for (const event of events) listener.take(event);
    } catch (failure) {
      throw new Left(`the feed is not the project's: ${reasonOf(failure)}`);
    }
  }
}

/** What is awaited, unless it takes too long: whatever reads may not heed the signal. */
function abortable<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    awaited.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

function reasonOf(failure: unknown): string {
  const cause = failure instanceof Error && failure.cause instanceof Error ? `: ${failure.cause.message}` : '';
  return failure instanceof Error ? `${failure.message}${cause}` : String(failure);
}
