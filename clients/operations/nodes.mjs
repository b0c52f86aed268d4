// Two nodes on one PostgreSQL behind nginx, with the configuration that the recipe has.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { check, claimsOf, freePort, until } from '../shared/checks.mjs';
import { application, guest, key, provision, signIn } from './people.mjs';
import { anotherDatabase, run, scratch, serve, start, stop } from './programs.mjs';
import { block } from './recipes.mjs';

const SOCKETS = 20;
const certificate = { chain: join(scratch, 'fullchain.pem'), key: join(scratch, 'privkey.pem') };
const name = 'auth.localhost';

const nodes = [];
let proxy;

async function startNodes(database) {
  for (const node of ['node1', 'node2']) {
    const address = `127.0.0.1:${await freePort()}`;
    const admin = `127.0.0.1:${await freePort()}`;
    writeFileSync(join(scratch, `${node}.toml`), block('two-nodes', 'toml', {
      '10.0.0.11:7080': address,
      'https://auth.example.org': proxy.url,
      '10.0.0.5': '127.0.0.1',
      'postgres://ringfence@10.0.0.20/ringfence': database,
      '/etc/ringfence/master.key': join(scratch, 'master.key'),
    }));
    const words = ['--config', `${node}.toml`, 'serve', '--admin-listen', admin, '--apply', provision];
    nodes.push({ node, address, admin, words });
    // The first of all makes the master key and the second finds it, as when the operator has copied it.
    await serve(node, words, admin);
  }
}

async function startNginx() {
  const site = block('two-nodes', 'nginx', {
    '10.0.0.11:7080': nodes[0].address,
    '10.0.0.12:7080': nodes[1].address,
    '443 ssl http2': `127.0.0.1:${proxy.port} ssl http2`,
    'auth.example.org;': `${name};`,
    '/etc/letsencrypt/live/auth.example.org/fullchain.pem': certificate.chain,
    '/etc/letsencrypt/live/auth.example.org/privkey.pem': certificate.key,
    '/var/log/nginx/ringfence.log': join(scratch, 'access.log'),
  });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => {
    mkdirSync(join(scratch, kind));
    return `${kind}_temp_path ${join(scratch, kind)};`;
  });
  writeFileSync(join(scratch, 'nginx.conf'), `
daemon off;
pid ${join(scratch, 'nginx.pid')};
error_log stderr warn;
events {}
http {
${temporary.join('\n')}
${site}
}
`);
  const child = start('nginx', 'nginx', ['-p', scratch, '-e', 'stderr', '-c', join(scratch, 'nginx.conf')]);
  await until('nginx answers', () => {
    if (child.exitCode !== null) throw new Error('nginx ended');
    return ask('GET', '/.well-known/jwks.json').then(() => true, () => false);
  });
}

/** How nginx is reached: its name is nobody's else, and its certificate is its own. */
const toNginx = {
  rejectUnauthorized: false,
  lookup: (host, options, done) => done(null, options.all ? [{ address: '127.0.0.1', family: 4 }] : '127.0.0.1', 4),
};

/** A request to nginx, from `from` and with more headers. */
function ask(method, path, { from = '127.0.0.1', headers = {}, json } = {}) {
  return new Promise((resolve, reject) => {
    const said = json && JSON.stringify(json);
    const sent = request(`${proxy.url}${path}`, {
      ...toNginx,
      method,
      localAddress: from,
      headers: { ...headers, ...(said && { 'content-type': 'application/json' }) },
    }, async (answer) => {
      let text = '';
      try {
        for await (const piece of answer) text += piece;
      } catch (cause) {
        return reject(cause);
      }
      const isJson = answer.headers['content-type']?.includes('json');
      return resolve({ status: answer.statusCode, text, json: isJson ? JSON.parse(text) : null });
    });
    sent.once('error', reject);
    sent.setTimeout(15_000, () => sent.destroy(new Error(`${path}: no answer`)));
    sent.end(said);
  });
}

/** An open connection of the native API through nginx, as soon as it is ready; `closed` comes when it ends. */
async function socket(token) {
  const line = new WebSocket(`${proxy.url.replace('https', 'wss')}/api/v1/socket?application=${application}`, toNginx);
  const closed = new Promise((resolve) => line.once('close', (code) => resolve(code)));
  line.once('error', () => {});
  await new Promise((resolve, reject) => {
    line.once('open', () => line.send(JSON.stringify({ type: 'authenticate', token })));
    line.on('message', (data) => {
      const frame = JSON.parse(data);
      if (frame.type === 'ready') resolve();
      if (frame.type === 'closing') reject(new Error(frame.reason));
    });
    closed.then((code) => reject(new Error(`closed with ${code}`)));
  });
  return { closed, end: () => line.close() };
}

/** How many sockets a node has. */
async function held({ admin }) {
  const text = await fetch(`http://${admin}/metrics`).then((answer) => answer.text());
  return Number(/^ringfence_live_connections\{dialect="native"\} (\d+)/m.exec(text)?.[1] ?? 0);
}

async function addresses() {
  await check('a client is known by its own address, whatever it claims', async () => {
    const headers = { 'x-forwarded-for': '6.6.6.6' };
    const answer = await ask('POST', '/api/v1/guests', { from: '127.0.0.77', headers, json: { application } });
    assert.equal(answer.status, 201, answer.text);
    assert.equal(new URL(claimsOf(answer.json.access_token).iss).origin, proxy.url, 'tokens name the public address');
    // Entries are linked, and shown, a moment later.
    await until('the audit entry has the address', async () => {
      const audit = await ask('GET', '/api/v1/admin/audit?limit=100', { headers: { authorization: `Bearer ${key}` } });
      assert.ok(!audit.text.includes('6.6.6.6'), audit.text);
      return audit.text.includes('127.0.0.77');
    });
  });
}

