// Requests as the dashboard sends them: sign-up, a project and its secret, mails and their links, people, passwords.

import assert from 'node:assert/strict';

import { check } from '../shared/checks.mjs';
import { mailed } from '../shared/server.mjs';
import { byToken, refused } from './library.mjs';
import { ask, external, sign, well } from './requests.mjs';

const NEW = 'another otter under glass';

/** Somebody signs up, in, and makes a project with a secret. */
export async function newcomer(base, name, company) {
  const email = `${name.toLowerCase()}@example.org`;
  const password = 'violet otter under glass';
  const form = { email, password, firstname: name, lastname: 'Doe' };
  const made = await well('POST', `${base}/auth/signup`, { body: form });
  assert.equal(made.success, true);
  assert.equal(made.user.emailverified, false);
  const signedIn = await well('POST', `${base}/auth/signin`, { body: { email, password } });
  const token = signedIn.token;
  const project = await well('POST', `${base}/projects`, { token, body: { name: company } });
  const keys = await well('POST', `${base}/${project._id}/keys/generate`, { token, body: {} });
  return {
    person: { id: signedIn.user._id, email, password, token },
    place: { id: project._id, name: company, secret: keys.jwtSecret },
  };
}

export async function asTheDashboard(base) {
  const it = (sentence, body) => check(`dashboard: ${sentence}`, body);
  let bob;
  let club;

  await it('a newcomer signs up, in, and makes a project', async () => {
    ({ person: bob, place: club } = await newcomer(base, 'Bob', 'Club'));
    const listed = await well('GET', `${base}/projects`, { token: bob.token });
    assert.deepEqual(listed.map((row) => [row.role, row.id_project._id]), [['owner', club.id]]);
  });
  await it('an address signs up once', async () => {
    const form = { email: bob.email.toUpperCase(), password: NEW, firstname: 'B', lastname: 'D' };
    const answer = await ask('POST', `${base}/auth/signup`, { body: form });
    assert.equal(answer.status, 403);
    assert.deepEqual(answer.json, { success: false, message: 'Email already registered' });
  });
  await it('the link of the mail proves the address, once', async () => {
    const [id, code] = (await mailed(bob.email, '/#/verify/email/')).split('/');
    assert.equal(id, bob.id);
    const address = `${base}/auth/verifyemail/${id}/${code}`;
    const verified = await well('PUT', address, { body: { emailverified: true } });
    assert.equal(verified.emailverified, true);
    const again = await ask('PUT', address, { body: { emailverified: true } });
    assert.deepEqual([again.status, again.json.error_code], [401, 10005]);
  });
  await it('the mail is sent again', async () => {
    const sent = await well('GET', `${base}/users/resendverifyemail/`, { token: bob.token });
    assert.equal(sent.success, true);
  });
  await it('the profile changes', async () => {
    const body = { firstname: 'Robert', lastname: 'Doe', emailverified: false, role: 'owner' };
    const changed = await well('PUT', `${base}/users`, { token: bob.token, body });
    assert.equal(changed.updatedUser.firstname, 'Robert');
    assert.equal(changed.updatedUser.emailverified, true);
  });
  await it('somebody without an account is invited and becomes a member', async () => {
    const body = { email: 'cy@example.org', role: 'agent', user_available: true };
    const invited = await well('POST', `${base}/${club.id}/project_users/invite`, { token: bob.token, body });
    const id = invited.pendingInvitation._id;
    const link = await mailed('cy@example.org', '/#/handle-invitation/');
    assert.equal(link, `${id}/${club.id}/Robert/Doe`);
    assert.equal((await well('GET', `${base}/auth/pendinginvitationsnoauth/${id}`)).email, 'cy@example.org');
    const { person: cy } = await newcomer(base, 'Cy', 'Own');
    assert.equal((await well('GET', `${base}/projects/${club.id}`, { token: cy.token }))._id, club.id);
  });
  await it('a new secret ends the old one', async () => {
    const before = sign(external(club.id, '1'), club.secret);
    await byToken(base, before);
    const keys = await well('POST', `${base}/${club.id}/keys/generate`, { token: bob.token });
    await refused(byToken(base, before), 401);
    await byToken(base, sign(external(club.id, '1'), keys.jwtSecret));
  });
  await it('a password is changed by whoever knows it, and old tokens end', async () => {
    const change = (oldpsw) =>
      ask('PUT', `${base}/users/changepsw/`, { token: bob.token, body: { oldpsw, newpsw: NEW } });
    const wrong = await change('wrong');
    assert.deepEqual([wrong.status, wrong.json], [401, { success: false, msg: 'Current password is invalid.' }]);
    assert.deepEqual((await change(bob.password)).json, { message: 'Password change successful' });
    assert.equal((await ask('GET', `${base}/users`, { token: bob.token })).status, 401);
  });
  await it('a forgotten password is reset by mail, and old tokens end', async () => {
    const { token } = await well('POST', `${base}/auth/signin`, { body: { email: bob.email, password: NEW } });
    const asked = await well('PUT', `${base}/auth/requestresetpsw`, { body: { email: bob.email } });
    const nobody = await well('PUT', `${base}/auth/requestresetpsw`, { body: { email: 'nobody@example.org' } });
    assert.deepEqual(asked, nobody);
    const key = await mailed(bob.email, '/#/resetpassword/');
    const looked = await well('GET', `${base}/auth/checkpswresetkey/${key}`);
    assert.deepEqual([looked.message, looked.user._id], ['Valid password reset key', bob.id]);
    const reset = () => ask('PUT', `${base}/auth/resetpsw/${key}`, { body: { password: 'a third otter under glass' } });
    assert.equal((await reset()).json.message, 'Password change successful');
    const again = await reset();
    assert.deepEqual([again.status, again.json.msg], [404, 'Invalid password reset key']);
    assert.equal((await ask('GET', `${base}/users`, { token })).status, 401);
  });
}
