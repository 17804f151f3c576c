import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { codeOf, hasCode } from '../../../src/platform/os-error.js';

test('the code of a system call that failed is found; whatever else was thrown has none', () => {
  let fault: unknown;
  try {
    statSync('/no/such/place');
  } catch (error) {
    fault = error;
  }
  assert.deepEqual([codeOf(fault), hasCode(fault, 'ENOENT'), hasCode(fault, 'EACCES')], ['ENOENT', true, false]);
  for (const other of [
    new Error('ENOENT'),
    { code: 'ENOENT' },
    'ENOENT',
    undefined,
    Object.assign(new Error(), { code: 5 }),
  ])
    assert.equal(codeOf(other), undefined);
});
