import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import type { DirectoryDelta } from '../../../src/directory/objects.js';
import type { MessageStore } from '../../../src/mailbox/message-store.js';
import { cryptoRandom } from '../../../src/platform/random.js';
import { openSqlite } from '../../../src/platform/store/sqlite-database.js';
import { SqlStore } from '../../../src/platform/store/sql-store.js';
import { MailboxOperations } from '../../../src/services/mailbox-operations.js';
import { idOf, jobOf, messageOf, smallDirectory } from '../../support/mailbox-facts.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { VirtualTime } from '../../support/virtual-time.js';

const A = idOf('abc1');
const B = idOf('abc2');
let data: string;
let store: MessageStore;
let operations: MailboxOperations;
let time: VirtualTime;
let deltas: DirectoryDelta[];
let woken: number;

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

beforeEach(async () => {
  data = mkdtempSync(join(tmpdir(), 'openum-operations-'));
  store = new SqlStore(await openSqlite(join(data, 'openum.db')));
  await store.replaceDirectory(smallDirectory());
  time = new VirtualTime();
  deltas = [];
  woken = 0;
  operations = new MailboxOperations({
    store,
    dataDirectory: data,
    log: new RecordingLogger(),
    wallClock: time,
    random: cryptoRandom,
    onDirectoryChanged: (delta) => deltas.push(delta),
    onJobsChanged: () => (woken += 1),
  });
});
afterEach(async () => {
  await store.close();
  rmSync(data, { recursive: true, force: true });
});

