// Drives ApiRTC's own library in Chromium, and socket.io-client beside it, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { launch, version } from './browser.mjs';
import { count } from './checks.mjs';
import { endings, reconnecting } from './lines.mjs';
import { refusals, registrations } from './logins.mjs';
import { logged, start } from './server.mjs';
import { plainClients } from './sockets.mjs';
import { rest, secrets } from './rest.mjs';

const server = await start();
let browser;
let failure;
try {
  browser = await launch();
  await registrations(browser);
  await refusals(browser);
  await plainClients();
  await rest();
  await reconnecting(browser);
  await endings(browser);
  await secrets();
} catch (cause) {
  failure = cause;
} finally {
  await browser?.close();
  await server.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`@apirtc/apirtc ${version}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`@apirtc/apirtc ${version}: ${count()} checks passed`);
