// Where the session lies: shared by the tabs of one origin if that is allowed, else in memory.

import type { Identity, Options, Store } from './types.js';

/** What is kept of a session. */
export interface Kept {
  readonly session: string;
  readonly identity: Identity;
  readonly access: string;
  readonly refresh: string;
  /** Of the access token, in the server's time. */
  readonly expiresAt: number;
  /** From its issue to its end. */
  readonly life: number;
  readonly endsAt: number;
  /** How far the server's clock is ahead. */
  readonly offset: number;
}

/** A session that is over leaves its name and why, so that every tab can say so. */
export interface Over {
  readonly session: string;
  readonly over: string;
}

export const isKept = (entry: Kept | Over | null): entry is Kept => entry !== null && 'refresh' in entry;

/** A store that nobody shares. */
export function memory(): Store {
  const held = new Map<string, string>();
  return {
    getItem: (name) => held.get(name) ?? null,
    setItem: (name, value) => void held.set(name, value),
    removeItem: (name) => void held.delete(name),
  };
}

/** The store to use, and whether other tabs see it. */
export function choose(wanted: Options['storage']): { store: Store; shared: boolean } {
  if (typeof wanted === 'object') return { store: wanted, shared: true };
  if (wanted !== 'memory') {
    try {
      // Reading the property throws where a frame of another site may keep nothing.
      const store = localStorage;
      const probe = 'ringfence:probe';
      store.setItem(probe, probe);
      store.removeItem(probe);
      return { store, shared: true };
    } catch {
      // Memory it is.
    }
  }
  return { store: memory(), shared: false };
}

/** The entry of one application in a store. */
export class Entry {
  readonly #store: Store;
  readonly #name: string;

  constructor(store: Store, name: string) {
    this.#store = store;
    this.#name = name;
  }

  read(): Kept | Over | null {
    try {
      return JSON.parse(this.#store.getItem(this.#name) ?? 'null') as Kept | Over | null;
    } catch {
      return null;
    }
  }

  write(entry: Kept | Over): void {
    this.#store.setItem(this.#name, JSON.stringify(entry));
  }
}
