import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNever, assert as invariant } from '../../../src/base/assert.js';
import { UmError } from '../../../src/base/errors.js';

test('UmError carries code, detail and cause', () => {
  const cause = new Error('EIO');
  const fault = new UmError('spool-unwritable', 'write of 3 bytes', { cause });
  assert.equal(fault.code, 'spool-unwritable');
  assert.equal(fault.message, 'the recording cannot be written to the spool: write of 3 bytes');
  assert.equal(fault.cause, cause);
});

test('a broken invariant is named', () => {
  assert.throws(() => {
    invariant(false, 'ports come in pairs');
  }, /broken invariant: ports come in pairs/);
  assert.throws(() => assertNever('odd' as never, 'state'), /unexpected state: odd/);
});
