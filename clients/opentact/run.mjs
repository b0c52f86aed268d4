// Imitates Opentact's public client against the real server: its axios with its interceptors, its socket by `ws`, and curl as in
// its documentation.
//
// There is no package of it to install: its client is a part of a service (protocol sheet, head). So requests are made as that
// part makes them, with versions of axios and ws that it allows.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the server,
// stops all it started, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { createRequire } from 'node:module';

import { provider } from '../shared/provider.mjs';
import { accounts } from './accounts.mjs';
import { count } from './checks.mjs';
import { matrix } from './matrix.mjs';
import { phones } from './phones.mjs';
import { refresh } from './refresh.mjs';
import { logged, start } from './server.mjs';
import { socket } from './socket.mjs';

const packages = createRequire(import.meta.url);
const version = (name) => packages(`./node_modules/${name}/package.json`).version;

const imitation = await provider();
let server;
let failure;
try {
  server = await start({ access: '24h', lenient: true, provider: imitation.port });
  await accounts();
  await refresh();
  await phones();
  await socket();
  await matrix(imitation);
} catch (cause) {
  failure = cause;
} finally {
  await server?.stop();
  await imitation.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`opentact: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`axios ${version('axios')}, ws ${version('ws')}, curl: ${count()} checks passed`);
