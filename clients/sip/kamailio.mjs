// A real Kamailio, configured by `ringfence sip config`.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { challenge } from './phone.mjs';
import { freePort, scratch, start, stop, until } from './processes.mjs';
import { ringfence } from './ringfence.mjs';

/** Starts one that gets its hashes as `words` say. */
export async function kamailio(name, ...words) {
  const [port, web] = [await freePort(), await freePort()];
  const sockets = ['--listen', `udp:127.0.0.1:${port}`, '--websocket', `tcp:127.0.0.1:${web}`];
  const folder = join(scratch, name);
  mkdirSync(folder);
  const file = join(folder, 'kamailio.cfg');
  writeFileSync(file, await ringfence('sip', 'config', ...sockets, ...words));
  const memory = ['-m', '32', '-M', '4'];
  const child = start(name, 'kamailio', ['-DD', '-E', '-f', file, '-Y', folder, '-w', folder, '-P', join(folder, 'pid'), ...memory]);
  await until(name, () => {
    if (child.exitCode !== null) throw new Error(`${name} ended`);
    return challenge(port, 'nobody', 'rtc.test').then((answer) => answer.status === 401, () => false);
  });
  return { port, web, stop: () => stop(name) };
}
