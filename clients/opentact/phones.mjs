// SIP domains and users as the client makes them, and the hashes that it computes by itself (sheet, section 10).

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { check } from '../shared/checks.mjs';
import { user } from './accounts.mjs';
import { encode, plain } from './client.mjs';

const md5 = (text) => createHash('md5').update(text).digest('hex');
export const ha1b = (login, domain, password) => md5(`${login}@${domain}:${domain}:${password}`);

export const ALICE = { login: 'alice', password: 's3cret-A', domain: 'rtc.test' };

export async function phones() {
  const dan = await user('dan');
  const { login, password, domain } = ALICE;
  await check('a domain and a user of it', async () => {
    await dan.axios.post('/sip/domain', { domain });
    const { data } = await dan.axios.post(`/sip/domain/${domain}/user`, { login, password, first_name: 'Alice' });
    assert.deepEqual([data.payload.login, data.payload.sip_domain.domain], [login, domain]);
    assert.ok(!('ha1b' in data.payload));
    const listed = (await dan.axios.get(`/sip/domain/${domain}/user`)).data.payload;
    assert.deepEqual(listed.map((shown) => shown.login), [login]);
  });
  await check('the hash that a client computes is taken where the project allows it', async () => {
    assert.equal(ha1b(login, domain, password), '62789166d17cfe0f78850da0ca3d06ba');
    const by = (value) => plain('GET', '/app', { headers: { 'X-Auth-HA1B-Token': value } });
    assert.equal((await by(ha1b(login, domain, password))).body.payload.login, login);
    assert.equal((await by(ha1b(login, domain, 'wrong'))).status, 401);
    assert.equal((await by(md5(`${login}:${domain}:${password}`))).status, 401);
  });
  await check('a SIP user is known by its password, below /app only', async () => {
    const headers = { Authorization: `Basic ${encode(`${login}@${domain}`, password)}` };
    assert.equal((await plain('GET', '/app', { headers })).status, 200);
    assert.equal((await plain('GET', '/account', { headers })).status, 401);
  });
  await check('whoever is invited becomes a user, once', async () => {
    const expired_on = new Date(Date.now() + 3_600_000).toISOString();
    const { data } = await dan.axios.post(`/sip/domain/${domain}/invite`, { name: 'Erin', expired_on });
    const path = `/app/invite/${data.payload.token}`;
    assert.equal((await plain('GET', path)).body.payload.domain, domain);
    const accept = () => plain('POST', path, { data: { login: 'erin', password: 'quiet harbour at dusk' } });
    assert.equal((await accept()).status, 201);
    assert.equal((await accept()).status, 404);
  });
}
