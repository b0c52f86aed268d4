// An Express service that only answers whom a Ringfence server vouches for, and shows out whoever was signed out there.
//
//   ISSUER=https://auth.example.org/projects/ID AUDIENCE=APPLICATION EVENTS_KEY=rfk_… LISTEN=127.0.0.1:8080 node express.mjs

import { createVerifier, Refusal } from '@ringfence/verify';
import express from 'express';

const { ISSUER, AUDIENCE, EVENTS_KEY, SERVER, MAX_STALENESS = '30', LISTEN = '127.0.0.1:8080' } = process.env;

const verifier = createVerifier({
  issuer: ISSUER,
  audience: AUDIENCE,
  key: EVENTS_KEY,
  server: SERVER,
  maxStaleness: Number(MAX_STALENESS),
  silence: Math.min(15, Number(MAX_STALENESS)),
});

/** Lets in who brings a token that counts; `request.claims` says who it is. */
async function authenticate(request, response, next) {
  try {
    const [scheme, token] = (request.get('authorization') ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer') throw new Refusal('token_malformed');
    request.claims = await verifier.verify(token);
    next();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) return next(refusal);
    if (refusal.status === 401) response.set('www-authenticate', 'Bearer error="invalid_token"');
    response.status(refusal.status).type('application/problem+json').send({ code: refusal.code });
  }
}

const app = express();

// Whether the service can judge tokens: what a load balancer asks.
app.get('/healthz', (_request, response) => response.sendStatus(verifier.status().confirmed ? 200 : 503));

app.get('/me', authenticate, (request, response) => response.json({ sub: request.claims.sub, kind: request.claims.all.kind }));

// An answer that stays open, as server-sent events: it ends when its reader has to go.
app.get('/updates', authenticate, (request, response) => {
  const send = (event, data) => response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  let beat;
  let unwatch;
  try {
    unwatch = verifier.watch(request.claims, ({ reason }) => {
      send('ended', { reason });
      response.end();
    });
  } catch (refusal) {
    // It was revoked since it was verified.
    return response.status(refusal.status).send({ code: refusal.code });
  }
  response.on('close', () => {
    clearInterval(beat);
    unwatch();
  });
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  send('welcome', { sub: request.claims.sub });
  beat = setInterval(() => send('time', new Date()), 1000);
});

const [host, port] = LISTEN.split(':');
app.listen(Number(port), host);
