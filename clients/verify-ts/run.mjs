// Tests @ringfence/verify, and has the three example services show out whoever the real server signs out: axum on the crate, Express
// and Socket.IO on the package.

import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';

import { ask, check, claimsOf, conclude, until } from '../shared/checks.mjs';
import { port, url, withServer } from '../shared/server.mjs';
import { layCable } from './cable.mjs';
import { ADMIN, EVENTS, MEMBERS, PASSWORD, PROVISION, PUBLISHABLE } from './provision.mjs';
import { buildRust, services, start } from './services.mjs';

/** Milliseconds within which a revoked user is shown out. */
const SOON = 1000;
/** Seconds after which a service that hears nothing refuses everybody; the server speaks every five. */
const MAX_STALENESS = 7;
/** Vectors of Wycheproof that are valid and that we take no keys of: secrets, and keys whose `alg` is another one or none. */
const VALID_AND_REFUSED = 14;

const node = (...words) => execFileSync(process.execPath, words, { cwd: import.meta.dirname, stdio: 'pipe', encoding: 'utf8' });
const figures = [];

async function built(programs) {
  await check('the types hold, and the unit tests pass', async () => {
    node('build.mjs');
    node('node_modules/typescript/bin/tsc', '--noEmit');
    node('--test', 'dist-test/');
  });
  await check('n08 every vector of Wycheproof is judged rightly', async () => {
    const { accepts } = await import('./dist-test/vectors.js');
    const vectors = execFileSync(programs['verify-vectors'], { encoding: 'utf8', maxBuffer: 1 << 26 }).trim().split('\n');
    const counts = { accepted: 0, refused: 0, purposely: 0 };
    for (const vector of vectors.map((line) => JSON.parse(line))) {
      const accepted = await accepts(vector.jws, vector.key);
      assert.ok(!(accepted && vector.invalid), `${vector.id} ${vector.what}`);
      counts[accepted ? 'accepted' : vector.invalid ? 'refused' : 'purposely'] += 1;
    }
    assert.deepEqual(counts, { accepted: 32, refused: 355, purposely: VALID_AND_REFUSED });
  });
}

const api = async (method, path, body, token = ADMIN) => {
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await ask(method, `${url}/api/v1${path}`, { headers, body: body && JSON.stringify(body) });
  assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.json;
};

const enter = async (path, body) => {
  const headers = { 'content-type': 'application/json' };
  const answer = await ask('POST', `${url}/api/v1${path}`, { headers, body: JSON.stringify({ application: PUBLISHABLE, ...body }) });
  assert.ok(answer.status < 300, answer.text);
  const { access_token: token, session_id: session, identity } = answer.json;
  return { token, session, id: identity.id };
};
const guest = () => enter('/guests', {});
const member = (email) => enter('/sign-in', { email, password: PASSWORD });

/** How long after a moment a client was shown out, in milliseconds, and for one of these reasons. */
const shownOut = async (client, reasons, since) => {
  const ended = await client.ended;
  assert.ok(reasons.split(' ').includes(ended.reason), `${ended.reason} instead of ${reasons}`);
  return ended.at - since;
};

const each = (running, body) => Promise.all(running.map(body));

/** Says what was measured, of each service. */
const note = (what, running, times) => {
  const said = running.map(({ name }, index) => `${name} ${Math.round(times[index])} ms`).join(', ');
  figures.push(`${what}: ${said}`);
  console.log(`${what}: ${said}`);
};

async function revoking(running) {
  await check(`a revoked session is shown out within ${SOON} ms, and nobody else`, async () => {
    const times = await each(running, async (service) => {
      const [ann, bob] = [await guest(), await guest()];
      const clients = [await service.enter(ann.token), await service.enter(ann.token), await service.enter(bob.token)];
      const since = performance.now();
      await api('DELETE', `/admin/sessions/${ann.session}`);
      const times = await Promise.all(clients.slice(0, 2).map((client) => shownOut(client, 'session_revoked', since)));
      assert.equal((await service.enter(ann.token)).reason, 'session_revoked', 'it does not come in again');
      assert.equal(clients[2].reason, undefined);
      clients[2].leave();
      return Math.max(...times);
    });
    note('revoked session', running, times);
    assert.ok(Math.max(...times) < SOON);
  });

  await check(`a suspended user is shown out within ${SOON} ms and comes back when let in again`, async () => {
    const times = await each(running, async (service, index) => {
      const dan = await member(MEMBERS[index]);
      const client = await service.enter(dan.token);
      const since = performance.now();
      await api('PATCH', `/admin/identities/${dan.id}`, { suspended: true });
      // It is told of the session and of the user, in either order.
      const took = await shownOut(client, 'session_revoked token_superseded', since);
      await api('PATCH', `/admin/identities/${dan.id}`, { suspended: false });
      const back = await service.enter((await member(MEMBERS[index])).token);
      assert.equal(back.reason, undefined);
      back.leave();
      return took;
    });
    note('suspended user', running, times);
    assert.ok(Math.max(...times) < SOON);
  });
}

