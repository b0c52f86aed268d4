// Drives Telnyx's own REST clients, of npm and of PyPI, against the real server.

import { createRequire } from 'node:module';

import { conclude, counted, resolveLocally } from '../shared/checks.mjs';
import { port, url, withServer } from '../shared/server.mjs';
import { everything as byNode } from './node.mjs';
import { PROVISION } from './provision.mjs';
import { everything as byPython } from './python.mjs';

const { version } = createRequire(import.meta.url)('./node_modules/telnyx/package.json');
const HOST = 'telnyx.localhost';
resolveLocally(HOST);

let python = 'not run';
await conclude(
  () => `telnyx ${version}, Python ${python}`,
  () =>
    withServer(PROVISION, async () => {
      for (const base of [`${url}/telnyx/v2`, `http://${HOST}:${port}/v2`]) await byNode(base);
      const done = await byPython(`${url}/telnyx/v2`);
      python = done.version;
      counted(done.passed);
    }),
);
