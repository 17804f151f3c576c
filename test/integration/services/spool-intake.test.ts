import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UmError } from '../../../src/base/errors.js';
import { Directory } from '../../../src/directory/directory.js';
import type { DirectoryObject } from '../../../src/directory/objects.js';
import type { MessageStore } from '../../../src/mailbox/message-store.js';
import { wavHeader } from '../../../src/media/wav.js';
import { cryptoRandom } from '../../../src/platform/random.js';
import { type IntakeFiles, SpoolFiles } from '../../../src/platform/spool/spool-files.js';
import { openSqlite } from '../../../src/platform/store/sqlite-database.js';
import { SqlStore } from '../../../src/platform/store/sql-store.js';
import { SpoolIntake, type SpoolIntakeOptions } from '../../../src/services/spool-intake.js';
import { factsOf, idOf, messageOf, smallDirectory } from '../../support/mailbox-facts.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { append, audioOf, record, SpoolSite, wavPayload } from '../../support/spool-site.js';
import { VirtualTime } from '../../support/virtual-time.js';

const A = idOf('a1');
const B = idOf('b2');
let site: SpoolSite;
let store: MessageStore;
let log: RecordingLogger;
let time: VirtualTime;

function makeIntake(changes: Partial<SpoolIntakeOptions> = {}, objects = smallDirectory()): SpoolIntake {
  const directory = new Directory(1, objects);
  return new SpoolIntake({
    store,
    files: new SpoolFiles(site.data, log),
    directory: () => directory,
    serverName: () => 'um.example.test',
    log,
    timers: time,
    wallClock: time,
    random: cryptoRandom,
    ...changes,
  });
}

beforeEach(async () => {
  site = new SpoolSite();
  log = new RecordingLogger();
  time = new VirtualTime();
  store = new SqlStore(await openSqlite(join(site.data, 'openum.db')));
});
afterEach(async () => {
  await store.close();
  site.remove();
});

describe('a message that a living worker took', () => {
  test('is moved in: audio bit for bit, row, job, and the spool entry is gone', async () => {
    const spool = await site.worker();
    await record(spool, factsOf(A), audioOf(300_001));
    let told = 0;
    await makeIntake({ onMessage: () => (told += 1) }).look();

    const [message] = await store.messages({});
    assert.deepEqual(message, {
      ...factsOf(A),
      kind: 'voice',
      messageId: `<${A}@um.example.test>`,
      durationMs: 37_500,
      codec: 'PCMU',
      audioFile: `messages/a1/${A}.wav`,
      read: false,
      urgent: false,
      private: false,
      partial: false,
    });
    const wav = readFileSync(join(site.data, message.audioFile));
    assert.deepEqual(wav.subarray(0, 58), Buffer.from(wavHeader('PCMU', 300_001)));
    assert.deepEqual(wav.subarray(58), audioOf(300_001));
    const [job, ...more] = await store.jobs({});
    assert.equal(more.length, 0);
    assert.equal(job?.recipient, '1000@example.test');
    assert.equal(job.nextAttemptAtMs, time.epochMs());
    assert.deepEqual(site.spooled(), []);
    assert.equal(told, 1);
    assert.deepEqual(log.events, ['message-stored']);
    await spool.close();
  });

  test('while it still records others: those are left alone', async () => {
    const spool = await site.worker();
    const growing = await spool.begin(factsOf(B), 'PCMU');
    await record(spool, factsOf(A), audioOf(9_000));
    await makeIntake().look();
    assert.deepEqual(
      (await store.messages({})).map((message) => message.id),
      [A],
    );
    assert.deepEqual(site.spooled(), [`A/${B}.rec`]);
    await growing.finish({ audioBytes: 0, endedBy: 'hang-up', law: 'PCMU' });
    await spool.close();
  });

  test('a job for each e-mail address of the mailbox', async () => {
    const spool = await site.worker();
    await record(spool, factsOf(A, { mailbox: 'mailbox-1001' }), audioOf(9_000));
    await makeIntake().look();
    const recipients = (await store.jobs({})).map((job) => job.recipient);
    assert.deepEqual([...recipients].sort(), ['a@example.test', 'b@example.test']);
    await spool.close();
  });

  test('whose mailbox is gone meanwhile: kept, and mailed to the address it had', async () => {
    const spool = await site.worker();
    await record(spool, factsOf(A, { mailbox: 'gone', mailboxAddress: 'gone@example.test' }), audioOf(9_000));
    await spool.missedCall(factsOf(B, { mailbox: 'gone' }));
    await makeIntake().look();
    assert.equal((await store.messages({})).length, 2);
    assert.deepEqual(
      (await store.jobs({})).map((job) => [job.message, job.recipient]),
      [[A, 'gone@example.test']],
    );
    await spool.close();
  });

  test('a missed call has no audio, and a job only when the policy allows it', async () => {
    const spool = await site.worker();
    await spool.missedCall(factsOf(A));
    await makeIntake().look();
    await spool.missedCall(factsOf(B));
    const quiet = smallDirectory().map((object): DirectoryObject =>
      object.kind === 'mailbox-policy' ? { ...object, allowMissedCallNotifications: false } : object,
    );
    await makeIntake({}, quiet).look();
    const missed = await store.messages({ kind: 'missed-call' });
    assert.equal(missed.length, 2);
    assert.ok(missed.every((message) => message.audioFile === undefined && message.durationMs === 0));
    assert.deepEqual(
      (await store.jobs({})).map((job) => job.message),
      [A],
    );
    assert.deepEqual(site.audio(), []);
    await spool.close();
  });

  test('several: the oldest first, of whichever worker', async () => {
    const [one, two] = [await site.worker('A'), await site.worker('B')];
    const ids = ['01', '02', '03', '04', '05', '06'].map(idOf);
    for (const [at, id] of ids.entries()) {
      const facts = factsOf(id, { startedAtMs: 1_000 * ((at * 5) % 6) });
      await record(at % 2 === 0 ? one : two, facts, audioOf(8_000));
    }
    await makeIntake().look();
    const order = log.lines.map((line) => line['message']);
    assert.deepEqual(
      order,
      [0, 5, 4, 3, 2, 1].map((at) => ids[at]),
    );
    await one.close();
    await two.close();
  });
});

