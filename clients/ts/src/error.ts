// Refusals.

/** A refusal of the server, or `unreachable`. */
export class RingfenceError extends Error {
  override readonly name = 'RingfenceError';

  constructor(
    /** The stable code. */
    readonly code: string,
    /** The status of the answer; 0 when there was none. */
    readonly status = 0,
    /** The whole answer: `errors` says what is wrong with which member, `merge_ticket` comes with `address_taken`. */
    readonly details: Readonly<Record<string, unknown>> = {},
  ) {
    super(typeof details['title'] === 'string' ? details['title'] : code);
  }

  /** Whether the same may work later. */
  get transient(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}
