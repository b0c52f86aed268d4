// Connections that are open on a token: each hears once that it has to end.

import type { Claims } from './claims.js';
import type { Machine } from './machine.js';
import type { Code } from './refusal.js';
import type { Event } from './set.js';

/** Timers are looked at so often, in milliseconds, because the wall clock may be set. */
const NAP = 60_000;

/** A connection that has to end, and why. */
export interface Ended {
  /** Its subject. */
  readonly sub: string;
  /** Its session. */
  readonly sid: string;
  /** What its token would be refused for now. */
  readonly reason: Code;
}

interface Entry {
  readonly claims: Claims;
  readonly end: (reason: Code) => void;
}

type Judge = (claims: Claims) => Code | undefined;

/** Everybody who is connected here. */
export class Connected {
  readonly #all = new Set<Entry>();
  readonly #by = { session: new Map<string, Set<Entry>>(), subject: new Map<string, Set<Entry>>() };
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Enters a connection; the answer lets go of it. */
  enter(claims: Claims, callback: (ended: Ended) => void): () => void {
    let cancel = () => {};
    const leave = () => {
      cancel();
      if (!this.#all.delete(entry)) return false;
      this.#leave('session', claims.sid, entry);
      this.#leave('subject', claims.sub, entry);
      return true;
    };
    const end = (reason: Code) => {
      if (leave()) callback({ sub: claims.sub, sid: claims.sid, reason });
    };
    const entry: Entry = { claims, end };
    const arm = () => {
      const left = claims.expiresAt - this.#machine.now();
      if (left <= 0) end('token_expired');
      else cancel = this.#machine.after(Math.min(left, NAP), arm);
    };
    this.#all.add(entry);
    this.#enter('session', claims.sid, entry);
    this.#enter('subject', claims.sub, entry);
    arm();
    return () => void leave();
  }

  #enter(kind: Event['kind'], id: string, entry: Entry): void {
    const entries = this.#by[kind].get(id);
    if (entries) entries.add(entry);
    else this.#by[kind].set(id, new Set([entry]));
  }

  #leave(kind: Event['kind'], id: string, entry: Entry): void {
    const entries = this.#by[kind].get(id);
    entries?.delete(entry);
    if (entries?.size === 0) this.#by[kind].delete(id);
  }

  /** Tells those that an event may concern and that `judge` has a reason for. */
  tell({ kind, id }: Event, judge: Judge): void {
    tellEach(this.#by[kind].get(id) ?? [], judge);
  }

  /** Tells all that `judge` has a reason for. */
  tellAll(judge: Judge): void {
    tellEach(this.#all, judge);
  }
}

function tellEach(entries: Iterable<Entry>, judge: Judge): void {
  // A copy: they leave as they are told.
  for (const { claims, end } of [...entries]) {
    const reason = judge(claims);
    if (reason === undefined) continue;
    try {
      end(reason);
    } catch (failure) {
      // A callback that fails is not ours to hide, nor may it keep the others connected.
      queueMicrotask(() => {
        throw failure;
      });
    }
  }
}
