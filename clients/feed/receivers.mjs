// Receivers of webhooks that remember, verify and answer as they are told; a proxy that can be cut.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { text } from 'node:stream/consumers';

/** A receiver on this machine. `answers` are given one after the other, the last for ever: a status, or where to redirect to. */
export async function receiver(...answers) {
  const got = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    got.push({ body, headers: request.headers, at: performance.now() });
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (typeof answer === 'number') response.writeHead(answer).end('{}');
    else response.writeHead(307, { location: answer }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${server.address().port}/hook`, port: server.address().port, got, close };
}

/** Something that only counts who connects. */
export async function trap() {
  let count = 0;
  const server = createTcpServer((socket) => {
    count += 1;
    socket.destroy();
  });
  // On every loopback address.
  server.listen(0, '::');
  await once(server, 'listening');
  return { port: server.address().port, connections: () => count, close: () => server.close() };
}

/** A way to the server that can be cut. */
export async function proxy(port) {
  const open = new Set();
  const server = createTcpServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [one, other] of [[near, far], [far, near]]) {
      open.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => open.forEach((socket) => socket.destroy());
  return { url: `http://127.0.0.1:${server.address().port}`, cut, close: () => server.close(cut()) };
}
