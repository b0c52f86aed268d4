// People of a project: found, changed, suspended, signed out; and what the audit log says of it.

import assert from 'node:assert/strict';

import { ask, check } from '../shared/checks.mjs';
import { url } from '../shared/server.mjs';
import { looked, site } from './browser.mjs';

const KEY = '0123456789abcdef0123456789abcdef';
const AGENT = 'agent@example.org';

const native = (path, body) =>
  ask('POST', `${url}/api/v1${path}`, { headers: { 'content-type': 'application/json' }, body: JSON.stringify({ application: KEY, ...body }) });

/** Guests and a member who are signed in, and somebody who asks for too much mail. */
export async function crowd() {
  for (let number = 0; number < 60; number += 1) assert.equal((await native('/guests', {})).status, 201);
  assert.equal((await native('/sign-in', { email: AGENT, password: 'correct horse battery staple' })).status, 200);
  // Nobody has this address, and asking for mail to it is counted all the same.
  for (let letter = 0; letter < 6; letter += 1) await native('/verifications/password-reset', { email: 'nobody@example.org' });
}

export async function users({ page, quiet }) {
  await check('guests are listed in pages', async () => {
    await page.goto(`${site}/console/users?kind=guest`);
    assert.equal(await page.locator('tbody tr').count(), 50);
    await page.getByRole('link', { name: 'Next page' }).click();
    const more = await page.locator('tbody tr').count();
    assert.ok(more >= 10 && more < 50, `${more}`);
    assert.equal(await page.getByRole('link', { name: 'Next page' }).count(), 0);
  });
  await check('a user is found by address and shown with sessions', async () => {
    await page.goto(`${site}/console/users`);
    await page.getByLabel('E-mail address or id').fill(AGENT.toUpperCase());
    await page.getByRole('button', { name: 'Find' }).click();
    await page.getByRole('link', { name: 'Agent', exact: true }).click();
    await page.getByRole('heading', { name: 'Agent' }).waitFor();
    assert.equal(await page.locator('tbody tr').count(), 1);
    await looked(page, 'user');
  });
  await check('a stale profile does not write over a newer one', async () => {
    const other = await page.context().newPage();
    await other.goto(page.url());
    await page.getByLabel('Nickname').fill('Agent Ann');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Done.').waitFor();
    await other.getByLabel('Nickname').fill('Agent Bob');
    await other.getByRole('button', { name: 'Save' }).click();
    await other.locator('[data-code="conflict"]').waitFor();
    await other.close();
    assert.equal(await page.getByLabel('Nickname').inputValue(), 'Agent Ann');
  });
  await check('sessions of a user are ended', async () => {
    await page.getByRole('button', { name: 'End all sessions' }).click();
    await page.getByText('Done.').waitFor();
    assert.equal(await page.locator('tbody tr').count(), 0);
  });
  await check('a suspended user cannot sign in until they are restored', async () => {
    const status = async () => (await native('/sign-in', { email: AGENT, password: 'correct horse battery staple' })).status;
    await page.getByRole('button', { name: 'Suspend', exact: true }).click();
    await page.getByText('suspended').waitFor();
    assert.equal(await status(), 403);
    await page.getByRole('button', { name: 'Lift suspension' }).click();
    await page.getByText('active').waitFor();
    assert.equal(await status(), 200);
  });
  await check('who asked for too much has to wait until they are let off', async () => {
    await page.goto(`${site}/console/throttled`);
    const rows = await page.locator('tbody tr').count();
    assert.ok(rows > 0);
    await looked(page, 'throttled-rows');
    await page.getByRole('button', { name: 'Let off' }).first().click();
    await page.getByText('Done.').waitFor();
    assert.equal(await page.locator('tbody tr').count(), rows - 1);
  });
  await check('keys rotate and old ones go on verifying', async () => {
    await page.goto(`${site}/console/keys`);
    const before = await page.locator('tbody tr').count();
    page.once('dialog', (dialog) => dialog.accept());
    await page.getByRole('button', { name: 'Make new keys now' }).click();
    await page.getByText('Done.').waitFor();
    assert.ok((await page.locator('tbody tr').count()) > before);
    await page.getByText('verifies until').first().waitFor();
  });
  quiet();
}

export async function audited({ page, quiet }) {
  await check('N98: every change is in the audit log with its administrator, and the chain is whole', async () => {
    await page.goto(`${site}/console/audit`);
    // Entries are linked within three seconds.
    await page.waitForTimeout(3500);
    await page.getByLabel('Project').selectOption({ label: 'default' });
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByText('The chain is whole.').waitFor();
    const text = await page.locator('tbody').textContent();
    for (const action of ['identity.suspended', 'identity.restored', 'profile.changed']) assert.match(text, new RegExp(`administrator[: ]\\S+?${action}`));
    await looked(page, 'audit-rows');
    await page.getByRole('link', { name: 'Older' }).click();
    assert.ok((await page.locator('tbody tr').count()) > 0);
    await page.getByLabel('Project').selectOption('installation');
    await page.getByRole('button', { name: 'Verify the chain' }).click();
    await page.getByText('The chain is whole.').waitFor();
    assert.match(await page.locator('tbody').textContent(), /throttle\.lifted/);
  });
  quiet();
}
