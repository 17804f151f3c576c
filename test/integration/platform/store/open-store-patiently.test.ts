import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { openStorePatiently } from '../../../../src/platform/store/open-store-patiently.js';
import { DataLock, storeLockPath } from '../../../../src/platform/store/data-lock.js';
import { databasePath } from '../../../../src/platform/store/sql-message-store.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { VirtualTime } from '../../../support/virtual-time.js';

const log = new RecordingLogger();
let data: string;
let time: VirtualTime;

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-patience-'));
  time = new VirtualTime();
});
afterEach(() => {
  rmSync(data, { recursive: true });
});

/** Lets time pass until the opening is settled, or so far; each look at the lock takes real time. */
async function passWhileWaiting(opening: Promise<unknown>, untilMs: number): Promise<void> {
  const seen = { isSettled: false };
  const settle = (): void => {
    seen.isSettled = true;
  };
  opening.then(settle, settle);
  while (!seen.isSettled && time.nowMs() < untilMs) {
    if (time.waiting === 0) await new Promise((done) => setImmediate(done));
    else await time.pass(100);
  }
}

test('the store of a daemon that was killed: its service may take as long as it closes', async () => {
  const lock = DataLock.tryAcquire(storeLockPath(data));
  const opening = openStorePatiently(data, log, { timers: time, clock: time });
  const deliveriesEndMs = 5_000;
  await passWhileWaiting(opening, deliveriesEndMs + LIMITS.controlCloseMs + 5_000);
  lock?.release();
  await passWhileWaiting(opening, Infinity);
  await (await opening).close();
});

test('somebody who never lets go of it -> data-in-use, in the end', async () => {
  const lock = DataLock.tryAcquire(storeLockPath(data));
  const refused = assert.rejects(openStorePatiently(data, log, { timers: time, clock: time }), codeIs('data-in-use'));
  await passWhileWaiting(refused, Infinity);
  assert.ok(time.nowMs() <= 31_000);
  await refused;
  lock?.release();
});

test('what will not pass is not waited for', async () => {
  writeFileSync(databasePath(data), 'no database '.repeat(1_000));
  await assert.rejects(openStorePatiently(data, log, { timers: time, clock: time }), codeIs('database-damaged'));
  assert.equal(time.nowMs(), 0);
});
