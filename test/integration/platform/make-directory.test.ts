import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../../../src/platform/make-directory.js';

test('missing directories are made, for their owner only; one that is there is left alone', () => {
  const top = mkdtempSync(join(tmpdir(), 'openum-directory-'));
  makeDirectory(join(top, 'a', 'b'));
  makeDirectory(join(top, 'a', 'b'));
  assert.equal(statSync(join(top, 'a', 'b')).mode & 0o777, 0o700);
  rmSync(top, { recursive: true });
});

test('a file system that makes no directories -> a fault, and no endless try', () => {
  assert.throws(() => {
    makeDirectory('/proc/openum/data');
  }, /ENOENT|EACCES|EPERM/);
});
