// The verifier: what a service holds.

import { judge, type Claims } from './claims.js';
import { follow } from './feed.js';
import { parse, payload } from './jws.js';
import { readObject } from './json.js';
import { Keys } from './keys.js';
import { onward, sleep, system, type Machine } from './machine.js';
import { Refusal, type Code } from './refusal.js';
import { Revoked } from './revoked.js';
import type { Event } from './set.js';
import { settle, type Options } from './settings.js';
import { Connected, type Ended } from './watch.js';

/** The `typ` of access tokens (RFC 9068 2.1). */
const TYPE = 'at+jwt';
/** How often old revocations are looked for, and the keys fetched, in milliseconds. */
const SWEEP = 60_000;
const ROUND = 5 * SWEEP;
const AGAIN = 10_000;
/** Events that are put off at most. */
const MOST_PUT_OFF = 4096;

/** What there is to say about a verifier at one moment. */
export interface Status {
  /** Whether tokens are judged now. If not, all are refused as `unconfirmed`. */
  readonly confirmed: boolean;
  /** Whether the feed is open and has caught up. */
  readonly connected: boolean;
  /** Revocations that are held. */
  readonly revocations: number;
  /** Connections that are watched. */
  readonly connections: number;
  /** Why the feed was last interrupted, if it is. */
  readonly lastFailure: string | undefined;
}

/** Checks tokens, without asking anybody, and tells of those that were revoked. */
export interface Verifier {
  /** Resolves when the feed has been read up to now. Until then every token is refused as `unconfirmed`. */
  ready(): Promise<void>;
  /** Judges a token: form, key, signature, kind, issuer, audience, times, and whether it was revoked. Throws a `Refusal`. */
  verify(token: string): Promise<Claims>;
  /** Judges claims of before anew: whether their time is over, they were revoked, or that cannot be said. */
  stillValid(claims: Claims): boolean;
  /** Watches on behalf of a connection that is open on a token: `ended` is called once, when the connection has to end. The answer
   * ends the watch. When the connection gets a new token, watch that and end the old watch. Throws a `Refusal`. */
  watch(claims: Claims, ended: (ended: Ended) => void): () => void;
  /** How it is. */
  status(): Status;
  /** Ends the feed, and with it all connections that are still watched. */
  close(): void;
}

/** Starts a verifier: it fetches the keys and reads the feed from now on. */
export function createVerifier(options: Options, given: Machine = system): Verifier {
  const settings = settle(options);
  const machine = onward(given);
  const keys = new Keys(settings.keysUrl, machine);
  const revoked = new Revoked(settings.capacity, settings.longest);
  const connected = new Connected(machine);
  const closed = new AbortController();
  let confirmed: { readonly steady: number; readonly wall: number } | undefined;
  let live = false;
  let lastFailure: string | undefined;
  let waiting = 0;
  let becomeReady = () => {};
  const becameReady = new Promise<void>((resolve) => (becomeReady = resolve));
  let cancelEnd = () => {};

  /** By both clocks: the steady one stands still while the machine sleeps. */
  const isConfirmed = () =>
    confirmed !== undefined &&
    !closed.signal.aborted &&
    machine.steady() - confirmed.steady < settings.maxStaleness &&
    machine.now() - confirmed.wall < settings.maxStaleness;

  const endAll = () => connected.tellAll(() => 'unconfirmed');

  /** Ends all connections when nothing was heard for too long. One timer, moved on when it is due. */
  const keepWatch = (): void => {
    cancelEnd();
    if (!confirmed) return;
    const left = confirmed.steady + settings.maxStaleness - machine.steady();
    if (left > 0) {
      cancelEnd = machine.after(left, keepWatch);
    } else {
      confirmed = undefined;
      endAll();
    }
  };

  const refusal = (claims: Claims): Code | undefined => {
    if (machine.now() >= claims.expiresAt) return 'token_expired';
    // What is known to be revoked is so whether or not there is more to know.
    return revoked.refuses(claims) ?? (isConfirmed() ? undefined : 'unconfirmed');
  };

  const hold = (claims: Claims): Claims => {
    const code = refusal(claims);
    if (code) throw new Refusal(code);
    return claims;
  };

  const take = (event: Event): void => {
    const judgement = (claims: Claims) => revoked.refuses(claims);
    if (revoked.add(event, machine.now())) connected.tellAll(judgement);
    else connected.tell(event, judgement);
  };

  /** Takes in an event when its time has come. */
  const putOff = async (event: Event): Promise<void> => {
    waiting += 1;
    for (let left = 1; left > 0 && !closed.signal.aborted; ) {
      left = event.from - machine.now();
      // Looked at now and then, because the wall clock may be set.
      if (left > 0) await sleep(machine, Math.min(left, SWEEP), closed.signal);
    }
    waiting -= 1;
    if (!closed.signal.aborted) take(event);
  };

  /** Refusing too early has a remedy, a new token; memory without end has none. */
  const hear = (event: Event): void => {
    if (event.from <= machine.now() || waiting >= MOST_PUT_OFF) take(event);
    else void putOff(event);
  };

  const keepHouse = async (): Promise<void> => {
    for (let rounds = 0; !closed.signal.aborted; rounds += 1) {
      const due = rounds % (ROUND / SWEEP) === 0;
      // What was known stays; and a feed that is cut as well has everything refused.
      while (due && !closed.signal.aborted && !(await keys.fetch().then(() => true, () => false))) {
        await sleep(machine, AGAIN, closed.signal);
      }
      await sleep(machine, SWEEP, closed.signal);
      revoked.sweep(machine.now());
    }
  };

  void keepHouse();
  void follow(
    settings,
    machine,
    keys,
    {
      confirm(steady, wall) {
        const first = confirmed === undefined;
        confirmed = { steady, wall };
        if (first) keepWatch();
        becomeReady();
      },
      take: hear,
      live(failure) {
        live = failure === undefined;
        lastFailure = failure;
      },
    },
    closed.signal,
  );

  return {
    ready: () => becameReady,

    async verify(token) {
      const unverified = parse(token);
      if (unverified.typ !== TYPE) throw new Refusal('token_type');
      const key = unverified.kid === undefined ? undefined : await keys.find(unverified.kid, 'token');
      if (!key) throw new Refusal('token_key');
      const all = readObject(await payload(unverified, key));
      const { issuer, audiences, longest } = settings;
      return hold(judge(all, { issuer, audiences, longest, now: machine.now() }));
    },

    stillValid: (claims) => refusal(claims) === undefined,

    watch: (claims, ended) => connected.enter(hold(claims), ended),

    status: () => ({
      confirmed: isConfirmed(),
      connected: live,
      revocations: revoked.size,
      connections: connected.size,
      lastFailure,
    }),

    close() {
      closed.abort();
      cancelEnd();
      // Nobody listens for them any more, so they cannot stay.
      endAll();
    },
  };
}
