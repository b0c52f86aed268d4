// The README's code, as it stands there, in a page.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import { check } from '../shared/checks.mjs';
import { alone } from './page.mjs';
import { KEYS, PASSWORD } from './provision.mjs';
import { newAddress } from './sessions.mjs';

/** Stands for the server, the application and the people that a reader has. */
const filled = (code, url, addresses) =>
  code
    .replaceAll('https://auth.example.org', url)
    .replaceAll('YOUR_APPLICATION', KEYS.newest)
    .replaceAll('ann@example.org', addresses[0])
    .replaceAll('correct horse battery staple', PASSWORD);

export const readme = (browser) => alone(browser, async ({ context, url }) => {
  const text = readFileSync(new URL('README.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  await check(`the ${blocks.length} pieces of the README run`, async () => {
    assert.ok(blocks.length >= 3);
    const page = await context.newPage();
    const failures = [];
    page.on('pageerror', (failure) => failures.push(failure.message));
    await page.goto(`${url}/`);
    await page.evaluate(() => {
      document.body.innerHTML = '<p id="status"></p>';
    });
    // One after the other in one module, as somebody would write them.
    const module = filled(blocks.join('\n'), url, [newAddress()]);
    const done = await page.evaluate(
      (code) =>
        new Promise((resolve) => {
          const script = document.createElement('script');
          script.type = 'module';
          window.done = resolve;
          script.textContent = `${code}\nwindow.done('done');`;
          window.addEventListener('unhandledrejection', ({ reason }) => resolve(String(reason)));
          window.addEventListener('error', ({ message }) => resolve(message));
          document.body.append(script);
        }),
      module,
    );
    assert.deepEqual([done, failures], ['done', []]);
  });
});
