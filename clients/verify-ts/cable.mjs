// The cable between the services and the server, which can be cut so that neither end notices.

import { connect, createServer } from 'node:net';

/** Lays a cable to a port; `cut()` and `mend()` it. What is sent while it is cut is lost with its connection. */
export async function layCable(port) {
  const ends = new Set();
  let isCut = false;
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    const pair = [near, far];
    ends.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.on('data', (piece) => isCut || to.write(piece));
      from.on('error', () => {});
      from.on('close', () => {
        if (isCut) return;
        ends.delete(pair);
        to.destroy();
      });
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hangUp = () => {
    for (const pair of ends) for (const end of pair) end.destroy();
    ends.clear();
  };
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    cut() {
      isCut = true;
    },
    mend() {
      isCut = false;
      // A stream with a hole in it is none.
      hangUp();
    },
    /** Pulls the plug and puts it in again: connections end, others can be made. */
    pull: hangUp,
    remove() {
      server.close();
      hangUp();
    },
  };
}
