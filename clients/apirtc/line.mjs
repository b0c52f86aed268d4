// A TCP line to the server that can be cut, blocked for a while, and closed to WebSockets.

import net from 'node:net';

/** Opens a line to `target`. */
export async function openLine(target) {
  const [host, port] = target.split(':');
  const open = new Set();
  const state = { blocked: false, sockets: true, upgrades: 0, polls: 0 };
  const server = net.createServer((near) => {
    if (state.blocked) {
      near.destroy();
      return;
    }
    const far = net.connect(Number(port), host);
    open.add(near);
    const end = () => {
      open.delete(near);
      near.destroy();
      far.destroy();
    };
    for (const socket of [near, far]) {
      socket.on('error', end);
      socket.on('close', end);
    }
    near.on('data', (bytes) => {
      const head = bytes.toString('latin1');
      if (head.includes('/socket.io/?') && head.includes('transport=polling')) state.polls += 1;
      if (/^upgrade: websocket/im.test(head)) {
        state.upgrades += 1;
        if (!state.sockets) {
          near.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
          return;
        }
      }
      far.write(bytes);
    });
    far.on('data', (bytes) => near.write(bytes));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const near of open) near.destroy();
  };
  return {
    address: `127.0.0.1:${server.address().port}`,
    state,
    cut,
    /** Cuts everything and lets nothing through until it is called upon to. */
    block: () => {
      state.blocked = true;
      cut();
    },
    unblock: () => {
      state.blocked = false;
    },
    close: () => {
      cut();
      server.close();
    },
  };
}
