// Changes: whose they are, who is refused, and what a form from elsewhere or from before is worth.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { looked, site, visitor } from './browser.mjs';
import { begin, PASSWORD } from './people.mjs';

/** A form sent by hand, with the cookie of a browser. */
async function sent(context, path, fields, { origin = site, csrf } = {}) {
  const cookies = await context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
  const body = new URLSearchParams({ ...(csrf ? { csrf } : {}), ...fields });
  const headers = { cookie, 'content-type': 'application/x-www-form-urlencoded', ...(origin ? { origin } : {}) };
  return fetch(`${site}${path}`, { method: 'POST', headers, body, redirect: 'manual' });
}

const tokenOf = (page) => page.locator('input[name="csrf"]').first().inputValue();

async function newAdministrator(browser, owner, name, role) {
  await owner.page.goto(`${site}/console/administrators`);
  await owner.page.locator('#name').fill(name);
  await owner.page.locator('#role').selectOption(role);
  await owner.page.locator('#password').fill(PASSWORD);
  await owner.page.getByRole('button', { name: 'Add', exact: true }).click();
  const link = await owner.page.locator('#link').textContent();
  await looked(owner.page, 'link');
  const visit = await visitor(browser);
  const who = await begin(visit.page, link, null);
  await visit.page.getByRole('link', { name: 'I have kept them' }).click();
  return { visit, who: { ...who, name } };
}

export async function forms(browser, ann, owner, pages) {
  const { page, context } = owner;
  await page.goto(`${site}/console/account`);
  const csrf = await tokenOf(page);

  await check('N45: a form without the token, or from another origin, is refused', async () => {
    const password = { password: PASSWORD, new_password: 'another quiet harbour' };
    for (const how of [{}, { csrf: 'x' }, { csrf, origin: 'https://evil.example' }, { csrf, origin: null }, { csrf, origin: 'null' }]) {
      assert.equal((await sent(context, '/console/account/password', password, how)).status, 403);
    }
    const framed = await fetch(`${site}/console/sign-in`);
    assert.equal(framed.headers.get('x-frame-options'), 'DENY');
    assert.match(framed.headers.get('content-security-policy'), /frame-ancestors 'none'/);
    assert.doesNotMatch(framed.headers.get('content-security-policy'), /unsafe/);
  });
  await check('N42: what follows a sign-in is a 303', async () => {
    const fields = new URLSearchParams({ name: 'ann', password: PASSWORD });
    const headers = { origin: site, 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await fetch(`${site}/console/sign-in`, { method: 'POST', headers, body: fields, redirect: 'manual' });
    assert.equal(answer.status, 303);
  });
  await check('N43: links of the console are made of the configured address', async () => {
    const headers = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example;proto=https' };
    const answer = await fetch(`${site}/console`, { headers, redirect: 'manual' });
    assert.equal(answer.headers.get('location'), '/console/sign-in');
  });
  await check('N78: own password and factors change only for who shows the present password', async () => {
    const changes = [
      ['/console/account/password', { new_password: 'another quiet harbour' }],
      ['/console/account/totp/remove', {}],
      ['/console/account/recovery', {}],
      ['/console/administrators', { name: 'eve', role: 'owner' }],
    ];
    for (const [path, fields] of changes) {
      for (const password of ['', 'wrong wrong wrong']) {
        const answer = await sent(context, path, { ...fields, password }, { csrf });
        assert.ok([403, 429].includes(answer.status), `${path} ${answer.status}`);
      }
    }
  });

  const reader = await newAdministrator(browser, owner, 'rita', 'read-only');
  await check('a read-only administrator sees every page and none of the forms that change anything', async () => {
    for (const path of pages) {
      const answer = await reader.visit.page.goto(`${site}${path}`);
      assert.equal(answer.status(), 200, path);
      if (path === '/console/account') continue;
      const offered = await reader.visit.page.locator('main form[method="post"]').count();
      assert.equal(offered, 0, `${path} offers a change`);
    }
    reader.visit.quiet();
  });
  await check('a read-only administrator is refused changes sent by hand', async () => {
    await reader.visit.page.goto(`${site}/console/account`);
    const own = await tokenOf(reader.visit.page);
    const asked = { name: 'eve', role: 'owner', password: PASSWORD };
    const answer = await sent(reader.visit.context, '/console/administrators', asked, { csrf: own });
    assert.equal(answer.status, 403);
    assert.match(await answer.text(), /data-code="forbidden"/);
  });
  await check('the form of a second tab that is stale changes nothing', async () => {
    const [tab, other] = [page, await context.newPage()];
    for (const one of [tab, other]) await one.goto(`${site}/console/administrators`);
    const set = async (one, role) => {
      const card = one.locator('section.card').filter({ has: one.getByRole('heading', { name: 'rita', exact: true }) });
      await card.getByLabel('Role').selectOption(role);
      await card.getByLabel('Your present password').fill(PASSWORD);
      await card.getByRole('button', { name: 'Set role' }).click();
    };
    await set(tab, 'operator');
    await tab.getByText('Done.').waitFor();
    await set(other, 'owner');
    await other.locator('[data-code="conflict"]').waitFor();
    await tab.goto(`${site}/console/administrators`);
    assert.match(await tab.getByRole('row').filter({ hasText: 'rita' }).textContent(), /Operator/);
    await other.close();
  });
  await check('an administrator who is reset is signed out', async () => {
    await page.goto(`${site}/console/administrators`);
    const card = page.locator('section.card').filter({ has: page.getByRole('heading', { name: 'rita', exact: true }) });
    await card.getByLabel('Your present password').fill(PASSWORD);
    page.once('dialog', (dialog) => dialog.accept());
    await card.getByRole('button', { name: 'Reset factors' }).click();
    await page.locator('#link').waitFor();
    await reader.visit.page.goto(`${site}/console`);
    assert.equal(new URL(reader.visit.page.url()).pathname, '/console/sign-in');
  });
  await reader.visit.close();
  owner.quiet();
}
