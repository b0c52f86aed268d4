// A server that says what the test wants, clocks that the test moves, and a verifier between them.

import { createPrivateKey, createPublicKey, sign, webcrypto, type KeyObject } from 'node:crypto';

import { createVerifier, type Answer, type Claims, type Code, type Machine, type Options, type Verifier } from '../src/index.js';
import { Refusal } from '../src/index.js';

export const ISSUER = 'https://auth.example.org/projects/p1';
export const APPLICATION = 'app1';
/** When tests begin, in seconds. */
export const START = 1_800_000_000;
export const OPTIONS: Options = { issuer: ISSUER, audience: APPLICATION, key: 'rfk_secret' };

export const encode = (text: string | Uint8Array) => Buffer.from(text).toString('base64url');

/** An Ed25519 key of the project. */
export class Signer {
  readonly #key: KeyObject;

  constructor(
    readonly kid: string,
    seed: number,
  ) {
    const prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
    this.#key = createPrivateKey({ key: Buffer.concat([prefix, Buffer.alloc(32, seed)]), format: 'der', type: 'pkcs8' });
  }

  jwk(): Record<string, unknown> {
    return { ...createPublicKey(this.#key).export({ format: 'jwk' }), alg: 'EdDSA', use: 'sig', kid: this.kid };
  }

  /** A token of exactly these bytes. */
  sign(header: string | Uint8Array, payload: string | Uint8Array): string {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${encode(sign(null, Buffer.from(input), this.#key))}`;
  }

  /** A token of this kind. */
  mint(typ: string, claims: object): string {
    return this.sign(JSON.stringify({ typ, alg: 'EdDSA', kid: this.kid }), JSON.stringify(claims));
  }
}

/** What the crypto library, which has threads of its own, has not answered yet. */
const computing = new Set<Promise<unknown>>();
for (const name of ['verify', 'importKey'] as const) {
  const real = webcrypto.subtle[name].bind(webcrypto.subtle) as (...all: unknown[]) => Promise<unknown>;
  const counted = (...all: unknown[]) => {
    const answer = real(...all);
    computing.add(answer);
    const done = () => void computing.delete(answer);
    answer.then(done, done);
    return answer;
  };
  Object.defineProperty(webcrypto.subtle, name, { value: counted });
}

/** Lets everything run that can. */
export const settled = async () => {
  do {
    await Promise.allSettled([...computing]);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  } while (computing.size > 0);
};

interface Asked {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/** Clocks that stand still, and a server in memory. */
export class Stage implements Machine {
  signer = new Signer('k1', 7);
  readonly verifier: Verifier;
  keys: object[] = [this.signer.jwk()];
  down = false;
  refusals: { status: number; retryAfter?: string }[] = [];
  #asked: Asked[] = [];
  #steady = 0;
  #ahead = 0;
  #timers = new Set<{ readonly at: number; readonly callback: () => void }>();
  #say: ((piece: Uint8Array | null) => void) | undefined;

  private constructor(options: Options) {
    this.verifier = createVerifier(options, this);
  }

  /** A verifier that has just been started and has heard nothing. */
  static async begin(options = OPTIONS): Promise<Stage> {
    const stage = new Stage(options);
    await settled();
    return stage;
  }

  /** A verifier that knows all there is to know, which is nothing. */
  static async ready(options = OPTIONS): Promise<Stage> {
    const stage = await Stage.begin(options);
    await stage.say('id: 0\nevent: ready\ndata: {}\n\n');
    return stage;
  }

  now = () => START * 1000 + this.#steady + this.#ahead;
  steady = () => this.#steady;
  chance = () => 0.5;

  after = (span: number, callback: () => void) => {
    const timer = { at: this.#steady + span, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  fetch = async (url: string, { headers, signal }: { headers: Record<string, string>; signal: AbortSignal }): Promise<Answer> => {
    this.#asked.push({ url, headers });
    if (this.down) throw new TypeError('fetch failed', { cause: new Error('connection refused') });
    const answer = (status: number, body: AsyncIterable<Uint8Array>, retryAfter: string | null = null) => ({
      status,
      body,
      headers: { get: () => retryAfter },
    });
    if (url.endsWith('/jwks.json')) return answer(200, pieces([Buffer.from(JSON.stringify({ keys: this.keys }))]));
    const refused = this.refusals.shift();
    if (refused) return answer(refused.status, pieces([]), refused.retryAfter ?? null);
    return answer(200, this.#open(signal));
  };

  async *#open(signal: AbortSignal): AsyncIterable<Uint8Array> {
    const waiting: (Uint8Array | null)[] = [];
    let wake = () => {};
    const say = (piece: Uint8Array | null) => {
      waiting.push(piece);
      wake();
    };
    this.#say = say;
    signal.addEventListener('abort', () => say(null));
    for (;;) {
      const piece = waiting.shift();
      if (piece) yield piece;
      else if (piece === null) break;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (this.#say === say) this.#say = undefined;
  }

  /** Lets time pass, a quarter of a second after the other. */
  async pass(seconds: number): Promise<void> {
    for (let quarter = 0; quarter < seconds * 4; quarter += 1) {
      this.#steady += 250;
      const due = [...this.#timers].filter(({ at }) => at <= this.#steady);
      for (const timer of due) if (this.#timers.delete(timer)) timer.callback();
      if (due.length > 0) await settled();
    }
  }

  /** The same with the server's signs of life. */
  async passAlive(seconds: number): Promise<void> {
    for (let past = 0; past < seconds; past += 5) {
      await this.pass(5);
      await this.say(': alive\n\n');
    }
  }

  /** Sets the wall clock forward, or back. */
  setForward(seconds: number): void {
    this.#ahead += seconds * 1000;
  }

  /** The server says something on the feed. */
  async say(text: string): Promise<void> {
    if (!this.#say) throw new Error('nobody reads the feed');
    this.#say(Buffer.from(text));
    await settled();
  }

  async hangUp(): Promise<void> {
    this.#say?.(null);
    await settled();
  }

  isRead = () => this.#say !== undefined;

  /** The server tells of an event. */
  tell(id: string, kind: string, subject: object, detail: object = {}): Promise<void> {
    return this.say(this.message(id, kind, subject, detail));
  }

  message(id: string, kind: string, subject: object, detail: object = {}): string {
    const now = Math.floor(this.now() / 1000);
    const events = { [`https://schemas.openid.net/secevent/caep/event-type/${kind}`]: { event_timestamp: now, ...detail } };
    const token = this.signer.mint('secevent+jwt', { iss: ISSUER, jti: 'e', iat: now, sub_id: subject, events });
    return `id: ${id}\nevent: ${kind}\ndata: ${token}\n\n`;
  }

  /** What was asked for, and forgets it. */
  asked(part: string): Asked[] {
    const all = this.#asked;
    this.#asked = [];
    return all.filter(({ url }) => url.includes(part));
  }

  claims(sid: string, sub: string): Record<string, unknown> {
    const iat = Math.floor(this.now() / 1000);
    return { iss: ISSUER, aud: APPLICATION, client_id: APPLICATION, sub, sid, jti: 't1', kind: 'member', iat, exp: iat + 86_400 };
  }

  /** A good token of now. */
  token = (sid: string, sub: string) => this.signer.mint('at+jwt', this.claims(sid, sub));

  verify = (token: string): Promise<Claims> => this.verifier.verify(token);

  /** Why a token is refused, if it is. */
  async refusal(token: string): Promise<Code | undefined> {
    try {
      await this.verify(token);
      return undefined;
    } catch (refusal) {
      if (refusal instanceof Refusal) return refusal.code;
      throw refusal;
    }
  }

  /** Why a token with these claims instead of the usual ones is refused. */
  refusalWith = (changes: object) => this.refusal(this.signer.mint('at+jwt', { ...this.claims('s1', 'ann'), ...changes }));

  /** Opens a connection; the answer says why it ended, if it has. */
  async connect(sid: string, sub: string): Promise<() => Code | undefined> {
    let reason: Code | undefined;
    this.verifier.watch(await this.verify(this.token(sid, sub)), (ended) => (reason = ended.reason));
    return () => reason;
  }
}

async function* pieces(all: Uint8Array[]): AsyncIterable<Uint8Array> {
  yield* all;
}

const named = (sub: string) => ({ format: 'iss_sub', iss: ISSUER, sub });

/** A session with its user, as the server names them (RFC 9493 3.3). */
export const session = (id: string, sub: string) => ({ format: 'complex', session: { format: 'opaque', id }, user: named(sub) });

/** A user. */
export const user = (sub: string) => ({ format: 'complex', user: named(sub) });
