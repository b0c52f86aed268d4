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

/** An open connection. */
export interface Connection {
  state(): ConnectionState;
  /** Opens, and stays open. */
  connect(): void;
  /** Closes, and stays closed. */
  disconnect(): void;
  /** The session has other tokens, another owner, or is over. */
  changed(): void;
  /** After sleep or on another network: is it still there? */
  check(): void;
  /** Asks something; the answer bears the same name. */
  ask(frame: object): Promise<Frame>;
}

/** Time to be let in, and to answer. */
const PATIENCE = 10_000;
/** A silence after which we ask whether anybody is there. */
const SILENCE = 30_000;
/** A token that ends sooner is not worth showing. */
const SOON = 1_000;
/** Reasons for a stop that say that the whole session is over. Others are about this connection. */
const OVER = ['session_revoked', 'identity_suspended', 'disabled'];

/** What a close code means where the server could not say it in a frame. */
export function meaning(code: number): Action {
  if (code === 4401) return 'refresh';
  return [4403, 4409, 4410, 1008].includes(code) ? 'stop' : 'retry';
}

/** The connection of a keeper's session. Its state lies in the closure, where it is half as long as in a class. */
export function openConnection(url: string, application: string, keeper: Keeper, events: Emitter): Connection {
  // The application's public name only: a token never stands in an address.
  const address = `${url.replace(/^http/, 'ws')}/api/v1/socket?application=${encodeURIComponent(application)}`;
  const asking = new Map<string, (frame?: Frame) => void>();
  let state: ConnectionState = { state: 'closed' };
  let wanted = false;
  let dialling = false;
  let socket: WebSocket | undefined;
  let attempt = 0;
  let openedAt = 0;
  let asked = 0;
  /** The one thing that is waited for: to be let in, the next word, the next attempt. */
  let timer: ReturnType<typeof setTimeout> | undefined;
  let ticket: { readonly text: string; readonly until: number } | undefined;
  /** The token that the server goes by here, and its session and owner. */
  let token = '';
  let session = '';
  let owner = '';
  let goodbye: Frame | undefined;

  const wait = (then: () => void, time: number): void => {
    clearTimeout(timer);
    timer = setTimeout(then, time);
  };

  const become = (next: ConnectionState): void => {
    const before = state;
    state = next;
    if (next.state !== before.state || next.code !== before.code) events.emit('connection', next);
  };

  const send = (frame: object): void => {
    if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(frame));
  };

  const renew = (): Promise<void> => keeper.renew().catch(() => {});

  /** Lets go of the socket without waiting for its end. */
  const drop = (): void => {
    clearTimeout(timer);
    const old = socket;
    socket = undefined;
    owner = '';
    old?.close();
    for (const settle of asking.values()) settle();
  };

  const ping = (patience: number): void => {
    send({ type: 'ping' });
    wait(lost, patience);
  };

  /** Something was heard. */
  const rest = (): void => wait(() => ping(PATIENCE), SILENCE);

  /** Has the connection go by the newest token. */
  const update = (): void => {
    const { kept } = keeper;
    if (!kept || kept.access === token) return;
    if (keeper.left() < SOON) {
      void renew();
      return;
    }
    token = kept.access;
    send({ type: 'token.update', token });
  };

  async function dial(): Promise<void> {
    clearTimeout(timer);
    if (!wanted || dialling || socket || !keeper.kept) return;
    become({ ...state, state: 'connecting' });
    let resume = ticket && ticket.until > Date.now() ? ticket.text : undefined;
    if (keeper.left() >= SOON) {
      resume = undefined;
    } else if (!resume) {
      // With a ticket the connection is back at once, and a token follows; without, the token comes first.
      dialling = true;
      await renew();
      dialling = false;
    }
    if (!wanted || !keeper.kept) return;
    const { access } = keeper.kept;
    session = keeper.kept.session;
    owner = keeper.kept.identity.id;
    goodbye = undefined;
    token = resume ? '' : access;
    const opening = new WebSocket(address);
    socket = opening;
    opening.onopen = () => {
      // A ticket is good once, whether its answer comes or not.
      ticket = undefined;
      send(resume ? { type: 'resume', ticket: resume } : { type: 'authenticate', token: access });
    };
    opening.onmessage = ({ data }) => opening === socket && hear(JSON.parse(String(data)) as Frame);
    opening.onclose = ({ code, reason }) => opening === socket && closed(code, reason);
    wait(lost, PATIENCE);
  }

  function hear(frame: Frame): void {
    const { type, id, resume } = frame;
    if (resume) ticket = { text: resume.ticket, until: Date.now() + resume.expires_in * 1000 };
    if (id) asking.get(id)?.(frame);
    if (type === 'ready' || type === 'updated') session = frame.session ?? session;
    if (type === 'ready') {
      openedAt = performance.now();
      become({ state: 'open' });
      update();
    }
    if (type === 'expiring') warned(frame);
    // Whatever else was refused would be so again at once.
    if (type === 'refused' && frame.code === 'token_expired') void renew();
    if (type === 'taken_over') events.emit('takeover', { reason: type });
    if (type === 'closing') goodbye = frame;
    if (type === 'ping') send({ type: 'pong' });
    if (state.state === 'open') rest();
  }

  function warned({ seconds_left = 0, seq }: Frame): void {
    events.emit('warning', { secondsLeft: seconds_left, seq });
    // A token that lives shorter than the warning comes ahead is not renewed as soon as it is there.
    if (keeper.kept && seconds_left * 2000 < keeper.kept.life) void renew();
  }

  /** Nobody is there any more. */
  function lost(): void {
    drop();
    again('retry', 0, 1006, 'lost');
  }

  function closed(code: number, text: string): void {
    const { action = meaning(code), reason = text, after_ms = 0 } = goodbye ?? {};
    drop();
    // A ticket may be at fault alone, and a session may have given way to another: as when a guest became a member.
    const other = reason.startsWith('ticket_') || (code === 4403 && keeper.kept?.session !== session);
    again(other ? 'retry' : action, after_ms, code, reason);
  }

  function again(action: Action, after: number, code: number, reason: string): void {
    if (!wanted) return;
    if (action === 'stop') {
      wanted = false;
      ticket = undefined;
      become({ state: 'closed', code, reason });
      if (OVER.includes(reason)) keeper.end(reason);
      return;
    }
    // What was open for a while begins its waits anew.
    if (state.state === 'open' && performance.now() - openedAt > PATIENCE) attempt = 0;
    become({ state: 'waiting', code, reason });
    if (action === 'refresh') void renew();
    wait(() => void dial(), after + backoff(attempt));
    attempt += 1;
  }

  return {
    state: () => state,
    connect() {
      if (wanted) return;
      wanted = true;
      attempt = 0;
      void dial();
    },
    disconnect() {
      wanted = false;
      ticket = undefined;
      drop();
      become({ state: 'closed' });
    },
    changed() {
      const { kept } = keeper;
      // Nobody goes on as somebody else on an open connection.
      if (!kept || (owner && owner !== kept.identity.id)) {
        ticket = undefined;
        drop();
        if (!kept && wanted) become({ ...state, state: 'closed' });
      }
      if (socket && state.state === 'open') update();
      else if (!socket) void dial();
    },
    check() {
      if (state.state === 'open') ping(PATIENCE / 2);
      else if (state.state === 'waiting') void dial();
    },
    async ask(frame) {
      if (state.state !== 'open') throw new RingfenceError('not_connected');
      asked += 1;
      const id = String(asked);
      const answer = await new Promise<Frame | undefined>((resolve) => {
        asking.set(id, resolve);
        setTimeout(resolve, PATIENCE);
        send({ ...frame, id });
      });
      asking.delete(id);
      if (!answer) throw new RingfenceError('not_connected');
      if (answer.type === 'error') throw new RingfenceError(String(answer.code), 400, answer);
      return answer;
    },
  };
}
