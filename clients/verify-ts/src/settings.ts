// What a verifier is told once.

import { MOST } from './revoked.js';

/** Whose tokens to accept, and how long to go without hearing of revocations. Times are in seconds. */
export interface Options {
  /** The issuer: `{public_url}/projects/{id}`, the `iss` of the tokens. */
  readonly issuer: string;
  /** The id of the application whose tokens are accepted (`aud`), or several. */
  readonly audience: string | readonly string[];
  /** A secret API key of the project with the scope `events:read`. */
  readonly key: string;
  /** Where the server is reached, if not at its public URL: an address inside your network. */
  readonly server?: string | undefined;
  /** The longest life of an access token; 86,400. Tokens that live longer are refused, because revocations are kept for so long. */
  readonly longestToken?: number | undefined;
  /** The worst case; 30. So long after a revocation a token of it is still accepted when the feed is cut. It counts from when the
   * server was last heard. Then every token is refused and every connection ended, until the feed is back and has caught up. */
  readonly maxStaleness?: number | undefined;
  /** After a silence of this length the feed is taken for cut and opened anew; 15. The server speaks every 5 seconds. */
  readonly silence?: number | undefined;
  /** How many revocations there is room for; 1,000,000. If more come within the life of a token, all older tokens are refused. */
  readonly capacity?: number | undefined;
}

/** The settings in milliseconds, with everything found out. */
export interface Settings {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly key: string;
  readonly longest: number;
  readonly maxStaleness: number;
  readonly silence: number;
  readonly capacity: number;
  readonly keysUrl: string;
  feedUrl(since: number): string;
}

/** The server's pauses between signs of life, in seconds. */
const PAUSE = 5;

/** Reads options, and refuses what would not protect. */
export function settle(options: Options): Settings {
  const { issuer, key, longestToken = 86_400, maxStaleness = 30, silence = 15, capacity = 1_000_000 } = options;
  const [, publicUrl, project] = /^(https?:\/\/[^?#]+)\/projects\/([^/?#]+)$/.exec(issuer) ?? [];
  if (publicUrl === undefined) throw new TypeError('the issuer is not {public_url}/projects/{id}');
  const server = (options.server ?? publicUrl).replace(/\/+$/, '');
  if (!/^https?:\/\/./.test(server)) throw new TypeError('the server has no URL');
  const audiences = [options.audience].flat();
  if (audiences.length === 0 || audiences.some((name) => typeof name !== 'string' || name === '')) {
    throw new TypeError('no audience is named');
  }
  if (!/^[\x21-\x7e]+$/.test(key)) throw new TypeError('the key is not an API key');
  if (!(silence > PAUSE && silence <= maxStaleness)) {
    throw new TypeError('silence must be longer than 5 seconds and no longer than maxStaleness');
  }
  if (!(longestToken > 0)) throw new TypeError('a token must live');
  if (!(capacity >= 1 && capacity <= MOST)) throw new TypeError(`there must be room for 1 to ${MOST} revocations`);
  return {
    issuer,
    audiences,
    key,
    longest: longestToken * 1000,
    maxStaleness: maxStaleness * 1000,
    silence: silence * 1000,
    capacity,
    keysUrl: `${server}/projects/${project}/jwks.json`,
    feedUrl: (since) => `${server}/api/v1/events?since=${new Date(Math.max(since, 0)).toISOString()}`,
  };
}
