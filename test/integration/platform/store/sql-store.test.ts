import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import Database from 'libsql';
import { UmError } from '../../../../src/base/errors.js';
import type { MessageStore } from '../../../../src/mailbox/message-store.js';
import { asQueryFault, openSqlite } from '../../../../src/platform/store/sqlite-database.js';
import { SqlStore } from '../../../../src/platform/store/sql-store.js';
import { idOf, jobOf, messageOf, smallDirectory } from '../../../support/mailbox-facts.js';

const A = idOf('a');
const B = idOf('b');
let data: string;
let store: MessageStore;

const path = (): string => join(data, 'openum.db');
const open = async (): Promise<MessageStore> => new SqlStore(await openSqlite(path()));
const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-sql-'));
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

describe('the queries', () => {
  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    await store.close();
  });

  test('a missed call without audio comes back as it was', async () => {
    const missed = messageOf(A, { kind: 'missed-call', codec: undefined, audioFile: undefined, durationMs: 0 });
    await store.takeMessage(missed, []);
    assert.deepEqual(await store.messages({ kind: 'missed-call' }), [missed]);
    assert.deepEqual(await store.messages({ kind: 'voice' }), []);
  });

  test('a message taken twice -> once, with the first jobs', async () => {
    await store.takeMessage(messageOf(A), [jobOf('1', A)]);
    assert.equal(await store.takeMessage(messageOf(A, { durationMs: 9 }), [jobOf('2', A)]), false);
    assert.deepEqual(await store.messages({}), [messageOf(A)]);
    assert.deepEqual(await store.jobs({}), [jobOf('1', A)]);
  });

  test('a deleted message is never taken again, and its jobs are gone', async () => {
    await store.takeMessage(messageOf(A), [jobOf('1', A)]);
    assert.deepEqual(await store.deleteMessage(A), messageOf(A));
    assert.equal(await store.deleteMessage(A), undefined);
    assert.equal(await store.takeMessage(messageOf(A), [jobOf('1', A)]), false);
    assert.deepEqual(await store.messages({}), []);
    assert.deepEqual(await store.jobs({}), []);
  });

  test('a job id that is taken already -> neither message nor jobs', async () => {
    await store.takeMessage(messageOf(A), [jobOf('1', A)]);
    await assert.rejects(
      store.takeMessage(messageOf(B), [jobOf('1', B)]),
      (error) => asQueryFault(error).code === 'store-unavailable',
    );
    assert.deepEqual(await store.messages({}), [messageOf(A)]);
    assert.equal(await store.takeMessage(messageOf(B), [jobOf('2', B)]), true);
  });

  test('messages come newest first, by mailbox, and by the first digits of their id', async () => {
    await store.takeMessage(messageOf(A, { startedAtMs: 5 }), []);
    await store.takeMessage(messageOf(B, { startedAtMs: 7, mailbox: 'other' }), []);
    assert.deepEqual(
      (await store.messages({})).map((message) => message.id),
      [B, A],
    );
    assert.deepEqual(
      (await store.messages({ mailbox: 'other' })).map((message) => message.id),
      [B],
    );
    assert.deepEqual(
      (await store.messages({ id: 'aaaaaa' })).map((message) => message.id),
      [A],
    );
    assert.deepEqual(await store.messages({ id: 'aaaaab' }), []);
  });

  test('marks are kept, only those given change, an unknown id says false', async () => {
    await store.takeMessage(messageOf(A, { urgent: true }), []);
    assert.equal(await store.markMessage(A, { read: true }), true);
    assert.deepEqual(await store.messages({}), [messageOf(A, { read: true, urgent: true })]);
    assert.equal(await store.markMessage(A, { urgent: false, private: true }), true);
    assert.deepEqual(await store.messages({}), [messageOf(A, { read: true, private: true })]);
    assert.equal(await store.markMessage(A, {}), true);
    assert.equal(await store.markMessage(B, { read: true }), false);
  });

  test('due jobs: waiting ones whose time has come, oldest first, at most so many', async () => {
    await store.takeMessage(messageOf(A), [
      jobOf('late', A, { nextAttemptAtMs: 300 }),
      jobOf('first', A, { nextAttemptAtMs: 100 }),
      jobOf('second', A, { nextAttemptAtMs: 200 }),
      jobOf('done', A, { nextAttemptAtMs: 1, state: 'done' }),
    ]);
    const due = async (nowMs: number, atMost: number): Promise<readonly string[]> =>
      (await store.dueJobs(nowMs, atMost)).map((job) => job.id);
    assert.deepEqual(await due(200, 9), ['first', 'second']);
    assert.deepEqual(await due(900, 1), ['first']);
    assert.deepEqual(await due(99, 9), []);
  });

  test('an attempt is counted; a retried job is as new; a discarded one is gone', async () => {
    await store.takeMessage(messageOf(A), [jobOf('1', A)]);
    await store.jobAttempted('1', { state: 'dead', nextAttemptAtMs: 50, lastError: '550 no such user' });
    assert.deepEqual(await store.jobs({ state: 'dead' }), [
      jobOf('1', A, { state: 'dead', attempts: 1, nextAttemptAtMs: 50, lastError: '550 no such user' }),
    ]);
    assert.deepEqual(await store.jobCounts(), { waiting: 0, dead: 1 });
    assert.equal(await store.retryJob('1', 77), true);
    assert.deepEqual(await store.jobs({}), [jobOf('1', A, { createdAtMs: 77, nextAttemptAtMs: 77 })]);
    assert.deepEqual(await store.jobCounts(), { waiting: 1, dead: 0 });
    assert.equal(await store.discardJob('1'), true);
    assert.equal(await store.discardJob('1'), false);
    assert.equal(await store.retryJob('1', 78), false);
  });

  test('replacing the directory raises its version and tells only what changed', async () => {
    assert.deepEqual(await store.readDirectory(), { version: 0, objects: [] });
    const objects = smallDirectory();
    const first = await store.replaceDirectory(objects);
    assert.equal(first.version, 1);
    assert.equal(first.put.length, objects.length);
    const next = objects
      .filter((object) => object.id !== 'mailbox-1001')
      .map((object) => (object.kind === 'settings' ? { ...object, maxCallsAllowed: 7 } : object));
    assert.deepEqual(await store.replaceDirectory(next), {
      version: 2,
      put: [{ kind: 'settings', id: 'settings', maxCallsAllowed: 7 }],
      removed: ['mailbox-1001'],
    });
    const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
    assert.deepEqual(await store.readDirectory(), { version: 2, objects: [...next].sort(byId) });
  });
});

