// What an administrator configures: applications and their keys, issuers, back ends, webhooks, assistants, relays, projects; who is
// cut off; mails, plots.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';

import { ask, check, until } from '../shared/checks.mjs';
import { url } from '../shared/server.mjs';
import { looked, site } from './browser.mjs';

const PUBLISHABLE = '0123456789abcdef0123456789abcdef';

/** Whether a back end's key opens the API. */
const opens = async (key) =>
  (await ask('GET', `${url}/api/v1/admin/project`, { headers: { authorization: `Bearer ${key}` } })).status === 200;

/** Whether a page that names this application gets a guest. */
const admits = async (application) => {
  const headers = { 'content-type': 'application/json' };
  return ask('POST', `${url}/api/v1/guests`, { headers, body: JSON.stringify({ application }) });
};

/** Somebody comes and goes, which webhooks are told of. */
async function passer() {
  const { access_token: token } = (await admits(PUBLISHABLE)).json;
  const answer = await ask('POST', `${url}/api/v1/sign-out`, { headers: { authorization: `Bearer ${token}` } });
  assert.ok(answer.status < 300, answer.text);
}

export async function configuration({ page, context, quiet }) {
  const press = (name, within = page) => within.getByRole('button', { name }).click();
  const done = () => page.getByText('Done.', { exact: true }).waitFor();
  const accept = () => page.once('dialog', (dialog) => dialog.accept());
  const main = page.locator('main');
  const keys = () => page.$$eval('code[id^=key-]', (all) => all.map((one) => one.textContent));

  let home;
  await check('an application is made with a publishable key that works', async () => {
    await page.goto(`${site}/console/applications`);
    await page.locator('#name').fill('Help desk');
    await press('New application');
    await done();
    home = new URL(page.url()).pathname;
    const [key] = await keys();
    assert.equal((await admits(key)).status, 201);
    await looked(page, 'application');
  });
  await check('its key is changed without a gap', async () => {
    const [old] = await keys();
    await press('Add a key');
    await done();
    const two = await keys();
    assert.equal(two.length, 2);
    for (const key of two) assert.equal((await admits(key)).status, 201);
    accept();
    await page.locator('.card').filter({ hasText: old }).getByRole('button', { name: /^Remove/ }).click();
    await done();
    assert.equal((await admits(old)).status, 404);
    assert.equal((await admits((await keys())[0])).status, 201);
  });
  await check('a way in that is closed is closed, and a stale tab opens nothing', async () => {
    const [key] = await keys();
    const other = await context.newPage();
    await other.goto(`${site}${home}`);
    await page.goto(`${site}${home}`);
    await page.getByLabel('As a guest').uncheck();
    await press('Save');
    await done();
    assert.equal((await admits(key)).status, 501);
    await other.getByRole('button', { name: 'Save' }).click();
    await other.locator('[data-code="conflict"]').waitFor();
    await other.close();
    assert.equal((await admits(key)).status, 501);
  });
  await check('apiKey and secret are shown together once, and the secret never again', async () => {
    await press('New secret');
    const [apiKey, secret] = await page.$$eval('pre[id^=value-]', (all) => all.map((one) => one.textContent));
    assert.match(apiKey, /^[0-9a-f]{32}$/);
    assert.ok(secret.length >= 43);
    await looked(page, 'secret');
    await page.goto(`${site}${home}`);
    assert.ok(!(await page.content()).includes(secret));
    accept();
    await main.getByRole('button', { name: /^Revoke/ }).first().click();
    await done();
  });
  await check('an application that is switched off admits nobody', async () => {
    await page.getByLabel('As a guest').check();
    await press('Save');
    await done();
    const [key] = await keys();
    accept();
    await press('Switch off');
    await done();
    assert.equal((await admits(key)).status, 403);
    await press('Switch on');
    await done();
    assert.equal((await admits(key)).status, 201);
  });
  await check('the key of a back end is replaced while the old one counts, then revoked', async () => {
    await page.goto(`${site}/console/api-keys`);
    await page.locator('#label').fill('reports');
    await page.getByLabel('projects:read').check();
    await press('New key');
    const shown = () => page.locator('#value-1').textContent();
    const first = await shown();
    await page.getByRole('link', { name: 'I have kept them' }).click();
    const row = () => page.getByRole('row').filter({ hasText: 'reports' });
    await row().getByRole('button', { name: /^Replace/ }).click();
    const second = await shown();
    assert.deepEqual([await opens(first), await opens(second)], [true, true]);
    await page.getByRole('link', { name: 'I have kept them' }).click();
    assert.ok(!(await page.content()).includes(first) && !(await page.content()).includes(second));
    accept();
    await row().first().getByRole('button', { name: /^Revoke/ }).click();
    await done();
    assert.deepEqual([await opens(first), await opens(second)], [false, true]);
    await looked(page, 'api-keys');
  });
  await check('a webhook is made, gives up, is told again and is deleted', async () => {
    const told = [];
    const receiver = createServer((request, response) => {
      told.push(request.headers['webhook-id']);
      request.resume().on('end', () => response.writeHead(told.length === 1 ? 410 : 204).end());
    });
    await once(receiver.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${receiver.address().port}/told`;
    await page.goto(`${site}/console/webhooks`);
    await page.locator('#url').fill(address);
    await page.getByLabel('session-revoked').check();
    await press('New webhook');
    const secret = await page.locator('#value-1').textContent();
    assert.match(secret, /^whsec_/);
    await page.getByRole('link', { name: 'I have kept them' }).click();
    assert.ok(!(await page.content()).includes(secret));
    await looked(page, 'webhooks');
    await page.getByRole('link', { name: address }).click();
    const home = page.url();
    await passer();
    const row = page.locator('tbody > tr');
    const becomes = (state, query = '') =>
      until(`it is ${state}`, async () => {
        await page.goto(`${home}${query}`);
        return row.filter({ hasText: state }).count();
      });
    await becomes('given up', '?dead=true');
    await looked(page, 'webhook');
    await row.getByRole('button', { name: /^Tell again/ }).click();
    await done();
    await becomes('delivered');
    assert.deepEqual([told.length, new Set(told).size], [2, 1]);
    accept();
    await press('Switch off');
    await done();
    await main.getByText('switched off').waitFor();
    await page.goto(`${site}/console/webhooks`);
    accept();
    await page.getByRole('row').filter({ hasText: address }).getByRole('button', { name: /^Delete/ }).click();
    await done();
    assert.equal(await page.getByText(address).count(), 0);
    receiver.close();
    receiver.closeAllConnections();
  });
  await check('an assistant is added and removed', async () => {
    await page.goto(`${site}/console/targets`);
    await page.locator('#name').fill('assistant-1');
    await press('Add');
    await done();
    accept();
    await page.getByRole('row').filter({ hasText: 'assistant-1' }).getByRole('button').click();
    await done();
    assert.equal(await page.getByText('assistant-1').count(), 0);
  });
  await check('a SIP domain is added and switched off, and a TURN secret is adopted', async () => {
    await page.goto(`${site}/console/relays`);
    await page.locator('#name').fill('RTC.example.org');
    await press('Add a domain');
    await done();
    accept();
    await page.getByRole('row').filter({ hasText: 'rtc.example.org' }).getByRole('button', { name: /^Switch off/ }).click();
    await done();
    await page.getByText('switched off').waitFor();
    await press('Prepare a new secret');
    const secret = await page.locator('#secret').textContent();
    await looked(page, 'turn');
    await press('The relays have it: adopt');
    await done();
    assert.ok(!(await page.content()).includes(secret));
    await press('Show for relays');
    assert.equal(await page.locator('#value-1').textContent(), secret);
  });
  await check('somebody who is connected is seen and cut off', async () => {
    const { access_token: token } = (await admits(PUBLISHABLE)).json;
    const visitor = await context.newPage();
    await visitor.goto(site);
    await visitor.evaluate((token) => {
      const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/api/v1/socket`);
      socket.onopen = () => socket.send(JSON.stringify({ type: 'authenticate', token }));
      socket.onclose = ({ code, reason }) => (window.goodbye = `${code} ${reason}`);
    }, token);
    const row = page.locator('tbody > tr');
    await until('the connection is listed', async () => {
      await page.goto(`${site}/console/connections?face=native`);
      return row.count();
    });
    await looked(page, 'connections');
    await row.locator('a code').first().click();
    assert.match(page.url(), /node=node-/);
    accept();
    await row.getByRole('button', { name: /^Cut off/ }).click();
    await done();
    await until('its socket is closed', () => visitor.evaluate(() => window.goodbye === '4403 session_revoked'));
    await visitor.close();
  });
  await check('a connection is a tree of credentials and tokens', async () => {
    const backend = (path, body) => ask('POST', `${url}/telnyx/v2${path}`, {
      headers: { authorization: 'Bearer a key of the tests that is long enough', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const { data: group } = (await backend('/credential_connections', { connection_name: 'Desk', user_name: 'deskuser1', password: 'quiet harbour 77' })).json;
    const { data: credential } = (await backend('/telephony_credentials', { connection_id: group.id, name: 'ann' })).json;
    await backend(`/telephony_credentials/${credential.id}/token`, {});
    await page.goto(`${site}/console/endpoints`);
    await page.getByRole('link', { name: 'Desk' }).click();
    const branch = page.locator('.tree > li').filter({ hasText: credential.sip_username });
    await branch.getByRole('row').nth(1).waitFor();
    await looked(page, 'tree');
    await branch.getByRole('button', { name: /^End/ }).click();
    await done();
    await branch.getByText('No token counts now.').waitFor();
    accept();
    await branch.getByRole('button', { name: /^Delete/ }).click();
    await done();
    assert.equal(await branch.count(), 0);
  });
  await check('every mail is shown in each language', async () => {
    for (const [language, words] of [['de', /neues Passwort/i], ['it', /nuova password/]]) {
      await page.goto(`${site}/console/mails?language=${language}`);
      await page.getByRole('heading', { name: words }).first().waitFor();
      assert.equal(await page.locator('iframe').count(), 7);
    }
    const framed = page.frameLocator('iframe').first();
    await framed.getByRole('link', { name: 'https://example.org/link' }).waitFor();
  });
  await check('plots show what just happened', async () => {
    await page.goto(`${site}/console/plots`);
    assert.ok((await page.locator('svg rect.good').count()) > 0);
    const guests = page.getByRole('row').filter({ hasText: 'As a guest' });
    assert.ok(Number(await guests.getByRole('cell').nth(0).textContent()) >= 5);
    await page.getByText(/sockets closed; the slowest took/).first().waitFor();
    await looked(page, 'plots');
  });
  await check('a project is made, chosen and switched off', async () => {
    await page.goto(`${site}/console/projects`);
    await page.locator('#name').fill('Another shop');
    await press('New project');
    await done();
    assert.equal(await page.locator('#project option:checked').textContent(), 'Another shop');
    await page.goto(`${site}/console/projects`);
    await looked(page, 'projects');
    const row = page.getByRole('row').filter({ hasText: 'Another shop' });
    await row.getByRole('link', { name: /^Webhooks/ }).click();
    assert.equal(await page.locator('#project option:checked').textContent(), 'Another shop');
    await page.goto(`${site}/console/projects`);
    accept();
    await row.getByRole('button', { name: /^Switch off/ }).click();
    await done();
    await row.getByText('switched off').waitFor();
    await row.getByRole('button', { name: /^Switch on/ }).click();
    await done();
    await row.getByRole('button', { name: /^Switch off/ }).waitFor();
  });
  quiet();
}
