// Drives Telnyx's own REST clients, of npm and of PyPI, against the real server.
//
// Given RINGFENCE_BIN, RINGFENCE_DATABASE, RINGFENCE_LISTEN, RINGFENCE_ADMIN_LISTEN and RINGFENCE_SCRATCH it starts the
// server, stops it, prints a summary as its last line, and exits with 1 when anything is not as it must be.

import dns from 'node:dns';
import { createRequire } from 'node:module';

import { count, counted } from './checks.mjs';
import { everything as byNode } from './node.mjs';
import { everything as byPython } from './python.mjs';
import { logged, port, start, url } from './server.mjs';

const { version } = createRequire(import.meta.url)('./node_modules/telnyx/package.json');
const HOST = 'telnyx.localhost';

// Browsers know that names below `localhost` are this machine (RFC 6761); not every resolver does.
const lookup = dns.lookup;
dns.lookup = (name, ...rest) => lookup(name === HOST ? '127.0.0.1' : name, ...rest);

let python = 'not run';
async function run() {
  for (const base of [`${url}/telnyx/v2`, `http://${HOST}:${port}/v2`]) await byNode(base);
  const done = await byPython(`${url}/telnyx/v2`);
  python = done.version;
  counted(done.passed);
}

const server = await start();
let failure;
try {
  await run();
} catch (cause) {
  failure = cause;
} finally {
  await server.stop();
}
if (failure) {
  console.error(failure);
  console.error(`--- the end of the server's log\n${logged()}`);
  console.log(`telnyx ${version}, Python ${python}: failed after ${count()} checks: ${failure.message}`);
  process.exit(1);
}
console.log(`telnyx ${version}, Python ${python}: ${count()} checks passed`);
