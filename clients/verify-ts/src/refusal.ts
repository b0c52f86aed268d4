// Why a token is refused. The codes are the server's own, and two more.

/** What is wrong with a token. */
export type Code =
  | 'token_malformed'
  | 'token_alg'
  | 'token_key'
  | 'token_signature'
  | 'token_issuer'
  | 'token_audience'
  | 'token_type'
  | 'token_claims'
  | 'token_expired'
  | 'token_not_yet'
  | 'token_lifetime'
  | 'session_revoked'
  | 'token_superseded'
  | 'unconfirmed';

/** A refused token. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(readonly code: Code) {
    super(`the token was refused: ${code}`);
  }

  /** The status to answer a request with: 401, or 503 where the token may be good and we cannot say. */
  get status(): 401 | 503 {
    return this.code === 'unconfirmed' ? 503 : 401;
  }
}
