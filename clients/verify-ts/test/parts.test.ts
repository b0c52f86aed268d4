// Parts: the reader of the stream, and what revocations cost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { Revoked } from '../src/revoked.js';
import { Reader } from '../src/sse.js';

test('a stream reads alike however it is cut and whatever ends its lines', () => {
  const text = ': alive\n\nid: 7\nevent: session-revoked\ndata: ey.J\n\n: é\n\nevent:ready\nid\nretry: 5\ndata\n\ndata: a\ndata: b\n\n';
  for (const ending of ['\n', '\r\n', '\r']) {
    const bytes = Buffer.from(text.replaceAll('\n', ending));
    for (const size of [1, 2, 3, 7, bytes.length]) {
      const reader = new Reader();
      const read = [];
      for (let at = 0; at < bytes.length; at += size) read.push(...reader.take(bytes.subarray(at, at + size)));
      assert.deepEqual(
        read,
        [
          { id: '7', event: 'session-revoked', data: 'ey.J' },
          { id: '', event: 'ready', data: '' },
          { event: '', data: 'a\nb' },
        ],
        `${JSON.stringify(ending)} ${size}`,
      );
      assert.ok(reader.isBetween);
    }
  }
});

test('what is endless or no text is refused', () => {
  const most = 64 * 1024;
  const reader = new Reader();
  assert.deepEqual(reader.take(Buffer.alloc(most, 'x')), []);
  assert.throws(() => reader.take(Buffer.from('x')));
  assert.throws(() => new Reader().take(Buffer.from('data: x\n'.repeat(most))));
  assert.throws(() => new Reader().take(Buffer.from([0xff, 0x0a])));
  const chatty = new Reader();
  for (let times = 0; times < most; times += 1) assert.deepEqual(chatty.take(Buffer.from(': alive\n')), []);
});

test('a revocation takes as little as is written', () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const [count, at] = [200_000, 1_800_000_000_000];
  const revoked = new Revoked(1_000_000, 86_400_000);
  gc();
  const before = process.memoryUsage().heapUsed;
  for (let number = 0; number < count; number += 1) {
    const id = `019aa914-46a7-7000-8000-${number.toString(16).padStart(12, '0')}`;
    revoked.add({ kind: 'session', id, at, from: at }, at);
  }
  gc();
  const each = (process.memoryUsage().heapUsed - before) / count;
  assert.equal(revoked.size, count);
  // docs/verify.md says so.
  assert.ok(each < 200, `${each} bytes`);
  revoked.sweep(1_900_000_000_000);
  assert.equal(revoked.size, 0);
});
