// The session and its tokens: read, renewed before their end by one tab for all, ended.

import { RingfenceError } from './error.js';
import type { Emitter } from './events.js';
import { isKept, type Entry, type Kept, type Over } from './store.js';
import type { Tabs } from './tabs.js';
import { backoff, Jumps, NAP, offset, renewAt } from './time.js';
import type { Identity, Session } from './types.js';

/** A clock that was put back so far is asked about. */
const NOTABLE = 5_000;
const PATIENCE = 15_000;

/** Tokens as the server answers them. */
export interface Tokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token: string;
  readonly session_expires_in: number;
  readonly session_id: string;
  readonly identity: Identity;
  readonly server_time: string;
}

/** An answer, and when it was asked for and came. */
interface Answer<T> {
  readonly body: T;
  readonly asked: number;
  readonly answered: number;
}

/** Keeps one session. */
export class Keeper {
  /** Set after construction: the tabs call back. */
  tabs!: Tabs;
  readonly #url: string;
  readonly #entry: Entry;
  readonly #events: Emitter;
  readonly #changed: () => void;
  readonly #jumps = new Jumps(Date.now(), performance.now());
  #kept: Kept | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing: Promise<void> | undefined;
  #closed = false;

  constructor(url: string, entry: Entry, events: Emitter, changed: () => void) {
    this.#url = url;
    this.#entry = entry;
    this.#events = events;
    this.#changed = changed;
    const found = entry.read();
    if (isKept(found)) this.#kept = found;
  }

  get kept(): Kept | null {
    return this.#kept;
  }

  /** For so many milliseconds the access token is good, by the server's clock. */
  get left(): number {
    return this.#kept ? this.#kept.expiresAt - this.#now() : 0;
  }

  #now(): number {
    return Date.now() + (this.#kept?.offset ?? 0);
  }

  /** Asks the server. */
  async ask<T>(method: string, path: string, body?: object, token?: string): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (body) headers['content-type'] = 'application/json';
    if (token) headers['authorization'] = `Bearer ${token}`;
    const asked = Date.now();
    let answer: Response;
    try {
      answer = await fetch(this.#url + path, {
        method,
        headers,
        body: body ? JSON.stringify(body) : null,
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE),
      });
      const answered = Date.now();
      const text = await answer.text();
      if (answer.ok) return { body: (text ? JSON.parse(text) : null) as T, asked, answered };
      const details = JSON.parse(text) as Record<string, unknown>;
      const after = Number(answer.headers.get('retry-after'));
      throw new RingfenceError(String(details['code']), answer.status, after ? { ...details, after } : details);
    } catch (failure) {
      if (failure instanceof RingfenceError) throw failure;
      // Neither a network that fails nor a proxy that answers with a page says anything about the session.
      throw new RingfenceError('unreachable');
    }
  }

  /** Asks the server as the session; once more with a new token when the old one was too old. */
  async askAs<T>(method: string, path: string, body?: object): Promise<Answer<T>> {
    try {
      return await this.ask<T>(method, path, body, await this.token());
    } catch (failure) {
      if (!(failure instanceof RingfenceError) || failure.code !== 'token_expired') throw failure;
      await this.renew();
      return this.ask<T>(method, path, body, await this.token());
    }
  }

  /** An access token that is good for a while. */
  async token(): Promise<string> {
    this.look();
    if (this.#kept && this.left < 1_000) await this.renew();
    if (!this.#kept) throw new RingfenceError('no_session');
    return this.#kept.access;
  }

  session(): Session | null {
    const kept = this.#kept;
    if (!kept) return null;
    return {
      id: kept.session,
      identity: kept.identity,
      accessToken: kept.access,
      expiresAt: kept.expiresAt,
      endsAt: kept.endsAt,
    };
  }

  /** Keeps what the server answered. */
  keep({ body, asked, answered }: Answer<Tokens>): void {
    const serverTime = Date.parse(body.server_time);
    const life = body.expires_in * 1000;
    this.#entry.write({
      session: body.session_id,
      identity: body.identity,
      access: body.access_token,
      refresh: body.refresh_token,
      expiresAt: serverTime + life,
      life,
      endsAt: serverTime + body.session_expires_in * 1000,
      offset: offset(serverTime, asked, answered),
    });
    this.tabs.tell();
    this.look();
  }

  /** Forgets the session and says why; the other tabs read it. */
  end(reason: string): void {
    if (!this.#kept) return;
    this.#entry.write({ session: this.#kept.session, over: reason });
    this.tabs.tell();
    this.look();
  }

  /** Looks at what is stored, which another tab may have changed. */
  look(): void {
    const found: Kept | Over | null = this.#entry.read();
    const before = this.#kept;
    if (isKept(found)) {
      if (found.access === before?.access) return;
      this.#kept = found;
      this.#arm();
      const session = this.session();
      if (session) this.#events.emit('update', session);
      this.#changed();
    } else if (before) {
      this.#kept = null;
      this.#arm();
      this.#events.emit('revoke', { reason: found?.over ?? 'signed_out' });
      this.#changed();
    }
  }

  /** After sleep, in a new tab, on a network that is back: does what is due. */
  check(): void {
    if (this.#closed) return;
    this.look();
    const jump = this.#jumps.look(Date.now(), performance.now());
    const kept = this.#kept;
    if (kept) {
      const due = renewAt(kept.expiresAt, kept.life, this.tabs.elected) <= this.#now();
      // A clock that was put back makes an old token look young.
      if (due || jump < -NOTABLE) {
        if (!this.tabs.elected) this.tabs.depose();
        this.renew().catch(() => {});
      }
    }
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const kept = this.#kept;
    if (!kept || this.#closed) return;
    const wait = renewAt(kept.expiresAt, kept.life, this.tabs.elected) - this.#now();
    this.#timer = setTimeout(() => this.check(), Math.min(Math.max(wait, this.#renewing ? 1_000 : 0), NAP));
  }

  /** New tokens, by this tab or by another. Tries until it has them, or the session is over. */
  renew(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined;
      this.#arm();
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const old = this.#kept?.access;
    for (let attempt = 0; !this.#closed && this.#kept?.access === old && this.#kept; attempt += 1) {
      const wait = await this.tabs.alone(() => this.#once(old));
      if (wait === null) return;
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, backoff(attempt))));
      this.look();
    }
    if (!this.#kept) throw new RingfenceError('no_session');
  }

  /** One attempt, always with the newest token that there is: the server answers it alike if its answer got lost. Null when
   * it is settled, else the least wait before the next. */
  async #once(old: string | undefined): Promise<number | null> {
    this.look();
    const kept = this.#kept;
    if (!kept || kept.access !== old) return null;
    try {
      this.keep(await this.ask<Tokens>('POST', '/api/v1/refresh', { refresh_token: kept.refresh }));
      return null;
    } catch (failure) {
      if (!(failure instanceof RingfenceError)) throw failure;
      if (failure.transient) return Number(failure.details['after'] ?? 0) * 1000;
      this.look();
      // Another tab may have had it renewed meanwhile.
      if (this.#kept?.refresh === kept.refresh) this.end(failure.code);
      return null;
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }
}
