// A phone that says exactly what it is told to: REGISTER over UDP with a digest of its own making (RFC 3261, RFC 2617).

import { createHash, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';

export const md5 = (text) => createHash('md5').update(text).digest('hex');
const token = () => randomBytes(8).toString('hex');

/** Sends a message until it is answered. */
async function exchange(port, build) {
  const socket = createSocket('udp4');
  try {
    await new Promise((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const text = build(socket.address().port);
    return await new Promise((resolve, reject) => {
      const again = setInterval(() => socket.send(text, port, '127.0.0.1'), 500);
      const patience = setTimeout(() => finish(reject, new Error('no answer')), 6000);
      const finish = (how, what) => {
        clearInterval(again);
        clearTimeout(patience);
        how(what);
      };
      socket.on('message', (bytes) => finish(resolve, read(bytes.toString())));
      socket.once('error', (cause) => finish(reject, cause));
      socket.send(text, port, '127.0.0.1');
    });
  } finally {
    socket.close();
  }
}

function read(text) {
  const [first, ...lines] = text.split('\r\n');
  const header = (name) => lines.find((line) => line.toLowerCase().startsWith(`${name}:`))?.slice(name.length + 1).trim();
  const challenge = header('www-authenticate');
  const part = (name) => challenge?.match(new RegExp(`${name}="?([^",]+)`))?.[1];
  return {
    status: Number(first.split(' ')[1]),
    retryAfter: header('retry-after'),
    nonce: part('nonce'),
    realm: part('realm'),
    qop: part('qop'),
    stale: /stale="?true/i.test(challenge ?? ''),
  };
}

/** One REGISTER, with `authorization` if there is one. */
export const register = (port, { login, domain, authorization, uri = `sip:${domain}`, from = login }) =>
  exchange(port, (own) =>
    [
      `REGISTER ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP 127.0.0.1:${own};branch=z9hG4bK${token()};rport`,
      'Max-Forwards: 70',
      `From: <sip:${from}@${domain}>;tag=${token()}`,
      `To: <sip:${login}@${domain}>`,
      `Call-ID: ${token()}`,
      'CSeq: 1 REGISTER',
      `Contact: <sip:${login}@127.0.0.1:9>`,
      'Expires: 60',
      ...[authorization ?? []].flat().map((value) => `Authorization: ${value}`),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );

/** The digest of a phone that has a password, or only an HA1. */
export function digest({ username, realm, password, ha1, nonce, uri, nc = 1, qop = 'auth', algorithm = 'MD5', response }) {
  const cnonce = token();
  const count = nc.toString(16).padStart(8, '0');
  const key = ha1 ?? md5(`${username}:${realm}:${password}`);
  const a2 = md5(`REGISTER:${uri}`);
  const answer = response ?? md5(qop ? `${key}:${nonce}:${count}:${cnonce}:${qop}:${a2}` : `${key}:${nonce}:${a2}`);
  const parts = [`username="${username}"`, `realm="${realm}"`, `nonce="${nonce}"`, `uri="${uri}"`, `response="${answer}"`];
  if (algorithm) parts.push(`algorithm=${algorithm}`);
  if (qop) parts.push(`qop=${qop}`, `nc=${count}`, `cnonce="${cnonce}"`);
  return `Digest ${parts.join(', ')}`;
}

/** Asks for a challenge. */
export const challenge = (port, login, domain) => register(port, { login, domain });

/** Registers as a phone does: is challenged, answers. `change` is what this phone does otherwise. */
export async function registers(port, { login, domain, username = login, password, ha1, from, ...change }) {
  const { nonce, realm, status } = await challenge(port, login, domain);
  if (status !== 401) return status;
  const uri = `sip:${domain}`;
  const authorization = digest({ username, realm, password, ha1, nonce, uri, ...change });
  return (await register(port, { login, domain, authorization, from })).status;
}
