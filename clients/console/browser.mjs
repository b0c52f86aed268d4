// A browser with an administrator in front of it: everything it complains of is a failure.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { port, scratch } from '../shared/server.mjs';

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

export const { version } = require('playwright-core/package.json');
/** Passkeys need a name (WebAuthn 5.1.2); browsers know this one for this machine. */
export const site = `http://localhost:${port}`;

const shots = join(scratch, 'screenshots');
mkdirSync(shots, { recursive: true });

export async function launch() {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
}

/** A browser profile of its own, with complaints collected. */
export async function visitor(browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // A refusal that was asked for is no complaint; Chromium logs each status above 400.
    if (message.type() === 'error' && !/status of 4\d\d/.test(message.text())) complaints.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`);
  });
  const quiet = () => assert.deepEqual(complaints, []);
  return { context, page, quiet, close: () => context.close() };
}

/** Nothing serious or critical, by WCAG 2.2 AA (axe-core), run in a world of its own, so that the policy stays as it is. */
export async function accessible(page) {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send('Page.getFrameTree');
  const world = await client.send('Page.createIsolatedWorld', { frameId: frameTree.frame.id, worldName: 'axe' });
  const contextId = world.executionContextId;
  await client.send('Runtime.evaluate', { expression: axe, contextId });
  const { result, exceptionDetails } = await client.send('Runtime.evaluate', {
    contextId,
    awaitPromise: true,
    returnByValue: true,
    expression: `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
      .then(({ violations }) => violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' ')))`,
  });
  await client.detach();
  assert.equal(exceptionDetails, undefined);
  assert.deepEqual(result.value, []);
}

/** At three widths: nothing is wider than the page, axe is content, a picture is taken. */
export async function looked(page, name) {
  for (const width of [360, 768, 1280]) {
    await page.setViewportSize({ width, height: 900 });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px too wide at ${width}`);
    await page.screenshot({ path: join(shots, `${name}-${width}.png`), fullPage: true });
  }
  await accessible(page);
}

/** An authenticator of this browser, with its user present and recognised. */
export async function authenticator(page) {
  const client = await page.context().newCDPSession(page);
  await client.send('WebAuthn.enable');
  const { authenticatorId } = await client.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    client,
    id: authenticatorId,
    recognises: (isUserVerified) => client.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
  };
}
