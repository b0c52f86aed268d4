// Drives Tiledesk's own client library, and imitates its widget and dashboard, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import assert from 'node:assert/strict';
import dns from 'node:dns';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, check, claimsOf, count, external, now, sign } from './checks.mjs';
import { asTheDashboard, newcomer } from './dashboard.mjs';
import { imitateGoogle, withGoogle } from './google.mjs';
import { byPassword, byToken, everyCall, refused } from './library.mjs';
import { logged, port, provisioned, ringfence, start, url } from './server.mjs';
import { asTheWidget } from './widget.mjs';

const { version } = createRequire(import.meta.url)('@tiledesk/tiledesk-client/package.json');
const HOST = 'tiledesk.localhost';

// Browsers know that names below `localhost` are this machine (RFC 6761); not every resolver does.
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === HOST ? '127.0.0.1' : name, ...rest);

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

async function run() {
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

const google = await imitateGoogle();
let server;
let failure;
try {
  server = await start(google.address);
  await run();
} catch (cause) {
  failure = cause;
} finally {
  await server?.stop();
  await google.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`tiledesk-client ${version}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`tiledesk-client ${version}: ${count()} checks passed`);
