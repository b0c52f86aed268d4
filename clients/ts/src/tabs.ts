// The tabs of one origin: one is elected, all hear of changes.

import type { Store } from './types.js';

const LEASE = 5_000;

/** The tabs that share a store. */
export interface Tabs {
  /** Whether this tab renews for all. */
  elected(): boolean;
  /** Tells the others that the entry changed. */
  tell(): void;
  /** Takes over from an elected tab that did not do its work: it may be frozen. */
  depose(): void;
  /** Runs `work` while no other tab does. A tab that hangs in it is not waited for long. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  close(): void;
}

/** Joins the other tabs: `changed` is called when one of them changed the entry, `told` when this one is elected or deposed. */
export function joinTabs(
  name: string,
  store: Store,
  shared: boolean,
  changed: () => void,
  told: (elected: boolean) => void,
): Tabs {
  const locks = shared ? globalThis.navigator?.locks : undefined;
  const me = crypto.randomUUID();
  const end = new AbortController();
  const { signal } = end;
  const lease = `${name}:lease`;
  let elected = false;
  let channel: BroadcastChannel | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;

  const elect = (now: boolean): void => {
    if (elected === now) return;
    elected = now;
    told(now);
  };

  /** Stands for election: holds the lock until the tab ends, or another takes it. */
  const stand = (steal: boolean): void => {
    const until = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    const hold = (): Promise<void> => {
      if (!signal.aborted) elect(true);
      return until;
    };
    locks?.request(`${name}:elected`, steal ? { steal } : { signal }, hold).catch(() => {
      elect(false);
      if (!signal.aborted) stand(false);
    });
  };

  /** Where there are no locks: whoever wrote last, for a while. Two who believe so for a moment do no harm. */
  const hold = (): void => {
    const [holder, until] = (store.getItem(lease) ?? '').split(' ');
    const free = holder === me || !(Number(until) > Date.now());
    if (free) store.setItem(lease, `${me} ${Date.now() + LEASE}`);
    elect(free);
  };

  if (!shared) {
    elect(true);
  } else {
    globalThis.addEventListener?.('storage', ({ key }) => key === name && changed(), { signal });
    try {
      channel = new BroadcastChannel(name);
      channel.onmessage = changed;
    } catch {
      // The store's own events must do.
    }
    if (locks) {
      stand(false);
    } else {
      hold();
      timer = setInterval(hold, LEASE / 3);
    }
  }

  return {
    elected: () => elected,
    tell: () => channel?.postMessage(0),
    depose() {
      if (!elected) stand(true);
    },
    async alone(work) {
      if (!locks) return work();
      let begun = false;
      try {
        return await locks.request(`${name}:renew`, { signal: AbortSignal.timeout(3_000) }, () => {
          begun = true;
          return work();
        });
      } catch (failure) {
        if (begun) throw failure;
        return work();
      }
    },
    close() {
      end.abort();
      channel?.close();
      clearInterval(timer);
      if (timer && elected) store.removeItem(lease);
    },
  };
}
