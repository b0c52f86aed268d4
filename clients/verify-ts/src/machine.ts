// What the verifier needs of the world: clocks, timers, chance and a way to ask. Tests bring theirs.

/** Clocks, timers, chance and `fetch`. */
export interface Machine {
  /** The wall clock, in milliseconds since 1970: by it tokens end. */
  now(): number;
  /** A clock that nobody sets, in milliseconds: by it silence is measured. */
  steady(): number;
  /** Calls back after so many milliseconds; the answer prevents it. */
  after(span: number, callback: () => void): () => void;
  /** A number in [0, 1), another one each time. */
  chance(): number;
  /** Asks the server. */
  fetch(url: string, options: { headers: Record<string, string>; redirect: 'error'; signal: AbortSignal }): Promise<Answer>;
}

/** The part of an answer that is used. */
export interface Answer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** The machine that this runs on. */
export const system: Machine = {
  now: () => Date.now(),
  steady: () => performance.now(),
  after(span, callback) {
    const timer = setTimeout(callback, span);
    return () => clearTimeout(timer);
  },
  chance: () => Math.random(),
  fetch: (url, options) => fetch(url, options) as Promise<Answer>,
};

/** Waits, unless `signal` says otherwise. */
export function sleep(machine: Machine, span: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = machine.after(span, wake);
    signal.addEventListener('abort', wake, { once: true });
    if (signal.aborted) wake();
  });
}

/** A machine whose wall clock goes by the steady one from the latest that it ever was: setting it back prolongs nothing.
 *
 * One that was set forward by mistake stays there. Revocations that were forgotten by it concern tokens that have ended by it. */
export function onward(machine: Machine): Machine {
  let ahead = 0;
  return {
    now() {
      ahead = Math.max(ahead, machine.now() - machine.steady());
      return machine.steady() + ahead;
    },
    steady: () => machine.steady(),
    after: (span, callback) => machine.after(span, callback),
    chance: () => machine.chance(),
    fetch: (url, options) => machine.fetch(url, options),
  };
}
