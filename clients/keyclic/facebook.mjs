// Facebook connect against the imitation, which is a process of its own.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { js } from './libraries.mjs';

/** Both kinds of tokens, good and bad. */
export async function connect(imitation) {
  const shown = (accessToken) => js('POST', '/security/connect/facebook', { body: { accessToken } });
  await check('a token for our application logs in, and again as the same person', async () => {
    const [first, again] = [await shown('app-1 4711'), await shown('app-1 4711')];
    assert.equal(first.status, 200, first.text);
    assert.equal(first.json.credentials.id, again.json.credentials.id);
    assert.equal(first.json.credentials.login, '4711@facebook.example');
  });
  await check('a token of another application or of nobody does not', async () => {
    assert.equal((await shown('app-2 4711')).status, 401);
    assert.equal((await shown('garbage')).status, 401);
  });
  const now = Math.floor(Date.now() / 1000);
  const mint = (claims) =>
    imitation.mint({ iss: 'https://limited.facebook.com', aud: 'app-1', sub: '4712', iat: now, exp: now + 300, ...claims });
  await check('Limited Login is judged by its keys', async () => {
    assert.equal((await shown(await mint({}))).status, 200);
    for (const bad of [{ aud: 'app-2' }, { iss: 'https://evil.example' }, { exp: now - 300 }, { sub: undefined }]) {
      assert.equal((await shown(await mint(bad))).status, 401, JSON.stringify(bad));
    }
  });
  await check('while the provider is down we say so', async () => {
    assert.equal((await shown('down x')).status, 503);
    await imitation.stop();
    assert.equal((await shown('app-1 4711')).status, 503);
  });
}
