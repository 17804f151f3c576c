import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UmError } from '../../../../src/base/errors.js';
import { DataLock } from '../../../../src/platform/store/data-lock.js';

let directory: string;
let path: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'openum-lock-'));
  path = join(directory, 'x.lock');
});
afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

test('a lock that is held is not given again in the same process, and is once it was released', () => {
  const first = DataLock.tryAcquire(path);
  assert.ok(first);
  assert.equal(DataLock.tryAcquire(path), undefined);
  assert.equal(DataLock.tryAcquire(path), undefined, 'asking must not drop the lock');
  first.release();
  first.release();
  const second = DataLock.tryAcquire(path);
  assert.ok(second);
  second.release();
});

test('kill -9 of the holder frees the lock at once', async () => {
  const child = fork(fileURLToPath(new URL('../../../fixtures/lock-holder.ts', import.meta.url)), [path]);
  await once(child, 'message');
  assert.equal(DataLock.tryAcquire(path), undefined);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const lock = DataLock.tryAcquire(path);
  assert.ok(lock);
  lock.release();
});

test('a lock is one file, held or not', () => {
  const lock = DataLock.tryAcquire(path);
  assert.deepEqual(readdirSync(directory), ['x.lock']);
  lock?.release();
  assert.deepEqual(readdirSync(directory), ['x.lock']);
});

test('the lock file is readable by its owner only', () => {
  DataLock.tryAcquire(path)?.release();
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a directory that is not there -> data-unwritable', () => {
  assert.throws(
    () => DataLock.tryAcquire(join(directory, 'none', 'x.lock')),
    (error) => error instanceof UmError && error.code === 'data-unwritable',
  );
});

test('a lock file that is something else -> data-unwritable, not a lock', () => {
  writeFileSync(path, 'not a lock file '.repeat(400));
  assert.throws(
    () => DataLock.tryAcquire(path),
    (error) => error instanceof UmError && error.code === 'data-unwritable',
  );
});
