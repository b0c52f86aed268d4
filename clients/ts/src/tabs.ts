// The tabs of one origin: one is elected, all hear of changes.

import type { Store } from './types.js';

const LEASE = 5_000;

/** The tabs that share a store. */
export class Tabs {
  /** Whether this tab renews for all. */
  elected = false;
  readonly #name: string;
  readonly #store: Store;
  readonly #shared: boolean;
  readonly #told: (elected: boolean) => void;
  readonly #me = crypto.randomUUID();
  readonly #end = new AbortController();
  #channel: BroadcastChannel | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #release = (): void => {};

  constructor(name: string, store: Store, shared: boolean, changed: () => void, told: (elected: boolean) => void) {
    this.#name = name;
    this.#store = store;
    this.#shared = shared;
    this.#told = told;
    if (!shared) {
      this.#elect(true);
      return;
    }
    const { signal } = this.#end;
    globalThis.addEventListener?.('storage', (event) => event.key === name && changed(), { signal });
    try {
      this.#channel = new BroadcastChannel(name);
      this.#channel.onmessage = changed;
    } catch {
      // The store's own events must do.
    }
    if (globalThis.navigator?.locks) {
      this.#stand(false);
    } else {
      this.#lease();
      this.#timer = setInterval(() => this.#lease(), LEASE / 3);
    }
  }

  /** Tells the others that the entry changed. */
  tell(): void {
    this.#channel?.postMessage(null);
  }

  /** Takes over from an elected tab that did not do its work: it may be frozen. */
  depose(): void {
    if (!this.elected && this.#shared && globalThis.navigator?.locks) this.#stand(true);
  }

  /** Runs `work` while no other tab does. A tab that hangs in it is not waited for long. */
  async alone<T>(work: () => Promise<T>, patience = 3_000): Promise<T> {
    if (!this.#shared || !globalThis.navigator?.locks) return work();
    let begun = false;
    try {
      return await navigator.locks.request(`${this.#name}:renew`, { signal: AbortSignal.timeout(patience) }, () => {
        begun = true;
        return work();
      });
    } catch (failure) {
      if (begun) throw failure;
      return work();
    }
  }

  close(): void {
    this.#end.abort();
    this.#channel?.close();
    clearInterval(this.#timer);
    this.#release();
    if (!globalThis.navigator?.locks && this.elected && this.#shared) this.#store.removeItem(`${this.#name}:lease`);
  }

  #elect(elected: boolean): void {
    if (this.elected === elected) return;
    this.elected = elected;
    this.#told(elected);
  }

  /** Stands for election: holds the lock until the tab ends, or another takes it. */
  #stand(steal: boolean): void {
    const options = steal ? { steal } : { signal: this.#end.signal };
    navigator.locks
      .request(`${this.#name}:elected`, options, () => {
        this.#elect(true);
        return new Promise<void>((resolve) => {
          this.#release = resolve;
        });
      })
      .catch(() => {
        this.#elect(false);
        if (!this.#end.signal.aborted) this.#stand(false);
      });
  }

  /** Where there are no locks: whoever wrote last, for a while. Two who believe so for a moment do no harm. */
  #lease(): void {
    const name = `${this.#name}:lease`;
    const [holder, until] = (this.#store.getItem(name) ?? '').split(' ');
    const free = holder === this.#me || !(Number(until) > Date.now());
    if (free) this.#store.setItem(name, `${this.#me} ${Date.now() + LEASE}`);
    this.#elect(free);
  }
}