describe('opening', () => {
  test('a database of a newer program -> database-newer, and it stays as it is', async () => {
    await (await open()).close();
    const database = new Database(path());
    database.exec('PRAGMA user_version = 99');
    database.close();
    await assert.rejects(open(), codeIs('database-newer'));
    await assert.rejects(open(), codeIs('database-newer'));
  });

  test('a file that is no database -> database-damaged, and it stays as it is', async () => {
    writeFileSync(path(), 'no database at all '.repeat(500));
    await assert.rejects(open(), codeIs('database-damaged'));
    assert.match(readFileSync(path(), 'latin1'), /^no database at all /);
  });

  test('a database with torn pages -> database-damaged', async () => {
    store = await open();
    for (let k = 0; k < 40; k += 1) {
      await store.takeMessage(messageOf(idOf(`${String(k).padStart(2, '0')}c`), { callerName: 'x'.repeat(250) }), []);
    }
    await store.close();
    const database = new Database(path());
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    const bytes = readFileSync(path());
    bytes.fill(0x5a, 4_096 * 2, 4_096 * 6);
    writeFileSync(path(), bytes);
    await assert.rejects(open(), codeIs('database-damaged'));
  });

  test('a directory where the database should be -> data-unwritable', async () => {
    rmSync(data, { recursive: true });
    writeFileSync(data, '');
    await assert.rejects(open(), codeIs('data-unwritable'));
  });
});