test('kill -9 of a worker: what it took is whole, what it was at is partial or a missed call, its directory goes', async () => {
  const child = fork(fileURLToPath(new URL('../../fixtures/dying-worker.ts', import.meta.url)), [site.data]);
  await once(child, 'message');
  const intake = makeIntake();
  await intake.look();
  assert.deepEqual((await store.messages({})).length, 1, 'of a living worker only what is done');
  child.kill('SIGKILL');
  await once(child, 'exit');
  await intake.look();

  const kept = new Map((await store.messages({})).map((message) => [message.id, message]));
  const [whole, partial, missed] = [kept.get(idOf('d0')), kept.get(idOf('10')), kept.get(idOf('50'))];
  assert.deepEqual([whole?.kind, whole?.partial, whole?.durationMs], ['voice', false, 2_000]);
  assert.deepEqual([partial?.kind, partial?.partial, partial?.codec], ['voice', true, 'PCMA']);
  assert.deepEqual(wavPayload(join(site.data, partial?.audioFile ?? '')), audioOf(12_345));
  assert.deepEqual([missed?.kind, missed?.partial], ['missed-call', false]);
  assert.deepEqual(site.directories(), []);
});

describe('a crash', () => {
  /** Everything of the process is dead from the crash on. */
  function mortal<T extends object>(target: T, isDead: () => boolean, onStep: (step: string) => void): T {
    return new Proxy(target, {
      get: (_target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          onStep(`before ${String(name)}`);
          if (isDead()) throw new Error('the process is dead');
          const result: unknown = await Reflect.apply(method, target, args);
          onStep(`after ${String(name)}`);
          if (isDead()) throw new Error('the process is dead');
          return result;
        };
      },
    });
  }

  const steps = ['storeAudio', 'takeMessage', 'removeEntry', 'scan', 'messages'].flatMap((name) => [
    `before ${name}`,
    `after ${name}`,
  ]);
  for (const deadly of steps) {
    test(`${deadly} -> after the next start exactly one message, one job, one audio file, no spool entry`, async () => {
      const spool = await site.worker();
      await record(spool, factsOf(A), audioOf(20_000));
      await spool.close();
      let isDead = false;
      const die = (step: string): void => {
        isDead ||= step === deadly;
      };
      const alive: IntakeFiles = new SpoolFiles(site.data, log);
      await makeIntake({
        files: mortal(alive, () => isDead, die),
        store: mortal(store, () => isDead, die),
      }).look();
      assert.ok(isDead, 'the step was never reached');

      await makeIntake().look();
      const [message, ...more] = await store.messages({});
      assert.equal(more.length, 0);
      assert.equal(message?.messageId, `<${A}@um.example.test>`);
      assert.equal((await store.jobs({})).length, 1);
      assert.deepEqual(site.audio(), [`a1/${A}.wav`]);
      assert.deepEqual(wavPayload(join(site.data, message.audioFile ?? '')), audioOf(20_000));
      assert.deepEqual(site.spooled(), []);
    });
  }

  test('in the midst of writing the audio: the half file is overwritten', async () => {
    const spool = await site.worker();
    await record(spool, factsOf(A), audioOf(20_000));
    mkdirSync(join(site.data, 'messages/a1'), { recursive: true });
    writeFileSync(join(site.data, `messages/a1/.${A}.new`), audioOf(90_000));
    await makeIntake().look();
    assert.deepEqual(site.audio(), [`a1/${A}.wav`]);
    assert.deepEqual(wavPayload(join(site.data, `messages/a1/${A}.wav`)), audioOf(20_000));
    await spool.close();
  });

  test('before the entry was removed, and the message deleted since: it does not come back, nor its audio', async () => {
    const spool = await site.worker();
    await record(spool, factsOf(A), audioOf(20_000));
    await store.takeMessage(messageOf(A), []);
    await store.deleteMessage(A);
    await makeIntake().look();
    assert.deepEqual(await store.messages({}), []);
    assert.deepEqual(site.audio(), []);
    assert.deepEqual(site.spooled(), []);
    await spool.close();
  });
});