describe('messages', () => {
  beforeEach(async () => {
    await store.takeMessage(messageOf(A, { startedAtMs: 1_700_000_000_123 }), [
      jobOf('00000000000000a1', A, { nextAttemptAtMs: 1_700_000_000_500 }),
      jobOf('00000000000000a2', A, { state: 'dead', attempts: 3, lastError: '550 no' }),
    ]);
    await store.takeMessage(
      messageOf(B, {
        kind: 'missed-call',
        mailbox: 'gone',
        mailboxAddress: 'gone@example.test',
        codec: undefined,
        audioFile: undefined,
      }),
      [],
    );
  });

  test('are reported with absolute audio file, ISO times and deliveries', async () => {
    assert.deepEqual(await operations.handle('messages', { id: A }), [
      {
        id: A,
        kind: 'voice',
        mailbox: '1000@example.test',
        from: '5551234',
        callerName: 'Zoë "Ann" <a@b>',
        receivedAt: '2023-11-14T22:13:20.123Z',
        durationMs: 2_500,
        read: false,
        urgent: false,
        private: false,
        partial: false,
        codec: 'PCMU',
        audioFile: join(data, 'messages', 'ab', `${A}.wav`),
        callId: `${A}@gateway`,
        delivery: [
          {
            kind: 'email',
            state: 'waiting',
            attempts: 0,
            nextAttemptAt: '2023-11-14T22:13:20.500Z',
            lastError: null,
          },
          { kind: 'email', state: 'dead', attempts: 3, nextAttemptAt: null, lastError: '550 no' },
        ],
      },
    ]);
    const all = await operations.handle('messages', {});
    assert.deepEqual(
      all.map(({ id, codec, audioFile, delivery }) => [id, codec, audioFile, delivery.length]),
      [
        [A, 'PCMU', join(data, 'messages', 'ab', `${A}.wav`), 2],
        [B, null, null, 0],
      ],
    );
  });

  test('of a mailbox, by extension, address and id; also of one that is gone; unknown -> not-found', async () => {
    const idsOf = async (mailbox: string): Promise<readonly string[]> =>
      (await operations.handle('messages', { mailbox })).map((message) => message.id);
    for (const identity of ['1000', '1000@example.test', '1000@EXAMPLE.test', 'mailbox-1000']) {
      assert.deepEqual(await idsOf(identity), [A], identity);
    }
    assert.deepEqual(await idsOf('1001'), []);
    assert.deepEqual(await idsOf('Gone@example.test'), [B]);
    assert.deepEqual(await operations.handle('messages', { mailbox: '1000', kind: 'missed-call' }), []);
    await assert.rejects(idsOf('7777'), codeIs('not-found'));
  });

  test('by the first digits of an id: one, none, several, too few', async () => {
    assert.equal((await operations.handle('messages', { id: A.slice(0, 8).toUpperCase() }))[0]?.id, A);
    assert.deepEqual(await operations.handle('messages', { id: '012345' }), []);
    const near = `${A.slice(0, 10)}${'0'.repeat(22)}`;
    await store.takeMessage(messageOf(near), []);
    await assert.rejects(operations.handle('messages', { id: A.slice(0, 8) }), codeIs('request-invalid'));
    await assert.rejects(operations.handle('messages', { id: A.slice(0, 5) }), codeIs('request-invalid'));
    assert.deepEqual(await operations.handle('messages', { id: 'nope' }), [], 'short, but nobody could be meant');
    await assert.rejects(operations.handle('delete-message', { id: '999' }), codeIs('not-found'));
    await assert.rejects(operations.handle('messages', { id: '' }), codeIs('request-invalid'));
  });

  test('are marked', async () => {
    const marked = await operations.handle('mark-message', { id: A.slice(0, 8), marks: { read: true, urgent: true } });
    assert.deepEqual([marked.read, marked.urgent, marked.private], [true, true, false]);
    assert.deepEqual(await operations.handle('messages', { id: A }), [marked]);
    await assert.rejects(operations.handle('mark-message', { id: '999999', marks: {} }), codeIs('not-found'));
  });

  test('are deleted with their audio and jobs', async () => {
    const audio = join(data, 'messages', 'ab', `${A}.wav`);
    mkdirSync(dirname(audio), { recursive: true });
    writeFileSync(audio, 'x');
    assert.equal((await operations.handle('delete-message', { id: A })).id, A);
    assert.equal(existsSync(audio), false);
    assert.deepEqual(await store.jobs({}), []);
    await assert.rejects(operations.handle('delete-message', { id: A }), codeIs('not-found'));
  });

  test('are deleted though their audio is gone already', async () => {
    await operations.handle('delete-message', { id: A });
    await operations.handle('delete-message', { id: B });
    assert.deepEqual(await operations.handle('messages', {}), []);
  });

  test('outbox: what is dead and what waits; retried, discarded, unknown', async () => {
    await store.jobAttempted('00000000000000a1', { state: 'done', nextAttemptAtMs: 1, lastError: undefined });
    assert.deepEqual(
      (await operations.handle('outbox', {})).map(({ id, state }) => [id, state]),
      [['00000000000000a2', 'dead']],
    );
    await assert.rejects(operations.handle('retry-job', { id: '00000000000000a1' }), codeIs('request-invalid'));
    await time.pass(5_000);
    const retried = await operations.handle('retry-job', { id: '00000000000000a2' });
    assert.deepEqual(retried, {
      id: '00000000000000a2',
      message: A,
      recipient: '1000@example.test',
      createdAt: new Date(time.epochMs()).toISOString(),
      kind: 'email',
      state: 'waiting',
      attempts: 0,
      nextAttemptAt: new Date(time.epochMs()).toISOString(),
      lastError: null,
    });
    assert.equal(woken, 1);
    assert.equal((await operations.handle('discard-job', { id: '00000000000000a2' })).id, '00000000000000a2');
    assert.deepEqual(await operations.handle('outbox', {}), []);
    await assert.rejects(operations.handle('retry-job', { id: '00000000000000a2' }), codeIs('not-found'));
    await assert.rejects(operations.handle('discard-job', { id: '00000000000000a2' }), codeIs('not-found'));
    assert.equal(woken, 1);
  });
});

describe('the directory', () => {
  test('exported and imported again -> the same objects under the same ids, one version higher', async () => {
    const before = await store.readDirectory();
    const document = JSON.parse(JSON.stringify(await operations.handle('export-directory', {}))) as unknown;
    assert.deepEqual(await operations.handle('import-directory', { document }), { version: before.version + 1 });
    assert.deepEqual((await store.readDirectory()).objects, before.objects);
    assert.deepEqual(deltas, [{ version: before.version + 1, put: [], removed: [] }]);
  });

  test('a faulty document -> directory-invalid with a line for each fault, nothing changed', async () => {
    const before = await store.readDirectory();
    const document = { dialPlans: [{ name: 'X', numberOfDigitsInExtension: 99 }], mailboxes: 'none' };
    await assert.rejects(operations.handle('import-directory', { document }), (error) => {
      assert.ok(error instanceof UmError);
      assert.equal(error.code, 'directory-invalid');
      assert.ok(error.detail.split('\n').length >= 2, error.detail);
      return true;
    });
    assert.deepEqual(await store.readDirectory(), before);
    assert.deepEqual(deltas, []);
  });
});

test('what only a daemon can do -> daemon-absent', async () => {
  await assert.rejects(operations.handle('status', {}), codeIs('daemon-absent'));
  await assert.rejects(operations.handle('spool-changed', {}), codeIs('daemon-absent'));
});
