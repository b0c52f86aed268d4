// The open connection: kept while there is a session, on the newest token, until the server says stop.

import { RingfenceError } from './error.js';
import type { Emitter } from './events.js';
import type { Keeper } from './keeper.js';
import { backoff } from './time.js';
import type { ConnectionState, Presence } from './types.js';

type Action = 'retry' | 'refresh' | 'stop';

/** What the server says, see docs/socket.md. */
interface Frame {
  readonly type: string;
  readonly seq: number;
  readonly id?: string;
  readonly code?: string | number;
  readonly reason?: string;
  readonly action?: Action;
  readonly after_ms?: number;
  readonly session?: string;
  readonly seconds_left?: number;
  readonly resume?: { readonly ticket: string; readonly expires_in: number };
  readonly identities?: readonly Presence[];
  readonly [member: string]: unknown;
}

/** Time to be let in, and to answer. */
const PATIENCE = 10_000;
/** Time between our pings. */
const BEAT = 20_000;
/** A connection that was open so long starts its waits anew. */
const STEADY = 10_000;

/** What a close code means where the server could not say it in a frame (docs/socket.md). */
export function meaning(code: number): Action {
  if (code === 4401) return 'refresh';
  return code === 4403 || code === 4409 || code === 4410 || code === 1008 ? 'stop' : 'retry';
}

/** Reasons for a stop that say that the whole session is over. Others are about this connection. */
const OVER = ['session_revoked', 'identity_suspended', 'disabled', 'signed_out'];

export class Connection {
  #state: ConnectionState = { state: 'closed' };
  readonly #address: string;
  readonly #keeper: Keeper;
  readonly #events: Emitter;
  #wanted = false;
  #socket: WebSocket | undefined;
  #attempt = 0;
  #opened = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #beat: ReturnType<typeof setTimeout> | undefined;
  #ticket: { readonly text: string; readonly until: number } | undefined;
  /** The token that the server goes by here, and its session and owner. */
  #token = '';
  #session = '';
  #identity = '';
  #closing: Frame | undefined;
  #asked = 0;
  readonly #asking = new Map<string, (frame: Frame | null) => void>();

