// Server-sent events, read piece by piece (HTML Living Standard 9.2.6).

/** The longest message read. A security event token has less than two thousand characters. */
const MAX_MESSAGE = 64 * 1024;

/** A message. */
export interface Message {
  /** What to go on after, if the message says so. */
  id?: string;
  /** What it is. */
  event: string;
  /** What it says. */
  data: string;
}

/** Takes a stream apart. */
export class Reader {
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  #line = '';
  #size = 0;
  #afterCr = false;
  #message: Message | undefined;

  /** Takes the next piece and hands on the messages that it completes. */
  take(piece: Uint8Array): Message[] {
    const done: Message[] = [];
    // Halves of a CRLF may come apart.
    for (const part of this.#decoder.decode(piece, { stream: true }).split(/(\r\n|\n|\r)/)) {
      if (part === '') continue;
      const ending = part === '\n' || part === '\r' || part === '\r\n';
      const rest = this.#afterCr && part === '\n';
      this.#afterCr = part === '\r';
      if (rest) continue;
      if (!ending) {
        this.#size += part.length;
        if (this.#size > MAX_MESSAGE) throw new Error('not a stream of events');
        this.#line += part;
      } else {
        const message = this.#endLine();
        if (message) done.push(message);
      }
    }
    return done;
  }

  /** Whether everything that came has been handed on. */
  get isBetween(): boolean {
    return this.#line === '' && this.#message === undefined;
  }

  #endLine(): Message | undefined {
    const line = this.#line;
    this.#line = '';
    if (line === '') {
      const message = this.#message;
      this.#message = undefined;
      this.#size = 0;
      return message;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'id' || name === 'event' || name === 'data') {
      this.#message ??= { event: '', data: '' };
      const before = this.#message.data;
      this.#message[name] = name === 'data' && before !== '' ? `${before}\n${value}` : value;
    } else if (name === '') {
      // A comment needs no room once it was read.
      this.#size -= line.length;
    }
    return undefined;
  }
}
