import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fork } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'libsql';
import { UmError } from '../../../../src/base/errors.js';
import type { MessageStore } from '../../../../src/mailbox/message-store.js';
import { databasePath, openStore } from '../../../../src/platform/store/sql-message-store.js';
import { idOf, jobOf, messageOf } from '../../../support/mailbox-facts.js';
import { RecordingLogger } from '../../../support/recording-logger.js';

const A = idOf('a');
let data: string;
let store: MessageStore;

const open = (): Promise<MessageStore> => openStore(data, new RecordingLogger());
const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-store-'));
});
afterEach(() => {
  rmSync(data, { recursive: true, force: true });
});

describe('a store in its thread', () => {
  beforeEach(async () => {
    store = await open();
  });
  afterEach(async () => {
    await store.close();
  });

  test('a message and its jobs are there after the store was closed and opened again', async () => {
    assert.equal(await store.takeMessage(messageOf(A), [jobOf('1', A), jobOf('2', A)]), true);
    await store.close();
    store = await open();
    assert.deepEqual(await store.messages({}), [messageOf(A)]);
    assert.deepEqual(await store.jobs({ message: A }), [jobOf('1', A), jobOf('2', A)]);
  });

  test('the database is readable by its owner only', () => {
    assert.equal(statSync(databasePath(data)).mode & 0o777, 0o600);
  });

  test('a closed store -> store-unavailable', async () => {
    await store.close();
    await assert.rejects(store.messages({}), codeIs('store-unavailable'));
  });

  test('another process that writes now and then only delays a commit', async () => {
    const other = new Database(databasePath(data), { timeout: 1_000 });
    other.exec('BEGIN IMMEDIATE');
    const taken = store.takeMessage(messageOf(A), []);
    setImmediate(() => other.exec('COMMIT'));
    assert.equal(await taken, true);
    other.close();
  });
});

test('a database that cannot be opened -> its code comes out of the thread', async () => {
  writeFileSync(databasePath(data), 'no database at all '.repeat(500));
  await assert.rejects(open(), codeIs('database-damaged'));
});

test('kill -9 between commits: every message that was reported taken is there', async () => {
  const child = fork(fileURLToPath(new URL('../../../fixtures/committing-child.ts', import.meta.url)), [data], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const reported: string[] = [];
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) {
    reported.push(line);
    if (reported.length === 60) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  assert.ok(reported.length >= 60);
  store = await open();
  const kept = new Map((await store.messages({})).map((message) => [message.id, message]));
  const jobs = await store.jobs({});
  for (const id of reported) {
    assert.ok(kept.has(id), id);
    assert.ok(jobs.some((job) => job.message === id));
  }
  assert.equal(jobs.length, kept.size, 'a message without its job');
  await store.close();
  assert.ok(existsSync(databasePath(data)));
});
