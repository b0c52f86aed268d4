// The page of a reset link in a browser: by keyboard alone, without a script, judged by axe.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import axe from 'axe-core';
import { chromium } from 'playwright-core';

import { check } from '../shared/checks.mjs';
import { mailed, scratch, url } from '../shared/server.mjs';
import { newcomer } from './account.mjs';
import { js } from './libraries.mjs';

export const { version } = createRequire(import.meta.url)('axe-core/package.json');

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
/** Where screenshots go, to be looked at. */
const shots = process.env.KEYCLIC_SHOTS ?? scratch;

/** Looks at a page and has axe judge it. */
async function judged(page, name) {
  await page.screenshot({ path: join(shots, `${name}.png`) });
  // Evaluated by the debugger, so the page's policy lets it run.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
  assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`), []);
}

async function resetLink(email) {
  await js('POST', '/security/password/change-request', { body: { email } });
  return `${url}/reset/${await mailed(email, `${url}/reset/`)}`;
}

/** Sets a password by keyboard alone. */
async function byKeyboard(page, link) {
  await page.goto(link);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
  await page.keyboard.type('short');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
  assert.equal(await page.getAttribute('#password', 'aria-invalid'), 'true');
  await judged(page, 'reset-fault');
  await page.keyboard.type('nine bright pebbles');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'BUTTON');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${url}/reset`);
  await judged(page, 'reset-done');
}

async function inBrowser(browser) {
  const eve = await newcomer('eve@example.org');
  const link = await resetLink(eve.email);
  for (const [name, options] of [
    ['reset-light', { locale: 'en-US' }],
    ['reset-dark', { locale: 'fr-FR', colorScheme: 'dark' }],
    ['reset-phone', { locale: 'es-ES', viewport: { width: 360, height: 640 } }],
    ['reset-phone-dark', { locale: 'fr-FR', viewport: { width: 320, height: 568 }, colorScheme: 'dark' }],
  ]) {
    await check(`the page is accessible: ${name}`, async () => {
      const context = await browser.newContext(options);
      const page = await context.newPage();
      const problems = [];
      page.on('console', (message) => problems.push(message.text()));
      page.on('pageerror', (error) => problems.push(error.message));
      const answer = await page.goto(link);
      assert.equal(answer.status(), 200);
      assert.equal(await page.evaluate(() => document.documentElement.lang), options.locale.slice(0, 2));
      assert.equal(await page.evaluate(() => document.scripts.length), 0);
      // Nothing is cut off or scrolls sideways, on the narrowest of phones too (WCAG 1.4.10).
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= globalThis.innerWidth), true);
      await judged(page, name);
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
  await check('the keyboard alone sets a password', async () => {
    const context = await browser.newContext({ locale: 'en-US', colorScheme: 'dark' });
    await byKeyboard(await context.newPage(), link);
    await context.close();
    const login = await js('POST', '/security/login', { body: { login: eve.email, password: 'nine bright pebbles' } });
    assert.equal(login.status, 200);
  });
  await check('without JavaScript it works too, and a used link says so', async () => {
    const context = await browser.newContext({ locale: 'en-US', javaScriptEnabled: false });
    const page = await context.newPage();
    const fresh = await resetLink(eve.email);
    await page.goto(fresh);
    await page.keyboard.type('ten bright pebbles');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${url}/reset`);
    const dead = await page.goto(fresh);
    assert.equal(dead.status(), 404);
    await page.screenshot({ path: join(shots, 'reset-dead.png') });
    await context.close();
  });
}

/** Starts the browser with a profile of its own, and ends it. */
export async function pages() {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  try {
    await inBrowser(browser);
  } finally {
    await browser.close();
  }
}
