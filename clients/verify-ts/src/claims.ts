// What an access token of the native API says (RFC 9068), read by type and judged by time.

import { member, text, time, type Members } from './json.js';
import { Refusal } from './refusal.js';

/** How far clocks of servers may lie apart, in milliseconds. */
export const LEEWAY = 60_000;
/** Longer ids are none of ours; so revocations need little room. */
const MAX_ID = 128;

/** The claims of a token that was good when it was verified. */
export interface Claims {
  /** Whose token it is: the id of the identity. */
  readonly sub: string;
  /** The session that it belongs to. */
  readonly sid: string;
  /** When it was made, in milliseconds since 1970. */
  readonly issuedAt: number;
  /** When its time is over, in milliseconds since 1970. */
  readonly expiresAt: number;
  /** All claims as they came: `kind`, `amr`, `auth_time`, `client_id` … */
  readonly all: Members;
}

/** What claims are held to. */
export interface Expected {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly longest: number;
  readonly now: number;
}

/** Judges claims whose signature was verified. */
export function judge(all: Members, expected: Expected): Claims {
  if (text(all, 'iss') !== expected.issuer) throw new Refusal('token_issuer');
  if (!isFor(all, expected.audiences)) throw new Refusal('token_audience');
  const [exp, iat, nbf] = ['exp', 'iat', 'nbf'].map((name) => time(all, name));
  if (exp === undefined || iat === undefined) throw new Refusal('token_claims');
  // First, so that an old token is called the same whatever else is wrong with its times.
  if (expected.now >= exp) throw new Refusal('token_expired');
  if (Math.max(iat, nbf ?? 0) > expected.now + LEEWAY) throw new Refusal('token_not_yet');
  if (exp - iat > expected.longest) throw new Refusal('token_lifetime');
  return { sub: id(text(all, 'sub')), sid: id(text(all, 'sid')), issuedAt: iat, expiresAt: exp, all };
}

/** An id that may be one of ours. */
export function id(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_ID) throw new Refusal('token_claims');
  return value;
}

/** Whether `aud` is one of ours. A list with a stranger in it is not: who else takes the token could show it to us. */
function isFor(all: Members, audiences: readonly string[]): boolean {
  const said = member(all, 'aud');
  if (said === undefined) return false;
  const names: unknown[] = Array.isArray(said) ? said : [said];
  if (names.some((name) => typeof name !== 'string')) throw new Refusal('token_claims');
  return names.length > 0 && names.every((name) => audiences.includes(name as string));
}