/** Everything of one person on both nodes ends together. */
async function sockets() {
  const tokens = await signIn(`http://${nodes[0].address}`);
  const lines = [];
  await check('sockets through nginx are spread over both nodes', async () => {
    for (let count = 0; count < SOCKETS; count += 1) lines.push(await socket(tokens.access_token));
    const counts = await Promise.all(nodes.map(held));
    assert.equal(counts[0] + counts[1], SOCKETS);
    assert.ok(counts.every((count) => count >= SOCKETS / 4), `${counts}`);
  });
  await check('what is revoked on one node is closed on both, within a second', async () => {
    const before = performance.now();
    const path = `/api/v1/admin/sessions/${tokens.session_id}`;
    const answer = await ask('DELETE', path, { headers: { authorization: `Bearer ${key}` } });
    assert.equal(answer.status, 204, answer.text);
    const codes = await Promise.all(lines.map((line) => line.closed));
    assert.deepEqual(new Set(codes), new Set([4403]));
    assert.ok(performance.now() - before < 1_000, `${performance.now() - before} ms`);
  });
}

/** A stream of events is passed on as it is written. */
async function events() {
  await check('an event comes through nginx within a second', async () => {
    let heard = '';
    const headers = { authorization: `Bearer ${key}` };
    const stream = request(`${proxy.url}/api/v1/events`, { ...toNginx, headers }, (answer) => {
      answer.setEncoding('utf8').on('data', (piece) => (heard += piece));
    });
    stream.once('error', () => {}).end();
    await until('the stream is ready', () => heard.includes('event: ready'));
    const { session_id: session } = await guest(`http://${nodes[1].address}`);
    assert.equal((await ask('DELETE', `/api/v1/admin/sessions/${session}`, { headers })).status, 204);
    const { took } = await until('the event', () => heard.includes('event: session-revoked'));
    stream.destroy();
    assert.ok(took < 1_000, `${took} ms`);
  });
}

/** Engine.IO's word for a line that a node does not have. */
const isUnknown = (text) => text.includes('"code":1');

/** Polls of Socket.IO reach the node that knows them. */
async function polling() {
  await check('Socket.IO over polling stays with one node', async () => {
    const base = '/socket.io/?EIO=4&transport=polling';
    for (let round = 0; round < 6; round += 1) {
      const begun = await ask('GET', base);
      assert.equal(begun.status, 200, begun.text);
      const { sid } = JSON.parse(begun.text.slice(1));
      const said = await ask('POST', `${base}&sid=${sid}`, { headers: { 'content-type': 'text/plain' } });
      assert.ok(!isUnknown(said.text), said.text);
      const posted = nodes.map(({ address }) => fetch(`http://${address}${base}&sid=${sid}`, { method: 'POST', body: '3' }));
      const answers = await Promise.all(posted.map(async (answer) => (await answer).text()));
      assert.equal(answers.filter(isUnknown).length, 1, 'the other node would not know it');
    }
  });
}

/** A node dies: nobody is refused, and its sockets come back to the other. */
async function loss() {
  const { access_token: token } = await guest(`http://${nodes[0].address}`);
  const lines = [];
  for (let count = 0; count < SOCKETS; count += 1) lines.push(await socket(token));
  const [before] = await Promise.all(nodes.map(held));
  assert.ok(before > 0);
  await stop('node1', 'SIGKILL');
  await check('a node that dies takes its own sockets along, and they come back to the other', async () => {
    let lost = 0;
    lines.forEach((line) => line.closed.then(() => (lost += 1)));
    await until('the sockets of the dead node are closed', () => lost === before);
    for (let count = 0; count < before; count += 1) lines.push(await socket(token));
    assert.equal(await held(nodes[1]), SOCKETS);
  });
  await check('requests go on without one refusal', async () => {
    for (let count = 0; count < 40; count += 1) {
      const answer = await ask('POST', '/api/v1/guests', { json: { application } });
      assert.equal(answer.status, 201, answer.text);
    }
  });
  await check('the node that comes back takes its share', async () => {
    await serve('node1', nodes[0].words, nodes[0].admin);
    await until('node1 is asked again', async () => {
      const line = await socket(token);
      const there = await held(nodes[0]);
      line.end();
      await line.closed;
      await sleep(200);
      return there > 0;
    }, 20_000);
  });
  lines.forEach((line) => line.end());
}

async function log() {
  await check('no query is in the log of nginx', async () => {
    const text = readFileSync(join(scratch, 'access.log'), 'utf8');
    assert.ok(text.includes('/api/v1/socket') && !text.includes('?') && !text.includes('sid='), text.slice(0, 500));
  });
}

export async function twoNodes() {
  const port = await freePort();
  proxy = { port, url: `https://${name}:${port}` };
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`, '-days', '2'];
  const files = ['-keyout', certificate.key, '-out', certificate.chain];
  await run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, ...files]);
  await startNodes(await anotherDatabase('nodes'));
  await startNginx();
  await addresses();
  await sockets();
  await events();
  await polling();
  await loss();
  await log();
}
