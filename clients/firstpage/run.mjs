// The pages of `ringfence dev`: the demonstration from guest to revocation, by mouse and by keyboard, in five languages, light and
// dark, at three widths.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ask, check, conclude, until } from '../shared/checks.mjs';
import { beside, port, scratch, url, withServer } from '../shared/server.mjs';
import { LANGUAGES, Reader, WIDTHS, withBrowser } from './browser.mjs';

let browser;

const shell = async (line) => (await promisify(execFile)('bash', ['-euc', line], { cwd: scratch, timeout: 20_000 })).stdout;

/** The devices and the server of the demonstration. */
const scene = (page) => {
  const device = (id) => ({
    press: (part) => page.click(`#${id} [data-part=${part}]`),
    is: (state) => page.waitForSelector(`#${id}[data-state=${state}]`),
    says: (part) => page.textContent(`#${id} [data-part=${part}]`),
  });
  const live = () => page.$$eval('#live > li', (rows) => rows.map((row) => ({ id: row.id, text: row.textContent })));
  const seen = (count) => until(`${count} connections`, async () => (await live()).length === count && live());
  const curl = async (action) => {
    await page.click(`#actions [data-action=${action}]`);
    return page.getAttribute('#code-curl', 'data-full');
  };
  return { laptop: device('laptop'), phone: device('phone'), seen: async (count) => (await seen(count)).found, curl };
};

