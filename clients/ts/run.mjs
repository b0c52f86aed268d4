// Builds @ringfence/client, tests it, and drives it in Chromium against the real server.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

import { check, conclude } from '../shared/checks.mjs';
import { withServer } from '../shared/server.mjs';
import { PROVISION } from './provision.mjs';

/** Bytes that the minified client may have. */
const MOST = 10_000;

const here = (name) => new URL(name, import.meta.url);
const node = (...words) => execFileSync(process.execPath, words, { cwd: here('.'), stdio: 'pipe', encoding: 'utf8' });

async function built() {
  await check('the types hold, and the unit tests pass', async () => {
    node('build.mjs');
    node('node_modules/typescript/bin/tsc', '--noEmit');
    node('--test', 'dist-test/');
  });
  await check(`the client has less than ${MOST} bytes`, async () => {
    const { length } = readFileSync(here('dist/index.js'));
    if (length >= MOST) throw new Error(`${length} bytes`);
  });
}

async function run() {
  await built();
  const { launch } = await import('./page.mjs');
  const { electing, losing, merging, revoking, skewed, upgrading } = await import('./sessions.mjs');
  const { cutting, framed, sleeping, takingOver } = await import('./connections.mjs');
  const { readme } = await import('./readme.mjs');
  const browser = await launch();
  try {
    // Most of each is waiting for tokens to end.
    await Promise.all([upgrading, electing, sleeping].map((scenario) => scenario(browser)));
    await Promise.all([losing, cutting, skewed].map((scenario) => scenario(browser)));
    await Promise.all([revoking, framed, merging, takingOver, readme].map((scenario) => scenario(browser)));
  } finally {
    await browser.close();
  }
}

await conclude(() => '@ringfence/client in Chromium', () => withServer(PROVISION, run));