describe('a worker that died', () => {
  test('between its end slot and the renaming: the message is whole, not partial', async () => {
    const spool = await site.worker();
    const entry = await spool.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(16_000));
    await entry.finish({ audioBytes: 12_000, endedBy: 'hang-up', law: 'PCMU' });
    await spool.close();
    const [directory = ''] = site.directories();
    const path = join(site.data, 'spool', directory);
    renameSync(join(path, `${A}.done`), join(path, `${A}.rec`));
    await makeIntake().look();
    const [message] = await store.messages({});
    assert.deepEqual([message?.partial, message?.durationMs], [false, 1_500]);
  });

  test('before a header was whole: nothing was heard, nothing is left', async () => {
    mkdirSync(join(site.data, 'spool/A-00000000'), { recursive: true });
    writeFileSync(join(site.data, `spool/A-00000000/${A}.new`), 'openum-spool 1 half of');
    await makeIntake().look();
    assert.deepEqual(await store.messages({}), []);
    assert.deepEqual(site.directories(), []);
  });
});

test('threat: a damaged spool file -> moved aside with an error, nothing of it lost, the others go in', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(9_000));
  await spool.close();
  const [directory = ''] = site.directories();
  const damaged = audioOf(30_000);
  writeFileSync(join(site.data, 'spool', directory, `${B}.done`), damaged);
  const otherName = readFileSync(join(site.data, 'spool', directory, `${A}.done`));
  writeFileSync(join(site.data, 'spool', directory, `${idOf('c3')}.done`), otherName);
  const intake = makeIntake();
  await intake.look();
  await intake.look();
  assert.deepEqual(
    (await store.messages({})).map((message) => message.id),
    [A],
  );
  assert.deepEqual(site.directories(), ['damaged']);
  const aside = readdirSync(join(site.data, 'spool/damaged')).sort();
  assert.deepEqual(aside, [`${directory}-${B}.done`, `${directory}-${idOf('c3')}.done`]);
  assert.deepEqual(readFileSync(join(site.data, 'spool/damaged', `${directory}-${B}.done`)), damaged);
  assert.equal(log.events.filter((event) => event === 'spool-file-damaged').length, 2);
});

test('files that are none of ours stay where they are', async () => {
  mkdirSync(join(site.data, 'spool/A-00000000'), { recursive: true });
  writeFileSync(join(site.data, 'spool/A-00000000/notes.txt'), 'x');
  writeFileSync(join(site.data, 'spool/stray'), 'x');
  await makeIntake().look();
  assert.deepEqual(site.directories(), ['A-00000000', 'stray']);
  assert.deepEqual(site.spooled(), ['A/notes.txt', 'stray']);
});

