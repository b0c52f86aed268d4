// A Socket.IO server that only lets in whom a Ringfence server vouches for, and shows out whoever was signed out there.
//
//   ISSUER=https://auth.example.org/projects/ID AUDIENCE=APPLICATION EVENTS_KEY=rfk_… LISTEN=127.0.0.1:8080 node socketio.mjs
//
// Clients connect with `io(url, { auth: { token } })` and send `renew` with a new token before theirs ends.

import { createServer } from 'node:http';

import { createVerifier } from '@ringfence/verify';
import { Server } from 'socket.io';

const { ISSUER, AUDIENCE, EVENTS_KEY, SERVER, MAX_STALENESS = '30', LISTEN = '127.0.0.1:8080' } = process.env;

const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  key: EVENTS_KEY,
  server: SERVER,
  maxStaleness: Number(MAX_STALENESS),
  silence: Math.min(15, Number(MAX_STALENESS)),
});

const http = createServer((_request, response) => {
  // Whether the service can judge tokens: what a load balancer asks.
  response.writeHead(verifier.status().confirmed ? 200 : 503).end();
});
const io = new Server(http);

/** Has a socket go by a token from now on, and end when the token's word does. */
function keep(socket, claims) {
  // The watch of the old token ends only when there is one of the new.
  const unwatch = verifier.watch(claims, ({ reason }) => end(socket, reason));
  socket.data.unwatch?.();
  socket.data.unwatch = unwatch;
}

function end(socket, reason) {
  socket.emit('ended', { reason });
  socket.disconnect(true);
}

io.use(async (socket, next) => {
  try {
    socket.data.claims = await verifier.verify(socket.handshake.auth.token);
    next();
  } catch (refusal) {
    next(Object.assign(new Error('refused'), { data: { code: refusal.code ?? 'internal' } }));
  }
});

io.on('connection', (socket) => {
  const { claims } = socket.data;
  // Only now is it sure that `disconnect` will come.
  socket.on('disconnect', () => socket.data.unwatch?.());
  try {
    keep(socket, claims);
  } catch (refusal) {
    // It was revoked since it was verified.
    return end(socket, refusal.code);
  }
  socket.emit('welcome', { sub: claims.sub });
  socket.on('say', (text) => io.emit('said', { from: claims.sub, text }));
  socket.on('renew', async (token, answer) => {
    try {
      const renewed = await verifier.verify(token);
      if (renewed.sub !== claims.sub) return answer?.({ ok: false, code: 'forbidden' });
      if (socket.connected) keep(socket, renewed);
      answer?.({ ok: true });
    } catch (refusal) {
      answer?.({ ok: false, code: refusal.code });
    }
  });
});

const [host, port] = LISTEN.split(':');
http.listen(Number(port), host);