async function demonstration() {
  const reader = await Reader.of(browser);
  const page = await reader.open('/');
  const { laptop, phone, seen, curl } = scene(page);
  await check('nobody is there at first', async () => {
    assert.equal(await page.title(), 'See it work · Ringfence');
    await seen(0);
    await reader.inspect('first');
  });
  await check('a guest comes in', async () => {
    await laptop.press('start');
    await laptop.is('open');
    const [guest] = await seen(1);
    assert.match(guest.text, /Visitor .*guest.*Laptop.*native/);
  });
  await check('and becomes a member on the same connection', async () => {
    const [before] = await seen(1);
    await page.click('#laptop form button');
    const [after] = (await until('a member', async () => { const rows = await seen(1); return /member/.test(rows[0].text) && rows; })).found;
    assert.equal(after.id, before.id);
    assert.match(await laptop.says('said'), /same open connection/);
  });
  await check('who opens a second device', async () => {
    await phone.press('start');
    await phone.is('open');
    assert.deepEqual((await seen(2)).map(({ text }) => /Phone/.test(text)), [false, true]);
    await reader.inspect('two-devices');
  });
  await check('a token is renewed while the connection stays open', async () => {
    await laptop.press('renew');
    await until('it says so', async () => /Renewed/.test(await laptop.says('said')));
  });
  await check('every button shows its line with the ids, and the lines work', async () => {
    assert.match(await shell(await curl('guest')), /"access_token":"eyJ/);
    assert.match(await shell(await curl('device')), /"kind":"member"/);
    assert.match(await shell(await curl('member')), /already_member|conflict|address_taken|"status":\d+/);
    for (const action of ['guest', 'member', 'device', 'renew', 'revoke', 'leave']) {
      await page.click(`#actions [data-action=${action}]`);
      for (const kind of ['curl', 'typescript', 'vendor']) assert.ok((await page.textContent(`#code-${kind}`)).length > 10);
    }
    await page.click('#actions [data-action=guest]');
    await page.click('[data-copy=code-curl]');
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.equal(copied, await page.getAttribute('#code-curl', 'data-full'));
  });
  await check('one is cut off, and says by which code and why', async () => {
    await page.click('#live > li:first-child button');
    await laptop.is('closed');
    assert.equal(await laptop.says('code'), 'Closed with 4403 session_revoked');
    assert.match(await laptop.says('reason'), /Your server ended this session/);
    await seen(1);
    await reader.inspect('revoked');
  });
  await check('the line of the server ends a session of anybody', async () => {
    await page.click('#actions [data-action=revoke]');
    await laptop.press('start');
    await laptop.is('open');
    await seen(2);
    const id = await page.getAttribute('#live > li:has-text("Laptop")', 'data-session');
    const line = (await curl('revoke')).replace(/sessions\/.*$/, `sessions/${id}`);
    await shell(line);
    await until('it is closed', () => page.$('#laptop[data-state=closed]'));
  });
  await check('leaving ends it', async () => {
    await phone.press('leave');
    await phone.is('closed');
    assert.match(await phone.says('reason'), /You left/);
    await seen(0);
  });
  await reader.leave();
}

async function byKeyboard() {
  const reader = await Reader.of(browser);
  const page = await reader.open('/');
  const { laptop, phone, seen } = scene(page);
  /** Goes on with Tab until the focus is where it is wanted. */
  const reach = async (selector) => {
    for (let steps = 0; steps < 60; steps += 1) {
      if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${selector} is not reached by Tab`);
  };
  await check('the whole demonstration by keyboard alone', async () => {
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
    await page.keyboard.press('Enter');
    await reach('#laptop [data-part=start]');
    await page.keyboard.press('Enter');
    await laptop.is('open');
    await reach('#laptop form button');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#phone [data-part=start]:not(:disabled)');
    await reach('#phone [data-part=start]');
    await page.keyboard.press('Space');
    await phone.is('open');
    await seen(2);
    await reach('#live > li:last-child button');
    await page.keyboard.press('Enter');
    await phone.is('closed');
    await seen(1);
    assert.notEqual(await page.evaluate(() => document.activeElement.tagName), 'BODY');
  });
  await reader.leave();
}

/** How far the pages beside the first one are looked at: in each language narrow and light, wide and dark. */
const elsewhere = (locale) => ['/dev/mailbox', '/nothing/here', '/email', '/reset', ...(locale === 'en' ? ['/api/v1', '/problems/throttled'] : [])];

async function languages() {
  const titles = new Set();
  for (const [turn, locale] of LANGUAGES.entries()) {
    for (const [at, width] of WIDTHS.entries()) {
      const colorScheme = (turn + at) % 2 ? 'dark' : 'light';
      await check(`${locale}, ${colorScheme}, ${width} wide`, async () => {
        const reader = await Reader.of(browser, { locale, colorScheme, width });
        const page = await reader.open('/');
        assert.equal(await page.getAttribute('html', 'lang'), locale);
        titles.add(await page.textContent('h1'));
        await scene(page).laptop.press('start');
        await scene(page).laptop.is('open');
        await page.waitForSelector('#live > li');
        await reader.inspect('guest');
        for (const path of width === 768 ? [] : elsewhere(locale)) {
          await page.goto(url + path);
          // That nothing is there is no fault of the page.
          if (path === '/nothing/here') reader.complaints.length = 0;
          await reader.inspect(path.replaceAll('/', '_'));
        }
        await reader.leave();
      });
    }
  }
  assert.equal(titles.size, LANGUAGES.length);
  await check('a language that was chosen stays', async () => {
    const reader = await Reader.of(browser, { locale: 'fr' });
    const page = await reader.open('/');
    await page.click('.foot a[lang=it]');
    await reader.open('/dev/mailbox');
    assert.equal(await page.getAttribute('html', 'lang'), 'it');
    await reader.leave();
  });
}

async function mailbox() {
  await check('a mail is shown as its reader sees it, and its link works', async () => {
    const reader = await Reader.of(browser);
    const page = await reader.open('/dev/mailbox');
    const link = page.frameLocator('iframe').first().locator('a');
    const [opened] = await Promise.all([reader.context.waitForEvent('page'), link.click()]);
    await opened.waitForLoadState();
    assert.equal(await opened.textContent('h1'), 'Confirm your e-mail address');
    await opened.click('main button');
    assert.equal(await opened.textContent('h1'), 'Your e-mail address is confirmed');
    await page.locator('summary').first().click();
    assert.match(await page.locator('pre a').first().getAttribute('href'), /^http:\/\/127\.0\.0\.1:\d+\/email\//);
    await reader.inspect('mail');
    await reader.leave();
  });
}

/** What is asked under another name than ours, or by a page of another site. */
const foreign = (path, headers, method = 'GET') =>
  new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers }, (answer) => resolve(answer.resume().statusCode));
    asked.once('error', reject).end();
  });

async function guarded() {
  await check('n43: who is connected is told to our own page only', async () => {
    const own = `127.0.0.1:${port}`;
    assert.equal(await foreign('/dev/connections', { host: own }), 200);
    assert.equal(await foreign('/dev/connections', { host: `localhost:${port}` }), 200);
    assert.equal(await foreign('/dev/connections', { host: `evil.example:${port}` }), 404);
    assert.equal(await foreign('/dev/connections', { host: own, origin: 'http://evil.example' }), 404);
    assert.equal(await foreign('/dev/connections', { host: own, 'sec-fetch-site': 'cross-site' }), 404);
    const session = '/dev/sessions/01980000-0000-7000-8000-000000000000';
    assert.equal(await foreign(session, { host: own, origin: 'null' }, 'DELETE'), 404);
    assert.doesNotMatch(await (await fetch(url)).text(), /rfk_/);
  });
}

/** The examples with times so short that one sees the end of a token. */
async function expiry() {
  const file = join(scratch, 'ringfence-dev.toml');
  const quick = [['access = "60s"', 'access = "9s"'], ['warning = "20s", grace = "10s"', 'warning = "6s", grace = "2s"']];
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, quick.reduce((done, [from, to]) => done.replace(from, to), text));
  await beside(['dev'], async () => {
    const reader = await Reader.of(browser);
    const page = await reader.open('/');
    const { laptop } = scene(page);
    await check('the server warns before a token ends, and a renewal keeps the connection', async () => {
      await laptop.press('start');
      await until('a warning', async () => /warned/.test(await laptop.says('said')));
      await reader.inspect('warned');
      await until('a renewal', async () => /Renewed/.test(await laptop.says('said')));
    });
    await check('without one it is closed, and with a new token it comes back', async () => {
      await page.uncheck('#laptop input[type=checkbox]');
      await until('the end', () => page.$('#laptop[data-state=closed]'), 20_000);
      assert.equal(await laptop.says('code'), 'Closed with 4401 token_expired');
      await reader.inspect('expired');
      await laptop.press('start');
      await laptop.is('open');
    });
    await reader.leave();
  });
}

async function plain() {
  const nothing = async () => {
    const { text, headers } = await ask('GET', url, { headers: { accept: 'text/html' } });
    assert.doesNotMatch(text, /demo|\/dev\//);
    assert.match(headers.get('content-security-policy'), /^default-src 'none'; .*frame-ancestors 'none'/);
    assert.equal((await ask('GET', `${url}/dev/connections`)).status, 404);
  };
  await beside(['serve'], () =>
    check('serve shows a plain page and nothing of development', async () => {
      await nothing();
      assert.equal((await ask('GET', `${url}/dev/mailbox`)).status, 404);
      const reader = await Reader.of(browser);
      await reader.open('/');
      await reader.inspect('plain');
      await reader.leave();
    }),
  );
  await withServer('[[project]]\nname = "default"\n', () => check('dev with a file of one’s own demonstrates nothing', async () => {
    assert.doesNotMatch((await ask('GET', url)).text, /id="demo"/);
  }));
}

await conclude(
  () => 'pages of dev in Chromium',
  () =>
    withBrowser(async (opened) => {
      browser = opened;
      await beside(['dev'], async () => {
        await demonstration();
        await byKeyboard();
        await mailbox();
        await guarded();
        await languages();
      });
      await expiry();
      await plain();
    }),
);
