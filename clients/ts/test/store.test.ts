import assert from 'node:assert/strict';
import { test } from 'node:test';

import { choose, Entry, isKept, memory } from '../src/store.js';

const kept = {
  session: 's',
  identity: {
    id: 'i',
    kind: 'guest',
    profile: { given_name: null, family_name: null, nickname: null, phone_number: null, locale: null },
    created_at: '2026-01-01T00:00:00Z',
  },
  access: 'a',
  refresh: 'r',
  expiresAt: 1,
  life: 1,
  endsAt: 1,
  offset: 0,
} as const;

test('an entry is read as it was written, and what nobody wrote is nothing', () => {
  const store = memory();
  const entry = new Entry(store, 'name');
  assert.equal(entry.read(), null);
  entry.write(kept);
  assert.deepEqual(entry.read(), kept);
  store.setItem('name', 'no JSON');
  assert.equal(entry.read(), null);
});

test('a session that is over is no session', () => {
  assert.equal(isKept(kept), true);
  assert.equal(isKept({ session: 's', over: 'session_revoked' }), false);
  assert.equal(isKept(null), false);
});

test('without a local store the session is in memory, and nobody shares it', () => {
  assert.equal(choose('local').shared, 'localStorage' in globalThis);
  assert.equal(choose('memory').shared, false);
  const own = memory();
  assert.equal(choose(own).store, own);
});
