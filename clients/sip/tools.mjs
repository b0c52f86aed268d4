// Debian's sipsak and sipp as phones.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { freePort, run, scratch } from './processes.mjs';

/** sipsak resolves the domain of the address, so it registers in a domain whose name is an address. */
export async function sipsak(port) {
  const try_ = async (user, password) => {
    const words = ['-U', '-s', `sip:dave@127.0.0.1:${port}`, '-u', user, '-a', password, '-x', '60'];
    return (await run('sipsak', words)).code;
  };
  assert.equal(await try_('dave', 's3cret-D'), 0);
  assert.equal(await try_('dave', 's3cret-X'), 2);
}

const scenario = ({ login, domain, username, password }) => `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="register">
  <send retrans="500"><![CDATA[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:${login}@${domain}>;tag=[call_number]
To: <sip:${login}@${domain}>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:${login}@[local_ip]:[local_port]>
Expires: 60
Content-Length: 0

]]></send>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[
REGISTER sip:${domain} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:${login}@${domain}>;tag=[call_number]
To: <sip:${login}@${domain}>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:${login}@[local_ip]:[local_port]>
[authentication username=${username} password=${password}]
Expires: 60
Content-Length: 0

]]></send>
  <recv response="200"/>
</scenario>
`;

/** sipp takes any domain, for it is told where to send. */
export async function sipp(port) {
  const try_ = async (who) => {
    const file = join(scratch, 'register.xml');
    writeFileSync(file, scenario({ username: who.login, ...who }));
    const own = ['-i', '127.0.0.1', '-p', String(await freePort()), '-sf', file, '-m', '1', '-nostdin'];
    // The digest's uri must be the request's; by default sipp names the host that it sends to.
    const words = [`127.0.0.1:${port}`, ...own, '-auth_uri', who.domain, '-timeout', '10', '-recv_timeout', '5000'];
    return (await run('sipp', words, { env: { ...process.env, TERM: 'dumb' } })).code;
  };
  assert.equal(await try_({ login: 'alice', domain: 'rtc.test', password: 's3cret-A' }), 0);
  assert.equal(await try_({ login: 'alice', domain: 'rtc.test', username: 'alice@rtc.test', password: 's3cret-A' }), 0);
  assert.equal(await try_({ login: 'alice', domain: 'other.test', password: 's3cret-O' }), 0);
  assert.equal(await try_({ login: 'alice', domain: 'other.test', password: 's3cret-A' }), 1);
}
