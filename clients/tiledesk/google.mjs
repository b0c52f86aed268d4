// The dashboard's sign-in with Google: a browser that is sent to the server, to Google, back, and to the dashboard.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { imitated } from '../shared/provider.mjs';
import { mailed, url } from '../shared/server.mjs';
import { DASHBOARD } from './provision.mjs';
import { ask, well } from './requests.mjs';

/** Starts the imitation of Google. */
export async function imitateGoogle() {
  const { port, stop } = await imitated(new URL('provider.mjs', import.meta.url));
  return { address: `http://127.0.0.1:${port}`, stop };
}

/** A browser of its own: follows redirects, keeps cookies of the server, stops at the dashboard or at an answer. */
async function browse(address, cookies = new Map()) {
  for (let steps = 0; steps < 10; steps += 1) {
    if (!address.startsWith(url) && !address.startsWith('http://127.0.0.1')) return { arrived: address };
    const own = address.startsWith(url) ? { Cookie: [...cookies].map((pair) => pair.join('=')).join('; ') } : {};
    const answer = await fetch(address, { redirect: 'manual', headers: own });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = cookie.match(/^([^=]+)=([^;]*)/);
      assert.match(cookie, /HttpOnly; SameSite=Lax/);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    const next = answer.headers.get('location');
    if (!next) return { status: answer.status, text: await answer.text() };
    address = new URL(next, address).href;
  }
  throw new Error('redirects without end');
}

export async function withGoogle(base, google) {
  const it = (sentence, body) => check(`Google: ${sentence}`, body);
  const loginAs = (person) => well('POST', `${google.address}/login_as`, { body: person });
  const begin = (query = '') => browse(`${base}/auth/google${query}`);
  const bearer = async (address) => {
    const token = decodeURIComponent(address.split(/[?&](?:token|jwt)=/)[1]);
    assert.ok(token.startsWith('JWT '), token);
    return well('GET', `${base}/users`, { token });
  };
  let fay;

  await it('somebody new comes back to the dashboard with a token', async () => {
    await loginAs({ sub: '1', email: 'fay@gmail.com', email_verified: true, given_name: 'Fay', family_name: 'Face' });
    const { arrived } = await begin(`?redirect_url=${encodeURIComponent('/#/create-project-gs/')}`);
    assert.ok(arrived?.startsWith(`${DASHBOARD}/#/create-project-gs/?token=JWT%20`), arrived);
    fay = await bearer(arrived);
    assert.deepEqual([fay.email, fay.firstname, fay.emailverified], ['fay@gmail.com', 'Fay', true]);
  });
  await it('and is the same person after the keys changed', async () => {
    await well('POST', `${google.address}/rotate`);
    const { arrived } = await begin();
    assert.ok(arrived?.startsWith(`${DASHBOARD}/#/?token=JWT%20`), arrived);
    assert.equal((await bearer(arrived))._id, fay._id);
  });
  await it('tokens go to no other address', async () => {
    for (const [name, value] of [
      ['redirect_url', '//evil.example/'],
      ['redirect_url', 'https://evil.example/#/'],
      ['forced_redirect_url', 'https://evil.example/'],
    ]) {
      assert.equal((await begin(`?${name}=${encodeURIComponent(value)}`)).status, 400, value);
    }
    const { arrived } = await begin(`?forced_redirect_url=${encodeURIComponent('https://shop.example/after')}`);
    assert.ok(arrived?.startsWith('https://shop.example/after?jwt=JWT%20'), arrived);
  });
  await it('an account whose address is not proved is linked only after it is', async () => {
    const form = { email: 'gil@gmail.com', password: 'violet otter under glass', firstname: 'Gil', lastname: 'G' };
    const { user } = await well('POST', `${base}/auth/signup`, { body: form });
    await loginAs({ sub: '2', email: 'gil@gmail.com', email_verified: true });
    assert.equal((await begin()).status, 409);
    const [id, code] = (await mailed(form.email, '/#/verify/email/')).split('/');
    await well('PUT', `${base}/auth/verifyemail/${id}/${code}`, { body: {} });
    const { arrived } = await begin();
    assert.equal((await bearer(arrived))._id, user._id);
  });
  await it('an answer that another browser asked for is refused', async () => {
    const { headers } = await fetch(`${base}/auth/google`, { redirect: 'manual' });
    const page = await fetch(headers.get('location'), { redirect: 'manual' });
    assert.equal((await browse(page.headers.get('location'))).status, 400);
  });
  await it('while Google is down we say so', async () => {
    const { headers } = await fetch(`${base}/auth/google`, { redirect: 'manual' });
    const cookie = headers.getSetCookie()[0].split(';')[0];
    const page = await fetch(headers.get('location'), { redirect: 'manual' });
    await google.stop();
    const back = await ask('GET', page.headers.get('location'), { headers: { Cookie: cookie } });
    assert.equal(back.status, 503);
  });
}
