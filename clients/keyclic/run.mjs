// Imitates both generations of Keyclic's libraries against the real server, puts a real nginx in front of a toy resource,
// and opens the page of a reset link in a browser.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops all it started, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { life, preflight, renewal } from './account.mjs';
import { count } from './checks.mjs';
import { connect, provider } from './facebook.mjs';
import { pages, version } from './page.mjs';
import { guard } from './proxy.mjs';
import { logged, start } from './server.mjs';

const imitation = await provider();
const provisioned = { access: '24h', facebook: imitation.port };
let server;
let failure;
try {
  server = await start(provisioned);
  await preflight();
  await life();
  await renewal();
  await guard(provisioned);
  await pages();
  await connect(imitation);
} catch (cause) {
  failure = cause;
} finally {
  await server?.stop();
  await imitation.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`keyclic: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`keyclic, nginx, Chromium with axe-core ${version}: ${count()} checks passed`);
