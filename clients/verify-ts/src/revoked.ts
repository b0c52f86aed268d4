// What was revoked, for as long as a token that it concerns could still count, in memory that does not grow beyond a limit.

import { LEEWAY } from './claims.js';
import type { Code } from './refusal.js';
import type { Event } from './set.js';

/** No fewer are worth a search for old ones. */
const FEW = 1024;
/** A Map of V8 holds some more. */
export const MOST = 16_000_000;

/** Session, subject and moment of a token. */
export interface Concerned {
  readonly sid: string;
  readonly sub: string;
  readonly issuedAt: number;
}

/** The revocations. Moments are kept in seconds, which is what `iat` counts in. */
export class Revoked {
  /** When sessions ended: all of their tokens are refused. */
  readonly #sessions = new Map<string, number>();
  /** When something about subjects changed: the tokens of before are refused. */
  readonly #subjects = new Map<string, number>();
  readonly #keep: number;
  /** Tokens made up to this moment are refused, whosesoever they are: more was revoked than there is room for. */
  #floor: number | undefined;
  #lookAt = FEW;

  /** Room for `capacity` of them, of tokens that live `longest` milliseconds at most. */
  constructor(
    readonly capacity: number,
    longest: number,
  ) {
    this.#keep = longest + LEEWAY;
  }

  get size(): number {
    return this.#sessions.size + this.#subjects.size;
  }

  /** Takes in an event; says whether it was one too many, so that everybody is concerned. */
  add({ kind, id, at: moment }: Event, now: number): boolean {
    const at = Math.floor(moment / 1000);
    if (this.#isOver(at, now)) return false;
    const marks = kind === 'session' ? this.#sessions : this.#subjects;
    const known = marks.get(id);
    if (known === undefined) {
      const full = this.size >= this.capacity;
      if (full || this.size >= this.#lookAt) this.sweep(now);
      // Little room is none: looking through all of them for each new one would keep everybody waiting.
      if (full && this.size + Math.floor(this.capacity / 16) >= this.capacity) {
        this.#raiseFloor(at);
        return true;
      }
    }
    marks.set(id, Math.max(known ?? at, at));
    return false;
  }

  /** Never forgets one early: refuses the tokens of everybody up to now, so that none of the marks is needed any more. */
  #raiseFloor(at: number): void {
    let last = at;
    for (const marks of [this.#sessions, this.#subjects]) {
      for (const mark of marks.values()) last = Math.max(last, mark);
      marks.clear();
    }
    // Nodes whose clocks differ made tokens of these sessions that are younger than the end of the session.
    this.#floor = Math.max(this.#floor ?? 0, last * 1000 + LEEWAY);
  }

  /** Why a token is refused, if it is. */
  refuses({ sid, sub, issuedAt }: Concerned): Code | undefined {
    if (this.#sessions.has(sid)) return 'session_revoked';
    const changed = this.#subjects.get(sub);
    // The request that changed something may have made a token of the same second, with what holds now.
    const isOlder = changed !== undefined && Math.floor(issuedAt / 1000) < changed;
    const isBelow = this.#floor !== undefined && issuedAt <= this.#floor;
    return isOlder || isBelow ? 'token_superseded' : undefined;
  }

  /** Forgets what concerns no token any more. */
  sweep(now: number): void {
    for (const marks of [this.#sessions, this.#subjects]) {
      for (const [id, at] of marks) if (this.#isOver(at, now)) marks.delete(id);
    }
    if (this.#floor !== undefined && this.#floor + this.#keep <= now) this.#floor = undefined;
    this.#lookAt = Math.max(2 * this.size, FEW);
  }

  #isOver(at: number, now: number): boolean {
    return at * 1000 + this.#keep <= now;
  }
}
