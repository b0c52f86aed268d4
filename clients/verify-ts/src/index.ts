// @ringfence/verify: what is public.

export type { Claims } from './claims.js';
export type { Answer, Machine } from './machine.js';
export { Refusal, type Code } from './refusal.js';
export type { Options } from './settings.js';
export { createVerifier, type Status, type Verifier } from './verifier.js';
export type { Ended } from './watch.js';
