// Imitates Opentact's public client against the real server: its axios with its interceptors, its socket by `ws`, and curl as in
// its documentation.
//
// There is no package of it to install: its client is a part of a service (protocol sheet, head). So requests are made as that
// part makes them, with versions of axios and ws that it allows.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the server,
// stops all it started, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { createRequire } from 'node:module';

import { conclude } from '../shared/checks.mjs';
import { provider } from '../shared/provider.mjs';
import { withServer } from '../shared/server.mjs';
import { accounts } from './accounts.mjs';
import { matrix } from './matrix.mjs';
import { phones } from './phones.mjs';
import { refresh } from './refresh.mjs';
import { SETTINGS, provision } from './server.mjs';
import { socket } from './socket.mjs';

const packages = createRequire(import.meta.url);
const version = (name) => packages(`./node_modules/${name}/package.json`).version;

const title = () => `axios ${version('axios')}, ws ${version('ws')}, curl`;
const imitation = await provider();
const wanted = provision({ access: '24h', lenient: true, provider: imitation.port });
await conclude(title, async () => {
  try {
    await withServer(wanted, async () => {
      await accounts();
      await refresh();
      await phones();
      await socket();
      await matrix(imitation);
    }, SETTINGS);
  } finally {
    await imitation.stop();
  }
});
