// A real nginx in front of a toy resource, asking forward-auth.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { ask, check, claimsOf, freePort } from '../shared/checks.mjs';
import { provisionFile, ringfence, scratch, url } from '../shared/server.mjs';
import { newcomer } from './account.mjs';
import { js } from './libraries.mjs';
import { FOREIGN, KEYS, provision } from './provision.mjs';

const NGINX = ['/usr/sbin/nginx', '/usr/bin/nginx'].find(existsSync);

const configuration = (port, resource) => `
daemon off;
master_process off;
pid ${join(scratch, 'nginx.pid')};
error_log ${join(scratch, 'nginx.log')} warn;
events {}
http {
  access_log off;
  client_body_temp_path ${join(scratch, 'nginx-body')};
  proxy_temp_path ${join(scratch, 'nginx-proxy')};
  fastcgi_temp_path ${join(scratch, 'nginx-fastcgi')};
  uwsgi_temp_path ${join(scratch, 'nginx-uwsgi')};
  scgi_temp_path ${join(scratch, 'nginx-scgi')};
  server {
    listen 127.0.0.1:${port};
    ${documented(resource)}
    ${guarded('/others', `dialect=keyclic&application=${FOREIGN}`, resource)}
    ${guarded('/admin', `dialect=keyclic&application=${KEYS[0]}&role=ORGANIZATION:ADMIN`, resource)}
  }
}
`;

/** What docs/forward-auth.md tells operators to write, with our addresses in place of theirs. */
function documented(resource) {
  const text = readFileSync(new URL('../../docs/forward-auth.md', import.meta.url), 'utf8');
  const [, block] = /```nginx\n([^`]*)```/.exec(text);
  const wanted = `dialect=keyclic&application=${KEYS[0]};`;
  assert.ok(block.includes(`http://127.0.0.1:7080/forward-auth?${wanted}`) && block.includes('http://resource;'));
  return block.replace('http://127.0.0.1:7080', url).replace('http://resource;', `http://127.0.0.1:${resource};`);
}

const guarded = (path, query, resource) => `
    location ${path} {
      auth_request /_auth${path};
      auth_request_set $identity $upstream_http_x_auth_identity;
      auth_request_set $roles $upstream_http_x_auth_roles;
      auth_request_set $expires $upstream_http_x_auth_expires;
      proxy_set_header X-Auth-Identity $identity;
      proxy_set_header X-Auth-Roles $roles;
      proxy_set_header X-Auth-Expires $expires;
      proxy_pass http://127.0.0.1:${resource};
    }
    location = /_auth${path} {
      internal;
      proxy_pass ${url}/forward-auth?${query};
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
    }`;

/** A resource that believes its proxy. */
async function toy() {
  const server = createServer((request, response) => {
    const { 'x-auth-identity': identity, 'x-auth-roles': roles, 'x-auth-expires': expires } = request.headers;
    const others = Object.keys(request.headers).filter((name) => name.startsWith('x-auth-')).length
      - [identity, roles, expires].filter((value) => value !== undefined).length;
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({ identity, roles, expires, others }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

async function nginx(resource) {
  if (!NGINX) throw new Error('nginx is not installed: apt-get install nginx-light');
  for (const name of ['body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']) mkdirSync(join(scratch, `nginx-${name}`), { recursive: true });
  const port = await freePort();
  const file = join(scratch, 'nginx.conf');
  writeFileSync(file, configuration(port, resource));
  const child = spawn(NGINX, ['-p', scratch, '-e', join(scratch, 'nginx.log'), '-c', file], { stdio: 'inherit' });
  const ended = once(child, 'exit');
  for (let tries = 0; tries < 50 && child.exitCode === null; tries += 1) {
    if (await fetch(`http://127.0.0.1:${port}/`).then(() => true, () => false)) {
      return { port, stop: async () => (child.kill('SIGTERM'), ended) };
    }
    await sleep(100);
  }
  child.kill('SIGKILL');
  throw new Error(`nginx did not start\n${readFileSync(join(scratch, 'nginx.log'), 'utf8')}`);
}

/** With, without, expired, revoked, foreign-application token. */
export async function guard(provisioned) {
  const resource = await toy();
  const proxy = await nginx(resource.address().port).catch((cause) => (resource.close(), Promise.reject(cause)));
  try {
    await through(proxy.port, provisioned);
  } finally {
    await proxy.stop();
    resource.close();
    resource.closeAllConnections();
  }
}

/** What a visitor says of itself that is not a visitor's to say. */
const CLAIMS = Object.fromEntries(['Identity', 'Kind', 'Roles', 'Project', 'Application', 'Session', 'Dialect', 'Expires']
  .map((name) => [`X-Auth-${name}`, 'root']));

async function through(port, provisioned) {
  const get = (path, token, more = {}) => {
    const headers = { 'X-Keyclic-App': KEYS[0], ...more };
    if (token) headers.Authorization = `Bearer ${token}`;
    return ask('GET', `http://127.0.0.1:${port}${path}`, { headers });
  };
  const dan = await newcomer('dan@example.org');
  await check('a live token passes, and the resource hears whose it is', async () => {
    const answer = await get('/feedbacks/1?application=com.other.app', dan.token, CLAIMS);
    assert.equal(answer.status, 200);
    assert.equal(answer.json.identity, dan.id);
    // nginx leaves an empty header out, and what the visitor claimed with it.
    assert.deepEqual([answer.json.roles, answer.json.others], [undefined, 0]);
    assert.equal(Date.parse(answer.json.expires) / 1000, claimsOf(dan.token).exp);
  });
  await check('without a token there is a challenge', async () => {
    const answer = await get('/feedbacks');
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer realm="ringfence"']);
  });
  await check('a preflight passes without a token, as nobody', async () => {
    const answer = await ask('OPTIONS', `http://127.0.0.1:${port}/feedbacks`, { headers: CLAIMS });
    assert.deepEqual([answer.status, answer.json], [200, { others: 0 }]);
  });
  await check('a token for another application is refused, whichever side names it', async () => {
    assert.equal((await get('/others', dan.token)).status, 403);
    assert.equal((await get('/feedbacks', dan.token, { 'X-Keyclic-App': FOREIGN })).status, 403);
  });
  await check('a role that is missing is refused, and one that is there passes', async () => {
    assert.equal((await get('/admin', dan.token)).status, 403);
    const body = { login: 'chief@example.org', password: 'correct horse battery staple' };
    const chief = await js('POST', '/security/login', { body });
    assert.equal((await get('/admin', chief.json.accessToken)).json.roles, 'ORGANIZATION:ADMIN');
  });
  await check('a revoked token is refused by the next request', async () => {
    await js('POST', '/auth/token/revoke', { body: { refreshToken: dan.login.refreshToken } });
    const answer = await get('/feedbacks', dan.token);
    assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, 'Bearer realm="ringfence", error="invalid_token"']);
  });
  await check('an expired token is refused', async () => {
    await ringfence('apply', provisionFile(provision({ ...provisioned, access: '2s' })));
    const login = await js('POST', '/security/login', { body: { login: dan.email, password: dan.password } });
    assert.equal((await get('/feedbacks', login.json.accessToken)).status, 200);
    await sleep(claimsOf(login.json.accessToken).exp * 1000 - Date.now() + 50);
    assert.equal((await get('/feedbacks', login.json.accessToken)).status, 401);
    await ringfence('apply', provisionFile(provision(provisioned)));
  });
}
