// Drives Telnyx's own browser SDK in Chromium against the real server.

import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

import { check, conclude } from '../shared/checks.mjs';
import { withServer } from '../shared/server.mjs';
import { credential, token } from './account.mjs';
import { launch, version } from './browser.mjs';
import { calls } from './calls.mjs';
import { endings, logins, reconnecting, renewals } from './logins.mjs';
import { PROVISION } from './provision.mjs';
import { recipe } from './recipe.mjs';

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
  await recipe(browser);
  await endings(browser);
}

async function run() {
  const browser = await launch();
  try {
    await Promise.all([silence(browser), everything(browser)]);
  } finally {
    await browser.close();
  }
}

await conclude(() => `@telnyx/webrtc ${version}`, () => withServer(PROVISION, run));
