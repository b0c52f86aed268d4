// JSON read strictly: no member twice, bounded depth, no NUL and no half character in any text.
//
// Two readers that take different ones of two equal members disagree about what was signed (RFC 8725 2.4).

import { Refusal } from './refusal.js';

/** The members of an object. */
export type Members = Readonly<Record<string, unknown>>;

/** How deep arrays and objects may nest, the outermost object included. */
const MAX_DEPTH = 16;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads one object and nothing else. */
export function readObject(bytes: Uint8Array): Members {
  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(bytes);
    value = JSON.parse(text);
  } catch {
    throw new Refusal('token_malformed');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Refusal('token_malformed');
  lookThrough(text);
  return value as Members;
}

/** Looks for what `JSON.parse` lets pass. The text is JSON, so its texts and brackets are all there is to look at. */
function lookThrough(text: string): void {
  const open: Set<string>[] = [];
  for (const { 0: part, index } of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (part === '{' || part === '[') {
      if (open.push(new Set()) > MAX_DEPTH) throw new Refusal('token_malformed');
    } else if (part === '}' || part === ']') {
      open.pop();
    } else {
      const said = JSON.parse(part) as string;
      // A half of a pair stands for no character (RFC 8259 8.2); stores end a text at NUL.
      if (/[\0\p{Surrogate}]/u.test(said)) throw new Refusal('token_malformed');
      if (!/^\s*:/.test(text.slice(index + part.length, index + part.length + 32))) continue;
      const names = open.at(-1);
      if (names?.has(said)) throw new Refusal('token_malformed');
      names?.add(said);
    }
  }
}

/** A member of its own, never one that all objects have. */
export const member = (members: Members, name: string): unknown =>
  Object.hasOwn(members, name) ? members[name] : undefined;

/** A text member; a refusal if it is there and no text. */
export function text(members: Members, name: string): string | undefined {
  const value = member(members, name);
  if (value === undefined || typeof value === 'string') return value;
  throw new Refusal('token_claims');
}

/** A NumericDate (RFC 7519 2) from 0 to 2^53 seconds, in milliseconds; a refusal for anything else. */
export function time(members: Members, name: string): number | undefined {
  const value = member(members, name);
  if (value === undefined) return undefined;
  if (typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER + 1) return value * 1000;
  throw new Refusal('token_claims');
}

/** An object inside. */
export function object(value: unknown): Members {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Members;
  throw new Refusal('token_claims');
}
