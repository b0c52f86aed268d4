// Drives ApiRTC's own library in Chromium, and socket.io-client beside it, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { chromiumAlone, launch, version } from './browser.mjs';
import { channel } from './channel.mjs';
import { check, count, until } from './checks.mjs';
import { endings, reconnecting } from './lines.mjs';
import { refusals, registrations } from './logins.mjs';
import { rest, secrets } from './rest.mjs';
import { script } from './script.mjs';
import { applications, cloud, jwt, logged, start, url } from './server.mjs';
import { tickets } from './tickets.mjs';

/** What the checks of the channel and of its script need to know. */
const facts = {
  url,
  key: applications.widget.key,
  jwt: (id, claims, secret) => jwt(id, { ...claims, ...(secret && { secret }) }),
  revoke: ({ JWTApzToken: bearer }) => cloud('POST', '/api/v2/invalidateToken', { bearer }),
  check,
  until,
};

const server = await start();
let browser;
let alone;
let failure;
try {
  browser = await launch();
  await registrations(browser);
  await refusals(browser);
  await tickets();
  await channel(facts);
  alone = await chromiumAlone();
  await script({ ...facts, browser: alone });
  await rest();
  await reconnecting(browser);
  await endings(browser);
  await secrets();
} catch (cause) {
  failure = cause;
} finally {
  await Promise.all([browser?.close(), alone?.close()]);
  await server.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`@apirtc/apirtc ${version}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`@apirtc/apirtc ${version}: ${count()} checks passed`);
