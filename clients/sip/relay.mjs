// A client of media relays that says exactly what it is told to: STUN over UDP (RFC 8489, RFC 8656).

import { createHash, createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const COOKIE = 0x2112a442;
const METHODS = { allocate: 0x0003, refresh: 0x0004, send: 0x0016, permission: 0x0008 };
const ATTRIBUTES = {
  username: 0x0006,
  integrity: 0x0008,
  error: 0x0009,
  lifetime: 0x000d,
  peer: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  relayed: 0x0016,
  family: 0x0017,
  transport: 0x0019,
};

const attribute = (name, value) => {
  const head = Buffer.alloc(4);
  head.writeUInt16BE(ATTRIBUTES[name], 0);
  head.writeUInt16BE(value.length, 2);
  return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
};

const number = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** The bytes of an address; `::ffff:127.0.0.1` stays what it says. */
function bytesOf(address) {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const embedded = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...four) => {
    const [a, b, c, d] = four.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [head, tail] = embedded.split('::').map((half) => (half ? half.split(':') : []));
  const groups = tail ? [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail] : head;
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function peer(address, port, id) {
  const plain = bytesOf(address);
  const mask = Buffer.concat([number(COOKIE), id]);
  const head = Buffer.alloc(4);
  head.writeUInt8(plain.length === 4 ? 1 : 2, 1);
  head.writeUInt16BE(port ^ (COOKIE >>> 16), 2);
  return Buffer.concat([head, plain.map((byte, at) => byte ^ mask[at])]);
}

function parse(bytes) {
  const found = { kind: bytes.readUInt16BE(0), id: bytes.subarray(8, 20).toString('hex') };
  for (let at = 20; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    const name = Object.keys(ATTRIBUTES).find((known) => ATTRIBUTES[known] === bytes.readUInt16BE(at));
    if (name) found[name] = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length + ((4 - (length % 4)) % 4);
  }
  return found;
}

/** An open client of the relay at `port`, with its credential. */
export class Client {
  constructor(port, { username, password }) {
    Object.assign(this, { port, username, password, waiting: new Map(), arrived: [] });
    this.open();
  }

  open() {
    this.socket = createSocket('udp4');
    this.socket.on('message', (bytes) => {
      const answer = parse(bytes);
      if (answer.data) this.arrived.push(answer.data.toString());
      this.waiting.get(answer.id)?.(answer);
    });
  }

  close() {
    this.socket.close();
  }

  message(method, attributes, id) {
    const parts = attributes(id);
    const frame = (length) => {
      const head = Buffer.alloc(20);
      head.writeUInt16BE(METHODS[method], 0);
      head.writeUInt16BE(length, 2);
      head.writeUInt32BE(COOKIE, 4);
      id.copy(head, 8);
      return head;
    };
    if (!this.realm || method === 'send') {
      const body = Buffer.concat(parts);
      return Buffer.concat([frame(body.length), body]);
    }
    parts.push(attribute('username', Buffer.from(this.username)));
    parts.push(attribute('realm', this.realm), attribute('nonce', this.nonce));
    const body = Buffer.concat(parts);
    const key = createHash('md5').update(`${this.username}:${this.realm}:${this.password}`).digest();
    const mac = createHmac('sha1', key).update(Buffer.concat([frame(body.length + 24), body])).digest();
    return Buffer.concat([frame(body.length + 24), body, attribute('integrity', mac)]);
  }

  /** Asks until there is an answer. */
  ask(method, attributes) {
    const id = randomBytes(12);
    const bytes = this.message(method, attributes, id);
    return new Promise((resolve, reject) => {
      const again = setInterval(() => this.socket.send(bytes, this.port, '127.0.0.1'), 500);
      const patience = setTimeout(() => done(reject, new Error('the relay says nothing')), 6000);
      const done = (how, what) => {
        clearInterval(again);
        clearTimeout(patience);
        this.waiting.delete(id.toString('hex'));
        how(what);
      };
      this.waiting.set(id.toString('hex'), (found) => done(resolve, found));
      this.socket.send(bytes, this.port, '127.0.0.1');
    });
  }

  async exchange(method, attributes) {
    const answer = await this.ask(method, attributes);
    if (answer.nonce) this.nonce = answer.nonce;
    return (answer.kind & 0x0110) === 0x0110 ? answer.error[2] * 100 + answer.error[3] : 'ok';
  }

  /** `ok`, or the code of the refusal. The first challenge is answered, and so is one because of an old nonce. */
  async request(method, attributes = () => []) {
    if (!this.realm) {
      const { realm, nonce } = await this.ask('allocate', () => [attribute('transport', number(17 << 24))]);
      Object.assign(this, { realm, nonce });
    }
    const code = await this.exchange(method, attributes);
    return code === 438 ? this.exchange(method, attributes) : code;
  }

  /**
   * Asks for a relay address, of IPv6 if so wanted. The kernel may give us a port from which a client before us allocated, and
   * which the relay still remembers (437): then another is taken (RFC 8656, section 7.4).
   */
  async allocate(six = false) {
    const family = six ? [attribute('family', number(2 << 24))] : [];
    for (let left = 3; ; left -= 1) {
      const code = await this.request('allocate', () => [attribute('transport', number(17 << 24)), ...family]);
      if (code !== 437 || left === 0) return code;
      this.close();
      this.realm = undefined;
      this.open();
    }
  }

  refresh(seconds = 600) {
    return this.request('refresh', () => [attribute('lifetime', number(seconds))]);
  }

  /** Asks to reach a peer. */
  permit(address) {
    return this.request('permission', (id) => [attribute('peer', peer(address, 9, id))]);
  }

  /** Sends to a peer. */
  send(address, port, text) {
    const id = randomBytes(12);
    const parts = () => [attribute('peer', peer(address, port, id)), attribute('data', Buffer.from(text))];
    this.socket.send(this.message('send', parts, id), this.port, '127.0.0.1');
  }
}