async function cutting(running, cable) {
  const delay = MAX_STALENESS * 1000;
  await check(`n59 with the feed cut a revoked user is shown out within ${MAX_STALENESS} s, and everybody with them`, async () => {
    const people = await each(running, async (service) => {
      const [cat, eve] = [await guest(), await guest()];
      return { cat, eve, clients: [await service.enter(cat.token), await service.enter(eve.token)] };
    });
    cable.cut();
    const times = await each(running, async (service, index) => {
      const { cat, clients } = people[index];
      const since = performance.now();
      await api('DELETE', `/admin/sessions/${cat.session}`);
      const times = await Promise.all(clients.map((client) => shownOut(client, 'unconfirmed', since)));
      assert.equal(await service.health(), 503);
      assert.equal((await service.enter(people[index].eve.token)).reason, 'unconfirmed');
      return Math.max(...times);
    });
    note('feed cut', running, times);
    // The timer and a busy machine have their share.
    assert.ok(Math.max(...times) < delay + SOON);

    cable.mend();
    const back = await each(running, async (service, index) => {
      const { took } = await until(`${service.name} is ready`, async () => (await service.health()) === 200, 20_000);
      const { cat, eve } = people[index];
      const client = await service.enter(eve.token);
      assert.equal(client.reason, undefined, 'who was not revoked comes back');
      client.leave();
      assert.equal((await service.enter(cat.token)).reason, 'session_revoked', 'what was missed has been read');
      return took;
    });
    note('feed mended', running, back);
  });
}

async function rotating(running) {
  await check('after a rotation of keys new tokens count, and what ends is heard of', async () => {
    await api('POST', '/admin/signing-keys/rotate');
    const times = await each(running, async (service) => {
      const gus = await guest();
      const client = await service.enter(gus.token);
      assert.equal(client.reason, undefined);
      const since = performance.now();
      await api('DELETE', `/admin/sessions/${gus.session}`);
      return shownOut(client, 'session_revoked', since);
    });
    assert.ok(Math.max(...times) < SOON);
  });
}

async function pulling(running, cable) {
  await check(`a feed that is interrupted drops nobody, and what it missed is heard of within ${2 * SOON} ms`, async () => {
    const people = await each(running, async (service) => {
      const [jim, kay] = [await guest(), await guest()];
      return { jim, clients: [await service.enter(jim.token), await service.enter(kay.token)] };
    });
    cable.pull();
    const times = await each(running, async (_service, index) => {
      const { jim, clients } = people[index];
      const since = performance.now();
      await api('DELETE', `/admin/sessions/${jim.session}`);
      const took = await shownOut(clients[0], 'session_revoked', since);
      assert.equal(clients[1].reason, undefined);
      clients[1].leave();
      return took;
    });
    note('feed interrupted', running, times);
    // Half a second of it is the wait before the next attempt.
    assert.ok(Math.max(...times) < 2 * SOON);
  });
}

async function comingLate(all, settings) {
  await check('a service that starts later knows what was revoked before, at the address that tokens name', async () => {
    const [hal, ida] = [await guest(), await guest()];
    await api('DELETE', `/admin/sessions/${hal.session}`);
    const { SERVER, MAX_STALENESS, ...usual } = settings;
    await each(all, async (service) => {
      const late = await start(service, usual);
      try {
        assert.equal((await late.enter(hal.token)).reason, 'session_revoked');
        const client = await late.enter(ida.token);
        assert.equal(client.reason, undefined);
        client.leave();
      } finally {
        await late.stop();
      }
    });
  });
}

async function express(service) {
  await check('a request without a token that counts is refused, and says why', async () => {
    const { token } = await guest();
    const me = (authorization) => ask('GET', `http://${service.address}/me`, { headers: { authorization } });
    const { json } = await me(`Bearer ${token}`);
    assert.deepEqual(json, { sub: claimsOf(token).sub, kind: 'guest' });
    const refused = await me(`Bearer ${token.slice(0, -8)}AAAAAAAA`);
    assert.deepEqual([refused.status, refused.json.code], [401, 'token_signature']);
    assert.equal(refused.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
    assert.equal((await me(`Basic ${token}`)).status, 401);
  });
}

async function run(programs) {
  const { iss: issuer, aud: audience } = claimsOf((await guest()).token);
  const cable = await layCable(Number(port));
  const settings = { ISSUER: issuer, AUDIENCE: audience, EVENTS_KEY: EVENTS, SERVER: cable.url, MAX_STALENESS: `${MAX_STALENESS}` };
  const running = [];
  try {
    const all = services(programs);
    for (const service of all) running.push(await start(service, settings));
    await express(running[1]);
    await revoking(running);
    await rotating(running);
    await pulling(running, cable);
    await comingLate(all, settings);
    await cutting(running, cable);
  } finally {
    await Promise.all(running.map((service) => service.stop()));
    cable.remove();
  }
}

await conclude(
  () => `axum, Express, Socket.IO (${figures.join('; ')})`,
  async () => {
    const programs = buildRust();
    await built(programs);
    await withServer(PROVISION, () => run(programs));
  },
);
