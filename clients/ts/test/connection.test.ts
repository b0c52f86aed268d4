import assert from 'node:assert/strict';
import { test } from 'node:test';

import { meaning } from '../src/connection.js';

test('a close code without a frame means what the document says', () => {
  assert.equal(meaning(4401), 'refresh');
  for (const code of [4403, 4409, 4410, 1008]) assert.equal(meaning(code), 'stop', `${code}`);
  for (const code of [1000, 1001, 1006, 1011, 1012, 1013, 4408, 4429]) assert.equal(meaning(code), 'retry', `${code}`);
});
