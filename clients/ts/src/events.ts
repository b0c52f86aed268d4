// Callbacks by name.

import type { Events } from './types.js';

type Callback<K extends keyof Events> = (event: Events[K]) => void;

/** Calls back whoever listens. */
export class Emitter {
  readonly #listening: { [K in keyof Events]?: Set<Callback<K>> } = {};

  /** Listens; the answer ends it. */
  on<K extends keyof Events>(name: K, callback: Callback<K>): () => void {
    const all: Set<Callback<K>> = (this.#listening[name] ??= new Set() as never);
    all.add(callback);
    return () => all.delete(callback);
  }

  emit<K extends keyof Events>(name: K, event: Events[K]): void {
    for (const callback of this.#listening[name] ?? []) {
      try {
        callback(event);
      } catch (failure) {
        // A callback that fails is not ours to hide, nor may it stop the others.
        queueMicrotask(() => {
          throw failure;
        });
      }
    }
  }
}
