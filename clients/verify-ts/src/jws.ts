// Compact JWS with public keys (RFC 7515, RFC 8725): strict reading, one algorithm for each key.

import { webcrypto } from 'node:crypto';

import { member, readObject, type Members } from './json.js';
import { Refusal } from './refusal.js';

/** The longest token looked at; a longer one is refused unread. */
const MAX_TOKEN = 16 * 1024;
const MAX_KID = 128;

interface Scheme {
  readonly kty: string;
  readonly crv?: string;
  readonly import: webcrypto.EcKeyImportParams | webcrypto.RsaHashedImportParams | webcrypto.Algorithm;
  readonly verify: webcrypto.EcdsaParams | webcrypto.RsaPssParams | webcrypto.Algorithm;
}

const rsa = (bits: number): Scheme => {
  const name = 'RSASSA-PKCS1-v1_5';
  return { kty: 'RSA', import: { name, hash: `SHA-${bits}` }, verify: { name } };
};
const pss = (bits: number): Scheme => {
  const name = 'RSA-PSS';
  return { kty: 'RSA', import: { name, hash: `SHA-${bits}` }, verify: { name, saltLength: bits / 8 } };
};
const ec = (crv: string, bits: number): Scheme => {
  const name = 'ECDSA';
  return { kty: 'EC', crv, import: { name, namedCurve: crv }, verify: { name, hash: `SHA-${bits}` } };
};

/** The algorithms with a public key (RFC 7518 3.1, RFC 8037). There is neither `none` nor a shared secret. */
const SCHEMES: ReadonlyMap<string, Scheme> = new Map([
  ['RS256', rsa(256)],
  ['RS384', rsa(384)],
  ['RS512', rsa(512)],
  ['PS256', pss(256)],
  ['PS384', pss(384)],
  ['PS512', pss(512)],
  ['ES256', ec('P-256', 256)],
  ['ES384', ec('P-384', 384)],
  ['ES512', ec('P-521', 512)],
  ['EdDSA', { kty: 'OKP', crv: 'Ed25519', import: { name: 'Ed25519' }, verify: { name: 'Ed25519' } }],
]);

/** A key that verifies signatures of exactly one algorithm. */
export interface Key {
  readonly alg: string;
  readonly scheme: Scheme;
  readonly crypto: webcrypto.CryptoKey;
}

/** Reads a JWK (RFC 7517); nothing if it names no algorithm, is weak, private or meant for something else. */
export async function readKey(jwk: Members): Promise<Key | undefined> {
  const alg = member(jwk, 'alg');
  const scheme = typeof alg === 'string' ? SCHEMES.get(alg) : undefined;
  const operations = member(jwk, 'key_ops');
  const mayVerify = operations === undefined || (Array.isArray(operations) && operations.includes('verify'));
  const forSignatures = ['sig', undefined].includes(member(jwk, 'use') as string);
  if (!scheme || !mayVerify || !forSignatures || Object.hasOwn(jwk, 'd')) return undefined;
  if (member(jwk, 'kty') !== scheme.kty || member(jwk, 'crv') !== scheme.crv) return undefined;
  // Only what makes the key: the library has rules of its own for the rest.
  const needed = Object.fromEntries(['kty', 'crv', 'x', 'y', 'n', 'e'].map((name) => [name, member(jwk, name)]));
  try {
    for (const name of ['x', 'y', 'n', 'e']) if (needed[name] !== undefined) decode(needed[name]);
    const crypto = await webcrypto.subtle.importKey('jwk', needed, scheme.import, false, ['verify']);
    return scheme.kty === 'RSA' && !isStrong(crypto) ? undefined : { alg: alg as string, scheme, crypto };
  } catch {
    return undefined;
  }
}

/** 2048 to 8192 bits, and an exponent that is odd and above 2^16 (FIPS 186-5 A.1.1), in at most four bytes. */
function isStrong(key: webcrypto.CryptoKey): boolean {
  const { modulusLength, publicExponent } = key.algorithm as webcrypto.RsaKeyAlgorithm;
  const exponent = Buffer.from(publicExponent).readUIntBE(0, publicExponent.length);
  return modulusLength >= 2048 && modulusLength <= 8192 && publicExponent.length <= 4 && exponent > 65_536 && exponent % 2 === 1;
}

/** The usable keys of a JWK Set by their `kid`. Keys that we cannot use are for others. */
export async function readKeySet(bytes: Uint8Array): Promise<Map<string, Key>> {
  const keys = member(readObject(bytes), 'keys');
  if (!Array.isArray(keys)) throw new Refusal('token_malformed');
  const found = new Map<string, Key>();
  for (const jwk of keys) {
    const kid: unknown = jwk?.kid;
    const key = typeof kid === 'string' ? await readKey(jwk) : undefined;
    if (key) found.set(kid as string, key);
  }
  return found;
}

/** Base64url without padding and without a second spelling (RFC 7515 2). */
function decode(segment: unknown): Buffer {
  const bytes = Buffer.from(String(segment), 'base64url');
  if (typeof segment !== 'string' || bytes.toString('base64url') !== segment) throw new Refusal('token_malformed');
  return bytes;
}

/** A token of good form that nothing vouches for yet. */
export interface Unverified {
  readonly alg: string;
  /** The name of its key: compared, never interpreted (RFC 8725 3.10). */
  readonly kid: string | undefined;
  /** What kind of token it is (RFC 8725 3.11). */
  readonly typ: string | undefined;
  readonly signed: Buffer;
  readonly payload: Buffer;
  readonly signature: Buffer;
}

/** Splits a token, decodes it and reads its header. */
export function parse(token: string): Unverified {
  if (typeof token !== 'string' || token.length > MAX_TOKEN) throw new Refusal('token_malformed');
  const segments = token.split('.');
  if (segments.length !== 3) throw new Refusal('token_malformed');
  const [header, payload, signature] = segments.map(decode) as [Buffer, Buffer, Buffer];
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
  return { ...readHeader(readObject(header)), signed, payload, signature };
}

function readHeader(members: Members): Pick<Unverified, 'alg' | 'kid' | 'typ'> {
  const has = (name: string) => Object.hasOwn(members, name);
  // `crit` names extensions that must be understood, and we know none; the others change what the payload is.
  const malformed = ['crit', 'b64', 'zip', 'enc'].some(has);
  const [alg, kid, typ] = ['alg', 'kid', 'typ'].map((name) => {
    const value = member(members, name);
    if (value !== undefined && typeof value !== 'string') throw new Refusal('token_malformed');
    return value;
  });
  if (malformed || alg === undefined) throw new Refusal('token_malformed');
  // A token does not bring the key that it is judged by (RFC 8725 3.10).
  if (['jku', 'jwk', 'x5u', 'x5c'].some(has)) throw new Refusal('token_key');
  if (!SCHEMES.has(alg)) throw new Refusal('token_alg');
  if (kid !== undefined && (kid === '' || kid.length > MAX_KID || /\p{Cc}/u.test(kid))) throw new Refusal('token_key');
  return { alg, kid, typ };
}

/** The payload, once algorithm and signature are those of `key`. */
export async function payload(unverified: Unverified, key: Key): Promise<Buffer> {
  if (unverified.alg !== key.alg) throw new Refusal('token_alg');
  const { signature, signed } = unverified;
  if (!(await webcrypto.subtle.verify(key.scheme.verify, key.crypto, signature, signed))) throw new Refusal('token_signature');
  return unverified.payload;
}