  constructor(url: string, application: string, keeper: Keeper, events: Emitter) {
    // The application's public name only: a token never stands in an address.
    this.#address = `${url.replace(/^http/, 'ws')}/api/v1/socket?application=${encodeURIComponent(application)}`;
    this.#keeper = keeper;
    this.#events = events;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Opens, and stays open. */
  connect(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    void this.#dial();
  }

  /** Closes, and stays closed. */
  disconnect(): void {
    this.#wanted = false;
    this.#ticket = undefined;
    this.#drop();
    this.#become({ state: 'closed' });
  }

  /** The session has other tokens, another owner, or is over. */
  changed(): void {
    const kept = this.#keeper.kept;
    if (!kept) {
      this.#ticket = undefined;
      this.#drop();
      if (this.#wanted) this.#become({ ...this.#state, state: 'closed' });
    } else if (this.#identity && this.#identity !== kept.identity.id) {
      // Nobody goes on as somebody else on an open connection.
      this.#ticket = undefined;
      this.#drop();
      void this.#dial();
    } else if (this.#state.state === 'open') {
      this.#update();
    } else if (!this.#socket) {
      void this.#dial();
    }
  }

  /** After sleep or on another network: is the connection still there? */
  check(): void {
    if (this.#state.state === 'open') this.#ping(PATIENCE / 2);
    else if (this.#state.state === 'waiting') void this.#dial();
  }

  /** Asks something; the answer bears the same name. */
  async ask(frame: object): Promise<Frame> {
    if (this.#state.state !== 'open') throw new RingfenceError('not_connected');
    this.#asked += 1;
    const id = String(this.#asked);
    const answer = await new Promise<Frame | null>((resolve) => {
      this.#asking.set(id, resolve);
      setTimeout(resolve, PATIENCE, null);
      this.#send({ ...frame, id });
    });
    this.#asking.delete(id);
    if (!answer) throw new RingfenceError('not_connected');
    if (answer.type === 'error' || answer.type === 'refused') throw new RingfenceError(String(answer.code), 400, answer);
    return answer;
  }

  #become(state: ConnectionState): void {
    const { state: before, code } = this.#state;
    this.#state = state;
    if (state.state !== before || state.code !== code) this.#events.emit('connection', state);
  }

  async #dial(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#wanted || this.#socket || !this.#keeper.kept) return;
    this.#become({ ...this.#state, state: 'connecting' });
    const ticket = this.#ticket && this.#ticket.until > Date.now() ? this.#ticket.text : undefined;
    // With a ticket the connection is back at once, and a token follows; without, the token comes first.
    if (this.#keeper.left < 1_000 && !ticket) {
      await this.#keeper.renew().catch(() => {});
      if (!this.#wanted || this.#socket || !this.#keeper.kept) return;
    }
    const { access, session, identity } = this.#keeper.kept;
    const resume = ticket && this.#keeper.left < 1_000;
    const socket = new WebSocket(this.#address);
    this.#socket = socket;
    this.#identity = identity.id;
    this.#session = session;
    this.#closing = undefined;
    this.#token = resume ? '' : access;
    socket.onopen = () => {
      // A ticket is good once, whether its answer comes or not.
      this.#ticket = undefined;
      this.#send(resume ? { type: 'resume', ticket } : { type: 'authenticate', token: access });
    };
    socket.onmessage = ({ data }) => socket === this.#socket && this.#hear(JSON.parse(String(data)) as Frame);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#closed(code, reason);
    this.#timer = setTimeout(() => this.#lost(), PATIENCE);
  }

  #send(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #hear(frame: Frame): void {
    if (this.#state.state === 'open') this.#rest();
    if (frame.resume) {
      this.#ticket = { text: frame.resume.ticket, until: Date.now() + frame.resume.expires_in * 1000 };
    }
    if (frame.id !== undefined) this.#asking.get(frame.id)?.(frame);
    switch (frame.type) {
      case 'ready':
        clearTimeout(this.#timer);
        this.#session = frame.session ?? this.#session;
        this.#opened = performance.now();
        this.#become({ state: 'open' });
        this.#rest();
        this.#update();
        break;
      case 'updated':
        this.#session = frame.session ?? this.#session;
        break;
      case 'refused':
        // The token was too old, or it is not for this connection: a new one decides.
        void this.#keeper.renew().catch(() => {});
        break;
      case 'expiring':
        this.#events.emit('warning', { secondsLeft: frame.seconds_left ?? 0, seq: frame.seq });
        void this.#keeper.renew().catch(() => {});
        break;
      case 'taken_over':
        this.#events.emit('takeover', { reason: 'taken_over' });
        break;
      case 'closing':
        this.#closing = frame;
        break;
      case 'ping':
        this.#send({ type: 'pong' });
        break;
    }
  }

  /** Has the connection go by the newest token. */
  #update(): void {
    const kept = this.#keeper.kept;
    if (!kept || kept.access === this.#token) return;
    if (this.#keeper.left < 1_000) {
      void this.#keeper.renew().catch(() => {});
      return;
    }
    this.#token = kept.access;
    this.#send({ type: 'token.update', token: kept.access });
  }

  /** Something was heard: a ping only after a silence. */
  #rest(): void {
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => this.#ping(PATIENCE), BEAT);
  }

  #ping(patience: number): void {
    this.#send({ type: 'ping' });
    clearTimeout(this.#beat);
    this.#beat = setTimeout(() => this.#lost(), patience);
  }

  /** Nobody is there any more. */
  #lost(): void {
    this.#drop();
    this.#again('retry', 0, 1006, 'lost');
  }

  /** Lets go of the socket without waiting for its end. */
  #drop(): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#beat);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#identity = '';
    socket?.close(1000);
    for (const settle of this.#asking.values()) settle(null);
  }

  #closed(code: number, text: string): void {
    const { action = meaning(code), reason = text, after_ms = 0 } = this.#closing ?? {};
    const session = this.#session;
    this.#drop();
    const current = this.#keeper.kept?.session === session;
    // Of a session that has given way to another one, as when a guest became a member.
    if (action === 'stop' && code === 4403 && !current) this.#again('retry', 0, code, reason);
    else this.#again(action, after_ms, code, reason);
  }

  #again(action: Action, after: number, code: number, reason: string): void {
    if (!this.#wanted) return;
    if (action === 'stop') {
      this.#wanted = false;
      this.#ticket = undefined;
      this.#become({ state: 'closed', code, reason });
      if (OVER.includes(reason)) this.#keeper.end(reason);
      return;
    }
    if (performance.now() - this.#opened > STEADY && this.#state.state === 'open') this.#attempt = 0;
    this.#become({ state: 'waiting', code, reason });
    const wait = after + (action === 'refresh' && !this.#attempt ? 0 : backoff(this.#attempt));
    this.#attempt += 1;
    if (action === 'refresh') void this.#keeper.renew().catch(() => {});
    this.#timer = setTimeout(() => void this.#dial(), wait);
  }
}
