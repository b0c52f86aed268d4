import assert from 'node:assert/strict';
import { test } from 'node:test';

import { backoff, jumps, offset, renewAt } from '../src/time.js';

test('the offset puts the answer in the middle between asking and hearing', () => {
  assert.equal(offset(10_500, 1_000, 2_000), 9_000);
  assert.equal(offset(0, 1_000, 2_000), -1_500);
});

test('a short token is renewed at two thirds of its life, a long one five minutes before its end', () => {
  assert.equal(renewAt(6_000, 6_000, true), 4_000);
  assert.equal(renewAt(86_400_000, 86_400_000, true), 86_100_000);
});

test('who is not elected waits, and still acts before the end', () => {
  for (const life of [3_000, 60_000, 86_400_000]) {
    const [elected, other] = [renewAt(life, life, true), renewAt(life, life, false)];
    assert.ok(elected < other && other < life, `${life}`);
  }
});

test('waits double up to half a minute, and none is the same for all', () => {
  assert.deepEqual([0, 1, 2, 3].map((attempt) => backoff(attempt, 0)), [250, 500, 1_000, 2_000]);
  assert.deepEqual([backoff(0, 0.999) < 500, backoff(6, 0), backoff(1_000, 0)], [true, 15_000, 15_000]);
});

test('a jump is said once', () => {
  const jumped = jumps(1_000, 0);
  assert.equal(jumped(2_000, 1_000), 0);
  assert.equal(jumped(3_603_000, 2_000), 3_600_000);
  assert.equal(jumped(3_604_000, 3_000), 0);
  assert.equal(jumped(4_000, 3_000), -3_600_000);
});
