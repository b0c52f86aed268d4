// Sessions and open connections of a Ringfence server, kept alive in browsers.

export { createClient, RingfenceClient } from './client.js';
export { RingfenceError } from './error.js';
export type * from './types.js';
