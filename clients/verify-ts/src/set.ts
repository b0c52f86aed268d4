// Security event tokens (RFC 8417): what the server says that happened, signed like its access tokens.

import { id } from './claims.js';
import { member, object, text, time, type Members } from './json.js';
import { Refusal } from './refusal.js';

/** The `typ` of security event tokens. */
export const SET_TYPE = 'secevent+jwt';
/** Where the kinds of events live (CAEP 1.0 3). */
const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/';
/** The member of an event that says until when tokens of before still count, where these have to be replaced first. */
const UNTIL = 'old_tokens_until';

/** Something that happened: a session ended, or something about a subject changed. */
export interface Event {
  readonly kind: 'session' | 'subject';
  readonly id: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
  /** From when on tokens are refused for it: not before `at`. */
  readonly from: number;
}

/** Reads the claims of a security event token whose signature was verified: what it has for us, which may be nothing. */
export function readEvents(claims: Members, issuer: string): Event[] {
  if (text(claims, 'iss') !== issuer) throw new Refusal('token_issuer');
  const issuedAt = time(claims, 'iat');
  if (issuedAt === undefined) throw new Refusal('token_claims');
  const subject = object(member(claims, 'sub_id'));
  return Object.entries(object(member(claims, 'events'))).flatMap(([kind, said]) => {
    const detail = object(said);
    if (!counts(kind, detail)) return [];
    const at = time(detail, 'event_timestamp') ?? issuedAt;
    const ended = kind === `${CAEP}session-revoked`;
    // What ended is over at once, whatever else is said.
    const until = ended ? undefined : time(detail, UNTIL);
    return [{ ...whom(subject, issuer, ended), at, from: Math.max(until ?? at, at) }];
  });
}

/** Whether tokens are refused for an event of this kind. One that we do not know is taken for a change of its subject: refusing
 * too much has a remedy, a new token. */
function counts(kind: string, detail: Members): boolean {
  // Which sessions end with a credential, the server says beside it.
  if (kind === `${CAEP}credential-change`) return false;
  // Who proves more than before still has what older tokens say.
  return kind !== `${CAEP}assurance-level-change` || member(detail, 'change_direction') !== 'increase';
}

/** Reads a subject identifier (RFC 9493): a session with its user, or a user. */
function whom(subject: Members, issuer: string, ended: boolean): Pick<Event, 'kind' | 'id'> {
  const format = member(subject, 'format');
  if (format === 'complex') {
    const session = member(subject, 'session');
    if (ended && session !== undefined && member(object(session), 'format') === 'opaque') {
      return { kind: 'session', id: id(member(object(session), 'id')) };
    }
    return whom(object(member(subject, 'user')), issuer, false);
  }
  if (format !== 'iss_sub' || member(subject, 'iss') !== issuer) throw new Refusal('token_claims');
  return { kind: 'subject', id: id(member(subject, 'sub')) };
}
