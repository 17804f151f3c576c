import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { UmError } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/limits.js';
import { Directory } from '../../src/directory/directory.js';
import { timers, wallClock } from '../../src/platform/clock.js';
import { freeBytes } from '../../src/platform/disk-room.js';
import { cryptoRandom } from '../../src/platform/random.js';
import { SpoolFiles } from '../../src/platform/spool/spool-files.js';
import { WorkerSpool } from '../../src/platform/spool/worker-spool.js';
import { openStore } from '../../src/platform/store/sql-message-store.js';
import { SpoolIntake } from '../../src/services/spool-intake.js';
import { factsOf, idOf, messageOf, smallDirectory } from '../support/mailbox-facts.js';
import { RecordingLogger } from '../support/recording-logger.js';
import { append, audioOf, wavPayload } from '../support/spool-site.js';

/** A file system of 24 MB: needs root, as the mount does. */
let top: string;
let data: string;

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

/** Takes all the room there is. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeSync(file, Buffer.alloc(size, 0x20));
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC', String(error));
    }
  }
  closeSync(file);
}

function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args);
}

before(() => {
  top = mkdtempSync(join(tmpdir(), 'openum-full-'));
  run('mount', '-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'openum-test', top);
  data = join(top, 'data');
  mkdirSync(data);
});
after(() => {
  run('umount', top);
  rmSync(top, { recursive: true });
});

test('the disk runs full: nothing new is begun, what was taken stays, and all of it comes in once there is room', async () => {
  const log = new RecordingLogger();
  const store = await openStore(data, log);
  await store.replaceDirectory(smallDirectory());
  await store.takeMessage(messageOf(idOf('01')), []);
  const spool = await WorkerSpool.open(data, 'A', { log });
  await spool.checkRoom();
  const entry = await spool.begin(factsOf(idOf('a1')), 'PCMU');
  append(entry, audioOf(400_000));

  const filler = join(top, 'filler');
  fill(filler);
  await assert.rejects(spool.checkRoom(), codeIs('disk-nearly-full'));
  await assert.rejects(spool.begin(factsOf(idOf('b1')), 'PCMU'), codeIs('spool-unwritable'));
  await entry.finish({ audioBytes: 400_000, endedBy: 'hang-up', law: 'PCMU' });

  // The database's log may have some room of its own: what it takes is taken, and at its end it says so.
  const taken = [idOf('01')];
  await assert.rejects(async () => {
    for (let k = 0; k < 5_000; k += 1) {
      const id = idOf(`${k.toString(16).padStart(4, '0')}f`);
      await store.takeMessage(messageOf(id, { callerName: 'x'.repeat(250) }), []);
      taken.push(id);
    }
  }, codeIs('store-unavailable'));
  assert.equal((await store.messages({})).length, taken.length, 'reading goes on');
  const directory = new Directory(1, smallDirectory());
  const intake = new SpoolIntake({
    store,
    files: new SpoolFiles(data, log),
    directory: () => directory,
    serverName: () => 'um.example.test',
    log,
    timers,
    wallClock,
    random: cryptoRandom,
  });
  await intake.look();
  assert.ok(log.events.includes('intake-waits'));
  assert.equal((await store.messages({ id: idOf('a1') })).length, 0);

  truncateSync(filler, 0);
  await store.takeMessage(messageOf(idOf('02')), []);
  await intake.close();
  const [message] = await store.messages({ id: idOf('a1') });
  assert.deepEqual(wavPayload(join(data, message?.audioFile ?? '')), audioOf(400_000));
  await spool.checkRoom();
  await spool.close();
  await store.close();

  const again = await openStore(data, log);
  const kept = new Set((await again.messages({})).map(({ id }) => id));
  for (const id of [...taken, idOf('02'), idOf('a1')]) assert.ok(kept.has(id), id);
  await again.close();
});

test('a message that no room is left for: the reserve stays, a smaller one behind it goes in, and it follows later', async () => {
  const log = new RecordingLogger();
  const inner = join(top, 'inner');
  mkdirSync(inner);
  const store = await openStore(inner, log);
  const spool = await WorkerSpool.open(inner, 'A', { log });
  const sizes = new Map([
    ['a1', 4_000_000],
    ['b2', 8_000],
  ]);
  for (const [id, audioBytes] of sizes) {
    const entry = await spool.begin(factsOf(idOf(id), { startedAtMs: audioBytes === 8_000 ? 2 : 1 }), 'PCMU');
    append(entry, audioOf(audioBytes));
    await entry.finish({ audioBytes, endedBy: 'hang-up', law: 'PCMU' });
  }
  // What an earlier process left of the large one, when it died in the midst of it.
  const left = join(inner, 'messages/a1', `.${idOf('a1')}.new`);
  mkdirSync(dirname(left), { recursive: true });
  const filler = join(top, 'filler');
  writeFileSync(filler, Buffer.alloc((await freeBytes(top)) - LIMITS.diskReserveBytes - 2_000_000));
  writeFileSync(left, Buffer.alloc(1_000_000));
  const directory = new Directory(1, smallDirectory());
  const intake = new SpoolIntake({
    store,
    files: new SpoolFiles(inner, log),
    directory: () => directory,
    serverName: () => 'um.example.test',
    log,
    timers,
    wallClock,
    random: cryptoRandom,
  });
  for (let looks = 0; looks < 3; looks += 1) await intake.look();
  assert.deepEqual(log.events, ['intake-waits', 'message-stored']);
  assert.equal(log.lines[1]?.['message'], idOf('b2'));
  assert.ok((await freeBytes(top)) > LIMITS.diskReserveBytes, 'the reserve is whole');
  assert.deepEqual(readdirSync(dirname(left)), [], 'nothing of it is left');

  // Room for the message, but for what the dead process left of it.
  writeFileSync(left, Buffer.alloc(1_000_000));
  const lackingBytes = LIMITS.diskReserveBytes + 4_000_000 - (await freeBytes(top));
  truncateSync(filler, statSync(filler).size - lackingBytes + 500_000);
  await intake.close();
  const [message] = await store.messages({ id: idOf('a1') });
  assert.deepEqual(wavPayload(join(inner, message?.audioFile ?? '')), audioOf(4_000_000));
  await spool.close();
  await store.close();
  rmSync(inner, { recursive: true });
  rmSync(filler);
});

test('a data directory without any room -> data-unwritable at the start, and it starts once there is room', async () => {
  const filler = join(top, 'filler');
  fill(filler);
  const other = join(top, 'other');
  await assert.rejects(openStore(other, new RecordingLogger()), codeIs('data-unwritable'));
  truncateSync(filler, 0);
  await (await openStore(other, new RecordingLogger())).close();
  writeFileSync(filler, '');
});
