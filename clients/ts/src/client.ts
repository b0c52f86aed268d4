// The client: ways in, ways out, and what is kept between them.

import { openConnection, type Connection } from './connection.js';
import { RingfenceError } from './error.js';
import { Emitter } from './events.js';
import { keepSession, type Keeper, type Tokens } from './keeper.js';
import { choose, Entry } from './store.js';
import { joinTabs, type Tabs } from './tabs.js';
import type {
  ConnectionState,
  Credentials,
  Events,
  Options,
  Presence,
  Registration,
  Session,
  Visit,
} from './types.js';

/** Whatever may mean that time has passed or that the network is another one. */
const WAKING = ['focus', 'online', 'pageshow', 'resume', 'visibilitychange'];

/** One session of one application, and its open connection. */
export class RingfenceClient {
  readonly #application: string;
  readonly #events = new Emitter();
  readonly #keeper: Keeper;
  readonly #tabs: Tabs;
  readonly #connection: Connection;
  readonly #end = new AbortController();

  constructor({ url, application, storage }: Options) {
    const base = url.replace(/\/+$/, '');
    const name = `ringfence:${base}:${application}`;
    const { store, shared } = choose(storage);
    this.#application = application;
    const changed = (): void => this.#connection.changed();
    this.#keeper = keepSession(base, new Entry(store, name), this.#events, () => this.#tabs, changed);
    this.#connection = openConnection(base, application, this.#keeper, this.#events);
    const look = (): void => this.#keeper.look();
    this.#tabs = joinTabs(name, store, shared, look, (elected) => {
      // Told at once when nobody shares: before anybody could listen.
      queueMicrotask(() => {
        this.#events.emit('elected', elected);
        this.#keeper.check();
      });
    });
    const wake = (): void => {
      if (globalThis.document?.visibilityState === 'hidden') return;
      this.#keeper.check();
      this.#connection.check();
    };
    for (const name of WAKING) {
      // Those of the document come to the window, but `resume` and `visibilitychange` not in every browser.
      globalThis.addEventListener?.(name, wake, { signal: this.#end.signal });
      globalThis.document?.addEventListener(name, wake, { signal: this.#end.signal });
    }
    this.#keeper.check();
  }

  /** Calls back; the answer ends it. */
  on<K extends keyof Events>(name: K, callback: (event: Events[K]) => void): () => void {
    return this.#events.on(name, callback);
  }

  /** The session, if there is one. */
  get session(): Session | null {
    return this.#keeper.session();
  }

  /** Whether this tab renews for all. */
  get elected(): boolean {
    return this.#tabs.elected();
  }

  get connection(): ConnectionState {
    return this.#connection.state();
  }

  /** An access token for your own servers, good for some seconds at least. Put it into a header, never into an address. */
  token(): Promise<string> {
    return this.#keeper.token();
  }

  /** Begins a session as a guest. */
  guest(visit: Visit = {}): Promise<Session> {
    return this.#begin('guests', { ...visit });
  }

  /** Makes an account and begins a session. */
  signUp(registration: Registration): Promise<Session> {
    return this.#begin('sign-up', { ...registration });
  }

  /** Begins a session with a password. The same identity goes on on its open connection, freshly authenticated. */
  signIn(credentials: Credentials): Promise<Session> {
    return this.#begin('sign-in', { ...credentials });
  }

  /** Begins a session with the token of an identity provider. */
  federated(provider: 'google' | 'facebook' | 'oidc', token: string, nonce?: string): Promise<Session> {
    return this.#begin('federated', { provider, token, nonce });
  }

  /** Makes the guest a member: the same id, the same open connection. `address_taken` when the address has an account; its
   * `details.merge_ticket` is for `merge` after signing in to that account. */
  async upgrade(credentials: Credentials): Promise<Session> {
    this.#keeper.keep(await this.#keeper.askAs<Tokens>('me/upgrade', { ...credentials }));
    return this.#now();
  }

  /** Has the member take in the guest who wanted its address. */
  async merge(ticket: string): Promise<void> {
    await this.#keeper.askAs('me/merge', { merge_ticket: ticket });
  }

  /** Ends the session here, in every tab and at the server. */
  async signOut(): Promise<void> {
    const { kept } = this.#keeper;
    this.#connection.disconnect();
    this.#keeper.end('signed_out');
    // By the refresh token (RFC 7009): the access token may have ended.
    if (kept) await this.#keeper.ask('revoke', new URLSearchParams({ token: kept.refresh })).catch(() => {});
  }

  /** Opens the connection as soon as there is a session, and keeps it open. */
  connect(): void {
    this.#connection.connect();
  }

  /** Closes the connection; the session goes on. */
  disconnect(): void {
    this.#connection.disconnect();
  }

  /** Who of these is connected. */
  async presence(identities: readonly string[]): Promise<readonly Presence[]> {
    return (await this.#connection.ask({ type: 'presence.query', identities })).identities ?? [];
  }

  /** Asks whether a privileged action may be done now. `step_up_required` when the owner has to sign in again first. */
  async action(name: string): Promise<void> {
    const answer = await this.#connection.ask({ type: 'action', name });
    if (answer.type !== 'granted') throw new RingfenceError(answer.type, 403, answer);
  }

  /** Lets go of everything in this tab. The session goes on in the others, and after a reload. */
  close(): void {
    this.#connection.disconnect();
    this.#keeper.close();
    this.#tabs.close();
    this.#end.abort();
  }

  async #begin(path: string, body: object): Promise<Session> {
    const wanted = { application: this.#application, ...body };
    this.#keeper.keep(await this.#keeper.ask<Tokens>(path, wanted));
    return this.#now();
  }

  #now(): Session {
    const session = this.session;
    if (!session) throw new RingfenceError('no_session');
    return session;
  }
}

/** Makes a client. */
export const createClient = (options: Options): RingfenceClient => new RingfenceClient(options);
