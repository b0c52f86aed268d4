// Drives Debian's Kamailio, coturn, sipsak and sipp, and JsSIP of npm, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts all of
// them, stops them, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { version } from './browser.mjs';
import { count } from './checks.mjs';
import { kamailio } from './kamailio.mjs';
import { lookups } from './lookups.mjs';
import { logged, names, onPostgres, scratch, stopAll } from './processes.mjs';
import { prepare, recipe, viewUrl } from './recipes.mjs';
import { registrations } from './registrations.mjs';
import { relays } from './relays.mjs';
import { keys, makeDomain, makeUser, serve, url } from './ringfence.mjs';

async function run() {
  prepare();
  await serve();
  for (const domain of ['rtc.test', 'other.test', '127.0.0.1']) await makeDomain(domain);
  await makeUser('rtc.test', 'alice', 's3cret-A');
  await makeUser('other.test', 'alice', 's3cret-O');
  await makeUser('127.0.0.1', 'dave', 's3cret-D');
  await lookups();
  const file = join(scratch, 'lookup.key');
  writeFileSync(file, keys.lookup);
  const short = ['--nonce-expire', '3'];
  const asking = await kamailio('kamailio-lookup', '--lookup', url, '--key-file', file, ...short);
  await registrations('lookup', asking);
  await asking.stop();
  await recipe('kamailio');
  if (onPostgres) {
    const reading = await kamailio('kamailio-view', '--view', viewUrl('kamailio'), ...short);
    await registrations('view', reading);
    await reading.stop();
  }
  await relays();
}

let failure;
let started = [];
try {
  await run();
} catch (cause) {
  failure = cause;
} finally {
  started = ['ringfence', ...names().filter((name) => name !== 'ringfence')];
  await stopAll();
}
const programs = `Kamailio, coturn, sipsak, sipp, JsSIP ${version}`;
const half = onPostgres ? '' : ' (views, users of coturn and pushed secrets need PostgreSQL and ran there only)';
if (failure) {
  console.error(failure);
  for (const name of started) console.error(`--- the end of the log of ${name}\n${logged(name)}`);
  console.log(`${programs}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`${programs}: ${count()} checks passed${half}`);
// JsSIP keeps timers of agents that were stopped.
process.exit(0);
