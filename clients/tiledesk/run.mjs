// Drives Tiledesk's own client library, and imitates its widget and dashboard, against the real server.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

import { check, claimsOf, conclude, resolveLocally } from '../shared/checks.mjs';
import { port, ringfence, url, withServer } from '../shared/server.mjs';
import { asTheDashboard, newcomer } from './dashboard.mjs';
import { imitateGoogle, withGoogle } from './google.mjs';
import { byPassword, byToken, everyCall, refused } from './library.mjs';
import { SETTINGS, provision, provisioned } from './provision.mjs';
import { ask, external, now, sign } from './requests.mjs';
import { asTheWidget } from './widget.mjs';

const { version } = createRequire(import.meta.url)('@tiledesk/tiledesk-client/package.json');
const HOST = 'tiledesk.localhost';
resolveLocally(HOST);

const BASES = [`${url}/tiledesk`, `${url}/tiledesk/v3`, `http://${HOST}:${port}`, `http://${HOST}:${port}/api`];

/** Ends two sessions and signs a token that ends by itself; what became of them is looked at later. */
async function endings(base, { ann, shop }) {
  const { token } = await byPassword(base, ann.email, ann.password);
  const own = sign(external(shop.id, 'revoked'), shop.secret);
  await byToken(base, own);
  const live = await ringfence('session', 'list');
  const [asserted, ...others] = live.filter((session) => session.amr.includes('jwt'));
  await check('the operator ends sessions', async () => {
    assert.deepEqual(others, []);
    await ringfence('session', 'revoke', claimsOf(token).sid);
    await ringfence('session', 'revoke', asserted.id);
  });
  const short = sign(external(shop.id, 'short', { exp: now() + 2 }), shop.secret);
  await check('a token is good before it ends', () => byToken(base, short));
  return { token, own, short };
}

/** A running server hears of what another process did within half a minute. */
async function ended(sentence, call) {
  await check(sentence, async () => {
    for (let tries = 0; tries < 80; tries += 1) {
      if ((await call()) === 401) return;
      await sleep(500);
    }
    assert.fail('is still accepted');
  });
}

async function run(google) {
  const { person: ann, place: shop } = await newcomer(BASES[0], 'Ann', 'Shop');
  const world = { ann, shop, provisioned };
  const { token, own, short } = await endings(BASES[0], world);
  for (const base of BASES) await everyCall(base, world);
  await asTheWidget(BASES[2], world);
  await asTheDashboard(BASES[0]);
  await withGoogle(BASES[0], google);
  await sleep(claimsOf(short).exp * 1000 - Date.now() + 10);
  await check('a token ends by itself', () => refused(byToken(BASES[0], short), 401, 'Unauthorized'));
  const status = async (shown) => (await ask('GET', `${BASES[0]}/testauth`, { token: shown })).status;
  await ended('a revoked token of ours is refused', () => status(token));
  await ended('a revoked token of an integrator is refused', () => status(`JWT ${own}`));
}

async function withProvider() {
  const google = await imitateGoogle();
  try {
    await withServer(provision(google.address), () => run(google), SETTINGS);
  } finally {
    await google.stop();
  }
}

await conclude(() => `tiledesk-client ${version}`, withProvider);
