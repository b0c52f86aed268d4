// The programs of docs/recipes/telnyx.md, as they stand there, with both packages unmodified.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { check, freePort, until } from '../shared/checks.mjs';
import { ringfence, scratch, url } from '../shared/server.mjs';
import { keys } from './provision.mjs';

const RECIPE = new URL('../../docs/recipes/telnyx.md', import.meta.url);

/** The one block of a language. */
function block(text, language) {
  const found = [...text.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))];
  assert.equal(found.length, 1, `${found.length} blocks of ${language}`);
  return found[0][1];
}

/** Runs `body` beside the recipe's back end. */
async function beside(body) {
  const text = readFileSync(RECIPE, 'utf8');
  const folder = join(scratch, 'recipe');
  mkdirSync(folder);
  writeFileSync(join(folder, 'backend.mjs'), block(text, 'js'));
  writeFileSync(join(folder, 'index.html'), block(text, 'html'));
  symlinkSync(join(import.meta.dirname, 'node_modules'), join(folder, 'node_modules'));
  const port = await freePort();
  const env = { ...process.env, RINGFENCE_URL: url, RINGFENCE_API_KEY: keys.home, PORT: String(port) };
  const backend = spawn(process.execPath, ['backend.mjs'], { cwd: folder, env, stdio: 'inherit' });
  try {
    const answers = () => fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.ok, () => false);
    await until('the back end', answers);
    await body(`http://127.0.0.1:${port}/`);
  } finally {
    backend.kill('SIGTERM');
    if (backend.exitCode === null && backend.signalCode === null) await once(backend, 'exit');
  }
}

/** Waits until a page says that its state is this. */
const reaches = (page, state) => until(state, async () => (await page.locator('#state').textContent()) === state, 20_000);

export async function recipe(browser) {
  await beside(async (address) => {
    const [ann, bob] = [await browser.bare(), await browser.bare()];
    await check('recipe: two pages call each other', async () => {
      await ann.goto(`${address}?user=ann`);
      await bob.goto(`${address}?user=bob`);
      await Promise.all([reaches(ann, 'ready'), reaches(bob, 'ready')]);
      await ann.locator('#callee').fill(await bob.locator('#number').textContent());
      await ann.locator('button').click();
      await Promise.all([reaches(ann, 'active'), reaches(bob, 'active')]);
    });
    await check('recipe: who is suspended is told 46001, and the other that the call is over', async () => {
      await ringfence('endpoint', 'suspend', await ann.locator('#number').textContent());
      await reaches(ann, 'error 46001');
      await until('the end', async () => ['hangup', 'destroy', 'purge'].includes(await bob.locator('#state').textContent()));
    });
    for (const page of [ann, bob]) await page.close();
  });
}
