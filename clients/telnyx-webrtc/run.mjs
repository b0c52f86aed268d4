// Drives Telnyx's own browser SDK in Chromium against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { launch, version } from './browser.mjs';
import { calls } from './calls.mjs';
import { check, count } from './checks.mjs';
import { endings, logins, reconnecting, renewals } from './logins.mjs';
import { credential, logged, start, token } from './server.mjs';

const SILENCE = 75_000;

/** A page that says nothing, all the while. */
async function silence(browser) {
  const phone = await browser.phone({ login_token: await token(await credential()) });
  await phone.raised('ready');
  await sleep(SILENCE);
  await check('75 s of silence pass without a warning', async () => {
    assert.deepEqual(await phone.events(), ['ready']);
    assert.equal(phone.sockets.length, 1);
  });
  await phone.close();
}

async function everything(browser) {
  await logins(browser);
  await renewals(browser);
  await reconnecting(browser);
  await calls(browser);
  await endings(browser);
}

const server = await start();
let browser;
let failure;
try {
  browser = await launch();
  await Promise.all([silence(browser), everything(browser)]);
} catch (cause) {
  failure = cause;
} finally {
  await browser?.close();
  await server.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`@telnyx/webrtc ${version}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`@telnyx/webrtc ${version}: ${count()} checks passed`);
