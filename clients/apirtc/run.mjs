// Drives ApiRTC's own library in Chromium, and socket.io-client beside it, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { check, conclude, until } from '../shared/checks.mjs';
import { withServer } from '../shared/server.mjs';
import { chromiumAlone, launch, version } from './browser.mjs';
import { channel } from './channel.mjs';
import { endings, reconnecting } from './lines.mjs';
import { refusals, registrations } from './logins.mjs';
import { rest, secrets } from './rest.mjs';
import { script } from './script.mjs';
import { PROVISION, SETTINGS, applications, cloud, jwt, line, url } from './server.mjs';
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

async function everything() {
  const [browser, alone] = [await launch(), await chromiumAlone()];
  try {
    await registrations(browser);
    await refusals(browser);
    await tickets();
    await channel(facts);
    await script({ ...facts, browser: alone });
    await rest();
    await reconnecting(browser);
    await endings(browser);
    await secrets();
  } finally {
    await Promise.all([browser.close(), alone.close()]);
  }
}

await conclude(() => `@apirtc/apirtc ${version}`, async () => {
  try {
    await withServer(PROVISION, everything, SETTINGS);
  } finally {
    line.close();
  }
});
