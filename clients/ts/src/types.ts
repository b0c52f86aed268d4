// What the client takes, gives and says.

/** Somebody, as they see themselves. */
export interface Identity {
  /** Its id, the `sub` of its tokens. */
  readonly id: string;
  readonly kind: 'member' | 'guest' | 'external' | 'endpoint' | 'service';
  readonly profile: Profile;
  readonly created_at: string;
}

/** Profile claims, named as in OpenID Connect. */
export interface Profile {
  readonly given_name: string | null;
  readonly family_name: string | null;
  readonly nickname: string | null;
  readonly phone_number: string | null;
  readonly locale: string | null;
}

/** A session that is kept. All times are the server's, in milliseconds since 1970. */
export interface Session {
  readonly id: string;
  readonly identity: Identity;
  readonly accessToken: string;
  /** When the access token ends; it is renewed well before. */
  readonly expiresAt: number;
  /** When the session ends whatever is done. */
  readonly endsAt: number;
}

/** How the open connection is. */
export interface ConnectionState {
  readonly state: 'connecting' | 'open' | 'waiting' | 'closed';
  /** The close code of the last connection, if there was one. */
  readonly code?: number;
  /** Why it was closed; a stable code. */
  readonly reason?: string;
}

/** Somebody whose presence was asked for. */
export interface Presence {
  readonly id: string;
  readonly online: boolean;
  readonly since?: string;
}

/** What `on` can listen to. */
export interface Events {
  /** A session began, or its tokens or its owner changed. */
  update: Session;
  /** The server says that the access token on the open connection ends soon. A renewal is on its way already. */
  warning: { readonly secondsLeft: number; readonly seq: number };
  /** The session is over, here and in every other tab. `signed_out` when that was wanted, else the server's code. */
  revoke: { readonly reason: string };
  /** Another device of the same identity took the connection over. */
  takeover: { readonly reason: string };
  /** The open connection changed. */
  connection: ConnectionState;
  /** Whether it is this tab that renews for all. */
  elected: boolean;
}

/** Where a session is kept: `localStorage` has this shape. */
export type Store = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/** How to make a client. */
export interface Options {
  /** The server, e.g. `https://auth.example.org`. */
  readonly url: string;
  /** The application's id or publishable key. */
  readonly application: string;
  /** `local` shares the session among tabs and survives a reload; `memory` does neither. `local` where that is allowed. */
  readonly storage?: 'local' | 'memory' | Store;
}

/** What a guest may say of itself. */
export interface Visit {
  readonly nickname?: string;
  readonly locale?: string;
  /** What it wants to reach, and nothing else. */
  readonly target?: { readonly kind: string; readonly id: string };
}

/** An address and its password. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** Somebody who wants an account. */
export interface Registration extends Credentials {
  readonly given_name?: string;
  readonly family_name?: string;
  readonly nickname?: string;
  readonly locale?: string;
}
