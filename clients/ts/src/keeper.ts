// The session and its tokens: read, renewed before their end by one tab for all, ended.

import { RingfenceError } from './error.js';
import type { Emitter } from './events.js';
import { isKept, type Entry, type Kept } from './store.js';
import type { Tabs } from './tabs.js';
import { backoff, jumps, NAP, offset, renewAt } from './time.js';
import type { Identity, Session } from './types.js';

/** A clock that was put back so far is not believed. */
const NOTABLE = 5_000;
/** Time to answer. */
const PATIENCE = 10_000;
/** A token that ends sooner is not handed out. */
const SOON = 1_000;

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
export interface Keeper {
  readonly kept: Kept | null;
  session(): Session | null;
  /** For so many milliseconds the access token is good, by the server's clock. */
  left(): number;
  /** Asks the server. */
  ask<T>(path: string, body: object, token?: string): Promise<Answer<T>>;
  /** Asks the server as the session; once more with a new token when the old one was too old. */
  askAs<T>(path: string, body: object): Promise<Answer<T>>;
  /** An access token that is good for a while. */
  token(): Promise<string>;
  /** Keeps what the server answered. */
  keep(answer: Answer<Tokens>): void;
  /** Forgets the session and says why; the other tabs read it. */
  end(reason: string): void;
  /** Looks at what is stored, which another tab may have changed. */
  look(): void;
  /** After sleep, in a new tab, on a network that is back: does what is due. */
  check(): void;
  /** New tokens, by this tab or by another. Tries until it has them, or the session is over. */
  renew(): Promise<void>;
  close(): void;
}

/** The keeper of what lies in `entry`; calls `changed` when it is another. `tabs` are asked late: they call back, too. */
export function keepSession(
  url: string,
  entry: Entry,
  events: Emitter,
  tabs: () => Tabs,
  changed: () => void,
): Keeper {
  const jumped = jumps(Date.now(), performance.now());
  const found = entry.read();
  let kept = isKept(found) ? found : null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let renewing: Promise<void> | undefined;
  let closed = false;

  const now = (): number => Date.now() + (kept?.offset ?? 0);
  const left = (): number => (kept ? kept.expiresAt - now() : 0);
  const due = (of: Kept): number => renewAt(of.expiresAt, of.life, tabs().elected()) - now();

  const arm = (): void => {
    clearTimeout(timer);
    if (kept && !closed) timer = setTimeout(check, Math.min(Math.max(due(kept), renewing ? SOON : 0), NAP));
  };

  const session = (): Session | null =>
    kept && {
      id: kept.session,
      identity: kept.identity,
      accessToken: kept.access,
      expiresAt: kept.expiresAt,
      endsAt: kept.endsAt,
    };

  function look(): void {
    const found = entry.read();
    const before = kept;
    if (isKept(found) ? found.access === before?.access : !before) return;
    kept = isKept(found) ? found : null;
    arm();
    const current = session();
    if (current) events.emit('update', current);
    else events.emit('revoke', { reason: (found && 'over' in found && found.over) || 'signed_out' });
    changed();
  }

  const write = (next: Parameters<Entry['write']>[0]): void => {
    entry.write(next);
    tabs().tell();
    look();
  };

  async function ask<T>(path: string, body: object, token?: string): Promise<Answer<T>> {
    const form = body instanceof URLSearchParams;
    const headers: Record<string, string> = {};
    if (!form) headers['content-type'] = 'application/json';
    if (token) headers['authorization'] = `Bearer ${token}`;
    const asked = Date.now();
    try {
      const answer = await fetch(`${url}/api/v1/${path}`, {
        method: 'POST',
        headers,
        body: form ? body : JSON.stringify(body),
        credentials: 'omit',
        cache: 'no-store',
        signal: AbortSignal.timeout(PATIENCE),
      });
      const answered = Date.now();
      const text = await answer.text();
      if (answer.ok) return { body: (text ? JSON.parse(text) : null) as T, asked, answered };
      const details = JSON.parse(text) as Record<string, unknown>;
      const after = Number(answer.headers.get('retry-after'));
      throw new RingfenceError(String(details['code']), answer.status, { ...details, after });
    } catch (failure) {
      // Neither a network that fails nor a proxy that answers with a page says anything about the session.
      throw failure instanceof RingfenceError ? failure : new RingfenceError('unreachable');
    }
  }

  async function token(): Promise<string> {
    look();
    if (kept && left() < SOON) await renew();
    if (!kept) throw new RingfenceError('no_session');
    return kept.access;
  }

  const keep = ({ body, asked, answered }: Answer<Tokens>): void => {
    const serverTime = Date.parse(body.server_time);
    const life = body.expires_in * 1000;
    write({
      session: body.session_id,
      identity: body.identity,
      access: body.access_token,
      refresh: body.refresh_token,
      expiresAt: serverTime + life,
      life,
      endsAt: serverTime + body.session_expires_in * 1000,
      offset: offset(serverTime, asked, answered),
    });
  };

  const end = (reason: string): void => {
    if (kept) write({ session: kept.session, over: reason });
  };

  function check(): void {
    if (closed) return;
    look();
    // A clock that was put back makes an old token look young.
    const back = jumped(Date.now(), performance.now()) < -NOTABLE;
    if (kept && (back || due(kept) <= 0)) {
      tabs().depose();
      void renew().catch(() => {});
    }
    arm();
  }

  function renew(): Promise<void> {
    renewing ??= attempts().finally(() => {
      renewing = undefined;
      arm();
    });
    return renewing;
  }

  async function attempts(): Promise<void> {
    const old = kept?.access;
    for (let attempt = 0; kept && kept.access === old && !closed; attempt += 1) {
      const wait = await tabs().alone(() => once(old));
      if (wait === null) break;
      await new Promise((resolve) => setTimeout(resolve, Math.max(wait, backoff(attempt))));
      look();
    }
    if (!kept) throw new RingfenceError('no_session');
  }

  /** One attempt, always with the newest token that there is: the server answers it alike if its answer got lost. Null when
   * it is settled, else the least wait before the next. */
  async function once(old: string | undefined): Promise<number | null> {
    look();
    const own = kept;
    if (!own || own.access !== old) return null;
    try {
      keep(await ask<Tokens>('refresh', { refresh_token: own.refresh }));
    } catch (failure) {
      const { transient, details, code } = failure as RingfenceError;
      if (transient) return Number(details['after'] ?? 0) * 1000;
      look();
      // Another tab may have had it renewed meanwhile.
      if (kept?.refresh === own.refresh) end(code);
    }
    return null;
  }

  return {
    get kept() {
      return kept;
    },
    session,
    left,
    ask,
    async askAs(path, body) {
      try {
        return await ask(path, body, await token());
      } catch (failure) {
        if ((failure as RingfenceError).code !== 'token_expired') throw failure;
        await renew();
        return ask(path, body, await token());
      }
    },
    token,
    keep,
    end,
    look,
    check,
    renew,
    close() {
      closed = true;
      clearTimeout(timer);
    },
  };
}
