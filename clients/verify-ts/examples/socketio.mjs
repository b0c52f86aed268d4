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
async function admit(socket, token) {
  const claims = await verifier.verify(token);
  // The watch of the old token ends only when there is one of the new.
  const unwatch = verifier.watch(claims, ({ reason }) => {
    socket.emit('ended', { reason });
    socket.disconnect(true);
  });
  socket.data.unwatch?.();
  socket.data.unwatch = unwatch;
  socket.data.claims = claims;
}

io.use((socket, next) => {
  admit(socket, socket.handshake.auth.token).then(
    () => next(),
    (refusal) => next(Object.assign(new Error('refused'), { data: { code: refusal.code ?? 'internal' } })),
  );
});

io.on('connection', (socket) => {
  const { sub } = socket.data.claims;
  socket.emit('welcome', { sub });
  socket.on('say', (text) => io.emit('said', { from: sub, text }));
  socket.on('renew', async (token, answer) => {
    try {
      await admit(socket, token);
      answer?.({ ok: true });
    } catch (refusal) {
      answer?.({ ok: false, code: refusal.code });
    }
  });
  socket.on('disconnect', () => socket.data.unwatch());
});

const [host, port] = LISTEN.split(':');
http.listen(Number(port), host);
