// An administrator's life at the console, in Chromium, against the real server.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { check, conclude, until } from '../shared/checks.mjs';
import { logged, scratch, url, withServer } from '../shared/server.mjs';
import { authenticator, launch, looked, site, version, visitor } from './browser.mjs';
import { configuration } from './configuration.mjs';
import { forms } from './forms.mjs';
import { begin, code, password, PASSWORD, signIn } from './people.mjs';
import { audited, crowd, users } from './users.mjs';

const PROVISION = `
[[project]]
name = "default"
[[project.application]]
name = "widget"
publishable_key = "0123456789abcdef0123456789abcdef"
sign_in = ["password", "guest"]
[[project.api_key]]
name = "backend"
value = "a key of the tests that is long enough"
scopes = ["*"]
[[project.identity]]
email = "agent@example.org"
password = "correct horse battery staple"
nickname = "Agent"
`;

/** The first owner's link, as the server printed it. */
async function firstLink() {
  const { found } = await until('the link of the first owner', () => logged().match(/http:\S+\/console\/begin\/rfl_[\w-]+/));
  return found[0];
}

async function firstAdministrator(browser) {
  const link = await firstLink();
  const visit = await visitor(browser);
  await check('nobody sees a page without signing in', async () => {
    await visit.page.goto(`${site}/console`);
    assert.equal(new URL(visit.page.url()).pathname, '/console/sign-in');
    await looked(visit.page, 'sign-in');
  });
  await check('a weak password is refused and the link stays open', async () => {
    await visit.page.goto(link.replace(url, site));
    await looked(visit.page, 'begin');
    await visit.page.getByLabel('Name').fill('ann');
    await visit.page.getByLabel('New password').fill('ringfence');
    await visit.page.getByRole('button', { name: 'Continue' }).click();
    await visit.page.getByRole('alert').getByText('At least 12 characters.').waitFor();
  });
  let ann;
  await check('the first administrator begins by the printed link', async () => {
    ann = await begin(visit.page, link, 'Ann');
    ann.name = 'ann';
    assert.equal(ann.codes.length, 10);
    await looked(visit.page, 'recovery');
  });
  await check('the link works once', async () => {
    const again = await fetch(link);
    assert.equal(again.status, 404);
  });
  await check('the console greets its owner', async () => {
    await visit.page.getByRole('link', { name: 'I have kept them' }).click();
    await visit.page.getByRole('heading', { name: 'Health' }).waitFor();
  });
  await check('the cookie is bound to this host, to TLS and to the server', async () => {
    const cookies = await visit.context.cookies();
    const own = cookies.find(({ name }) => name === '__Host-ringfence-console');
    assert.deepEqual([own.httpOnly, own.secure, own.sameSite, own.path], [true, true, 'Strict', '/']);
  });
  visit.quiet();
  return { ann, visit };
}

async function everyPage({ page, quiet }) {
  await page.goto(`${site}/console`);
  const links = await page.locator('nav.side a').evaluateAll((all) => all.map((one) => one.getAttribute('href')));
  for (const path of links) {
    await check(`${path} is shown at three widths, accessible and without a complaint`, async () => {
      const answer = await page.goto(`${site}${path}`);
      assert.equal(answer.status(), 200);
      assert.equal(await page.locator('nav.side a[aria-current="page"]').getAttribute('href'), path);
      await looked(page, path.slice(1).replaceAll('/', '-'));
      quiet();
    });
  }
  await check('pages are dark for who likes it dark', async () => {
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.goto(`${site}/console`);
    await looked(page, 'console-dark');
    await page.emulateMedia({ colorScheme: 'light' });
  });
  for (const [lang, title] of [['fr', 'État'], ['it', 'Stato'], ['de', 'Zustand'], ['es', 'Estado'], ['en', 'Health']]) {
    await check(`the console speaks ${lang}`, async () => {
      await page.goto(`${site}/console?lang=${lang}`);
      assert.equal(await page.locator('html').getAttribute('lang'), lang);
      await page.getByRole('heading', { name: title, exact: true }).waitFor();
    });
  }
  return links;
}

async function factors(browser, ann, { page, quiet }) {
  await check('N80: a code works once, and codes of other steps never', async () => {
    const other = await visitor(browser);
    await password(other.page, 'ann');
    await other.page.waitForURL('**/console/factor');
    await looked(other.page, 'factor');
    // One more ahead than is refused, for time goes on while the form is sent.
    for (const away of [-2, 3]) {
      await other.page.getByLabel('Code of your generator').fill(code(ann.secret, away));
      await other.page.getByRole('button', { name: 'Continue' }).first().click();
      await other.page.getByText('That was not right.').waitFor();
    }
    await other.close();
    const first = await visitor(browser);
    const once = code(ann.secret, 1);
    await signIn(first.page, ann, once);
    await password(first.page, 'ann');
    await first.page.waitForURL('**/console/factor');
    await first.page.getByLabel('Code of your generator').fill(once);
    await first.page.getByRole('button', { name: 'Continue' }).first().click();
    await first.page.getByText('That was not right.').waitFor();
    first.quiet();
    await first.close();
  });
  await check('N81: who has shown the password only is refused everything else', async () => {
    const half = await visitor(browser);
    await password(half.page, 'ann');
    await half.page.waitForURL('**/console/factor');
    for (const path of ['/console', '/console/administrators', '/console/account']) {
      const answer = await half.page.goto(`${site}${path}`);
      assert.equal(answer.status(), 401);
      assert.equal(await half.page.locator('[data-code]').getAttribute('data-code'), 'mfa_required');
    }
    await half.close();
  });
  await check('a recovery code opens the console once', async () => {
    const lost = await visitor(browser);
    for (const works of [true, false]) {
      await password(lost.page, 'ann');
      await lost.page.waitForURL('**/console/factor');
      await lost.page.getByText('I have no access to it').click();
      await lost.page.getByLabel('Recovery code').fill(ann.codes[0].toUpperCase());
      await lost.page.getByRole('button', { name: 'Continue' }).last().click();
      if (works) await lost.page.waitForURL('**/console');
      else await lost.page.getByText('That was not right.').waitFor();
    }
    await lost.close();
  });
  await check('a passkey is added, signs in by itself, and only while its user is recognised', async () => {
    const device = await authenticator(page);
    await page.goto(`${site}/console/account`);
    await page.getByLabel('Name of the passkey').fill('laptop');
    await page.locator('#password-passkey').fill(PASSWORD);
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByText('Done.').waitFor();
    await page.getByRole('heading', { name: 'laptop' }).waitFor();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForURL('**/console/sign-in');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL('**/console');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await device.recognises(false);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.getByText('The passkey was not used.').waitFor();
    await device.recognises(true);
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL('**/console');
    quiet();
  });
  await check('a passkey stands in for the code', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    await password(page, 'ann');
    await page.waitForURL('**/console/factor');
    await page.getByRole('button', { name: 'Use a passkey' }).click();
    await page.waitForURL('**/console');
    quiet();
  });
}

async function run() {
  const browser = await launch();
  try {
    const { ann, visit } = await firstAdministrator(browser);
    await factors(browser, ann, visit);
    await crowd();
    const pages = await everyPage(visit);
    await users(visit);
    await forms(browser, ann, visit, pages);
    await audited(visit);
    // Last: it leaves guests, sessions and entries that others would count.
    await configuration(visit);
  } finally {
    await browser.close();
  }
}

writeFileSync(join(scratch, 'README'), 'screenshots of the console\n');
await conclude(() => `console, playwright-core ${version}`, () => withServer(PROVISION, run));