test('the store is away -> said once, everything waits; back again -> everything goes in by the next look', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(9_000));
  await record(spool, factsOf(B), audioOf(9_000));
  let isAway = true;
  const shaky = new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      assert.ok(typeof method === 'function');
      return (...args: unknown[]): unknown =>
        isAway ? Promise.reject(new UmError('store-unavailable', 'disk full')) : Reflect.apply(method, target, args);
    },
  });
  const intake = makeIntake({ store: shaky });
  await intake.look();
  await intake.look();
  assert.deepEqual(log.events, ['intake-waits']);
  assert.equal(site.spooled().length, 2);
  isAway = false;
  assert.equal(time.waiting, 1, 'the next look is on its timer');
  await time.pass(5_000);
  await intake.close();
  assert.equal((await store.messages({})).length, 2);
  await spool.close();
});

test('the store dies after it has committed and before it says so -> the message is told of all the same, once', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(9_000));
  let isDying = true;
  const dying = new Proxy(store, {
    get: (target, name) => {
      const method: unknown = Reflect.get(target, name);
      assert.ok(typeof method === 'function');
      return async (...args: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(method, target, args);
        if (name !== 'takeMessage' || !isDying) return result;
        isDying = false;
        throw new UmError('store-unavailable', 'the thread of the store ended');
      };
    },
  });
  let told = 0;
  const files = new SpoolFiles(site.data, log);
  const removeEntry = files.removeEntry.bind(files);
  files.removeEntry = () => Promise.reject(new Error('EIO'));
  const intake = makeIntake({ store: dying, files, onMessage: () => (told += 1) });
  await intake.look();
  assert.equal(told, 0);
  for (let looks = 0; looks < 3; looks += 1) await intake.look();
  assert.equal(told, 1, 'its mail would wait for a minute');
  files.removeEntry = removeEntry;
  await intake.look();
  assert.equal(log.events.filter((event) => event === 'message-stored').length, 1);
  assert.equal((await store.jobs({})).length, 1);
  assert.deepEqual(site.spooled(), []);
  await spool.close();
});

test('the disk is too full for a large message -> said once, and a smaller one behind it goes in', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A, { startedAtMs: 1 }), audioOf(900_000));
  await record(spool, factsOf(B, { startedAtMs: 2 }), audioOf(9_000));
  // No disk has room for the one, any has for the other.
  const files = new SpoolFiles(site.data, log);
  files.storeAudio = (entry, audio) =>
    new SpoolFiles(site.data, log, audio.audioBytes > 500_000 ? Number.MAX_SAFE_INTEGER / 2 : 0).storeAudio(
      entry,
      audio,
    );
  const intake = makeIntake({ files });
  for (let looks = 0; looks < 3; looks += 1) await intake.look();
  assert.deepEqual(
    (await store.messages({})).map((message) => message.id),
    [B],
  );
  assert.deepEqual(log.events, ['intake-waits', 'message-stored']);
  assert.deepEqual(site.audio(), [`b2/${B}.wav`]);
  await spool.close();
});

test('one entry that cannot be moved in does not hold up the others', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A, { startedAtMs: 1 }), audioOf(9_000));
  await record(spool, factsOf(B, { startedAtMs: 2 }), audioOf(9_000));
  writeFileSync(join(site.data, 'messages'), 'no directory');
  const intake = makeIntake();
  await intake.look();
  assert.equal(log.events.filter((event) => event === 'intake-waits').length, 2);
  rmSync(join(site.data, 'messages'));
  await intake.look();
  assert.equal((await store.messages({})).length, 2);
  await spool.close();
});

test('looks that are asked for during a look are one more look; a closed intake starts no timer', async () => {
  let scans = 0;
  const files = new SpoolFiles(site.data, log);
  const counting: IntakeFiles = {
    scan: () => {
      scans += 1;
      return files.scan();
    },
    storeAudio: (entry, audio) => files.storeAudio(entry, audio),
    removeAudio: (audioFile) => files.removeAudio(audioFile),
    removeEntry: (entry) => files.removeEntry(entry),
    setAside: (entry) => files.setAside(entry),
  };
  const intake = makeIntake({ files: counting });
  await Promise.all([intake.look(), intake.look(), intake.look(), intake.look()]);
  assert.ok(scans <= 2, String(scans));
  await intake.close();
  assert.equal(time.waiting, 0);
});
