// Requests as the widget sends them: from a page of somebody else's, with a JSON type and often no body.

import assert from 'node:assert/strict';

import { check, claimsOf } from '../shared/checks.mjs';
import { ask, external, sign, well } from './requests.mjs';

const PAGE = { Origin: 'https://shop.example', 'Content-Type': 'application/json' };

export async function asTheWidget(base, { provisioned }) {
  const api = `${base}/`;
  const it = (sentence, body) => check(`widget: ${sentence}`, body);

  await it('its preflight is answered', async () => {
    const answer = await ask('OPTIONS', `${api}auth/signinAnonymously`, {
      headers: {
        Origin: PAGE.Origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'authorization,content-type',
      },
    });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('access-control-allow-headers'), 'authorization,content-type');
    assert.match(answer.headers.get('access-control-allow-methods'), /POST/);
  });

  let guest;
  await it('a visitor comes in and is shown its own data', async () => {
    guest = await well('POST', `${api}auth/signinAnonymously`, { headers: PAGE, body: { id_project: provisioned.id } });
    assert.ok(guest.success && guest.token && guest.user._id && guest.user.firstname);
  });
  await it('the token that it kept brings the same visitor back', async () => {
    const again = await well('POST', `${api}auth/signinWithCustomToken`, { headers: PAGE, token: guest.token, body: null });
    assert.equal(again.token, guest.token);
    assert.equal(again.user._id, guest.user._id);
    assert.equal(again.user.firstname, guest.user.firstname);
  });
  await it('a token of the page is exchanged', async () => {
    const token = `JWT ${sign(external(provisioned.id, 'page'), provisioned.secret)}`;
    const answer = await well('POST', `${api}auth/signinWithCustomToken`, { headers: PAGE, token, body: null });
    assert.ok(answer.success && answer.token === token && answer.user._id);
  });
  await it('the chat engine gets a token', async () => {
    const address = `${api}chat21/native/auth/createCustomToken`;
    const answer = await well('POST', address, { headers: PAGE, token: guest.token, body: {} });
    assert.equal(answer.userid, guest.user._id);
    assert.equal(answer.fullname, guest.user.fullName);
    const claims = claimsOf(answer.token);
    assert.equal(claims.sub, guest.user._id);
    assert.equal(claims.exp - claims.iat, 30 * 24 * 3600);
    assert.deepEqual(claims.aud, ['rabbitmq', guest.user._id]);
  });
  await it('a token that has no meaning signs it out', async () => {
    const answer = await ask('POST', `${api}auth/signinWithCustomToken`, { headers: PAGE, token: 'JWT nonsense' });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
  });
}
