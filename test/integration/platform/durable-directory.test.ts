import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { makeDirectory } from '../../../src/platform/durable-directory.js';
import { recordSyncs } from '../../support/synced-paths.js';

let top = '';
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'openum-directory-')));
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

test('missing directories are made, for their owner only, each name synced; one that is there is left alone', async (t) => {
  const synced = await recordSyncs(t);
  await makeDirectory(join(top, 'a', 'b'));
  assert.equal(statSync(join(top, 'a', 'b')).mode & 0o777, 0o700);
  assert.deepEqual(synced, [top, join(top, 'a')]);
  await makeDirectory(join(top, 'a', 'b'));
  assert.equal(synced.length, 2);
});

test('several make the same directory at the same moment -> each finds it made, and durable', async (t) => {
  const synced = await recordSyncs(t);
  const path = join(top, 'a', 'b');
  await Promise.all([1, 2, 3].map(() => makeDirectory(path)));
  assert(statSync(path).isDirectory());
  assert(synced.includes(top) && synced.includes(join(top, 'a')));
});

test('a file in the way -> the fault of the file system', async () => {
  writeFileSync(join(top, 'file'), '');
  await assert.rejects(makeDirectory(join(top, 'file', 'a')), { code: 'ENOTDIR' });
});

test('a file system that makes no directories -> a fault, and no endless try', async () => {
  await assert.rejects(makeDirectory('/proc/openum/data'), /ENOENT|EACCES|EPERM/);
});

test('a relative path is made below the working directory', async () => {
  mkdirSync(join(top, 'work'));
  const before = process.cwd();
  process.chdir(join(top, 'work'));
  try {
    await makeDirectory('a/b');
  } finally {
    process.chdir(before);
  }
  assert(statSync(join(top, 'work', 'a', 'b')).isDirectory());
});
