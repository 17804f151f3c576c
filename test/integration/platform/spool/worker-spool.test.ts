import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { parseSpoolHeader, SPOOL_HEADER_BYTES } from '../../../../src/mailbox/spool-entry.js';
import { SpoolFiles } from '../../../../src/platform/spool/spool-files.js';
import { SPOOL_LOCK_NAME } from '../../../../src/platform/spool/spool-directory.js';
import { WorkerSpool } from '../../../../src/platform/spool/worker-spool.js';
import { DataLock } from '../../../../src/platform/store/data-lock.js';
import { factsOf, idOf } from '../../../support/mailbox-facts.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { append, audioOf, record, SpoolSite } from '../../../support/spool-site.js';
import { failSyncs, recordSyncs } from '../../../support/synced-paths.js';
import { VirtualTime } from '../../../support/virtual-time.js';

const A = idOf('a1');
let site: SpoolSite;
let spool: WorkerSpool;

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

function doneFile(): string {
  const directory = join(site.data, 'spool', site.directories()[0] ?? '');
  return join(directory, readdirSync(directory).find((name) => name.endsWith('.done')) ?? '');
}

beforeEach(async () => {
  site = new SpoolSite();
  spool = await site.worker();
});
afterEach(async () => {
  await spool.close();
  site.remove();
});

describe('a recording', () => {
  test('begun -> its facts are in the file, readable by the owner only', async () => {
    const entry = await spool.begin(factsOf(A), 'PCMA');
    const bytes = readFileSync(entry.path);
    assert.equal(bytes.length, entry.audioOffset);
    assert.deepEqual(parseSpoolHeader(bytes.toString('latin1')), { facts: factsOf(A), law: 'PCMA', end: undefined });
    assert.equal(statSync(entry.path).mode & 0o777, 0o600);
    assert.equal(statSync(dirname(entry.path)).mode & 0o777, 0o700);
    await entry.dropForMissedCall();
  });

  test('finished -> cut to what counts, renamed, told once', async () => {
    let taken = 0;
    spool.onTaken = () => (taken += 1);
    const entry = await spool.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(24_000));
    await entry.finish({ audioBytes: 16_000, endedBy: 'silence', law: 'PCMA' });
    await entry.finish({ audioBytes: 16_000, endedBy: 'silence', law: 'PCMA' });
    assert.equal(taken, 1);
    assert.deepEqual(site.spooled(), [`A/${A}.done`]);
    const bytes = readFileSync(doneFile());
    assert.deepEqual(bytes.subarray(SPOOL_HEADER_BYTES), audioOf(24_000).subarray(0, 16_000));
    const header = parseSpoolHeader(bytes.subarray(0, SPOOL_HEADER_BYTES).toString('latin1'));
    assert.deepEqual(header?.end, { kind: 'voice', audioBytes: 16_000, endedBy: 'silence', law: 'PCMA' });
  });

  test('dropped for a missed call -> no audio is left', async () => {
    const entry = await spool.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(500));
    await entry.dropForMissedCall();
    const header = parseSpoolHeader(readFileSync(doneFile()).toString('latin1'));
    assert.deepEqual(header?.end, { kind: 'missed-call' });
    assert.equal(statSync(doneFile()).size, SPOOL_HEADER_BYTES);
  });

  test('whose finish failed can be finished again', async () => {
    const entry = await spool.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(9_000));
    const moved = `${entry.path}.away`;
    renameSync(entry.path, moved);
    const audio = { audioBytes: 9_000, endedBy: 'hang-up', law: 'PCMU' } as const;
    await assert.rejects(entry.finish(audio), codeIs('spool-unwritable'));
    renameSync(moved, entry.path);
    await entry.finish(audio);
    assert.deepEqual(site.spooled(), [`A/${A}.done`]);
  });
});

describe('a message whose end cannot be written', () => {
  const audio = { audioBytes: 9_000, endedBy: 'hang-up', law: 'PCMU' } as const;
  let time: VirtualTime;
  let log: RecordingLogger;
  let sick: WorkerSpool;
  let taken = 0;

  beforeEach(async () => {
    time = new VirtualTime();
    log = new RecordingLogger();
    taken = 0;
    sick = await WorkerSpool.open(site.data, 'S', { log, reserveBytes: 0, timers: time });
    sick.onTaken = () => (taken += 1);
  });

  /** Lets time pass until something was written to the log: real files take their own time. */
  async function untilLogged(event: string): Promise<void> {
    while (!log.events.includes(event)) await time.pass(1_000);
  }

  /** Its file is away, as on a disk that fails; it comes back when the function is called. */
  async function failed(): Promise<() => void> {
    const entry = await sick.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(9_000));
    const moved = `${entry.path}.away`;
    renameSync(entry.path, moved);
    await assert.rejects(entry.finish(audio), codeIs('spool-unwritable'));
    return () => {
      renameSync(moved, entry.path);
    };
  }

  test('is tried again every few seconds, and taken once that works', async () => {
    const heal = await failed();
    await time.pass(60_000);
    assert.deepEqual([site.spooled(), taken, log.events], [[`S/${A}.rec.away`], 0, []]);
    heal();
    await untilLogged('message-finished-late');
    assert.deepEqual([site.spooled(), taken, log.events.length], [[`S/${A}.done`], 1, 1]);
    assert.equal(time.waiting, 0);
    await sick.close();
  });

  test('is tried once more when the worker ends', async () => {
    const heal = await failed();
    heal();
    await sick.close();
    assert.deepEqual([site.spooled(), taken, time.waiting], [[`S/${A}.done`], 1, 0]);
  });

  test('to the end -> the log names where it lies', async () => {
    await failed();
    await sick.close();
    assert.equal(log.events[0], 'message-left-unfinished');
    assert.match(String(log.lines[0]?.['path']), /S-.*\.rec$/);
    assert.equal(time.waiting, 0);
  });

  test('that was renamed and only not synced: it is taken once the sync works', async (t) => {
    const entry = await sick.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(9_000));
    await failSyncs(t, 1);
    await assert.rejects(entry.finish(audio), codeIs('spool-unwritable'));
    assert.deepEqual([site.spooled(), taken], [[`S/${A}.done`], 0]);
    await untilLogged('message-finished-late');
    assert.equal(taken, 1);
    await sick.close();
  });

  test('and is asked for again by the call at the same moment: taken once', async () => {
    const entry = await sick.begin(factsOf(A), 'PCMU');
    append(entry, audioOf(9_000));
    renameSync(entry.path, `${entry.path}.away`);
    await assert.rejects(entry.finish(audio));
    renameSync(`${entry.path}.away`, entry.path);
    await Promise.all([entry.finish(audio), entry.finish(audio), time.pass(5_000)]);
    assert.deepEqual([site.spooled(), taken], [[`S/${A}.done`], 1]);
    await sick.close();
  });

  test('a missed call is on the disk all the same: nobody is told that it is lost', async (t) => {
    await failSyncs(t, 2, 1);
    await sick.missedCall(factsOf(A));
    assert.deepEqual([taken, log.events], [0, ['message-not-finished']]);
    await untilLogged('message-finished-late');
    assert.deepEqual([site.spooled(), taken], [[`S/${A}.done`], 1]);
    await sick.close();
  });
});

test('a missed call without a recording is one file without audio', async () => {
  await spool.missedCall(factsOf(A));
  const header = parseSpoolHeader(readFileSync(doneFile()).toString('latin1'));
  assert.deepEqual(header, { facts: factsOf(A), law: 'PCMU', end: { kind: 'missed-call' } });
});

test('threat: the disk runs full -> no message is begun below the reserve (diskReserveBytes)', async () => {
  const most = Number.MAX_SAFE_INTEGER;
  const full = await WorkerSpool.open(site.data, 'F', { log: new RecordingLogger(), reserveBytes: most });
  await assert.rejects(full.checkRoom(), codeIs('disk-nearly-full'));
  await full.close();
  assert.equal(LIMITS.diskReserveBytes, 8 * 1024 * 1024);
  await spool.checkRoom();
});

test('the directory is gone -> spool-unwritable, at every step', async () => {
  const entry = await spool.begin(factsOf(A), 'PCMU');
  rmSync(dirname(entry.path), { recursive: true });
  await assert.rejects(spool.checkRoom(), codeIs('spool-unwritable'));
  await assert.rejects(spool.begin(factsOf(A), 'PCMU'), codeIs('spool-unwritable'));
  await assert.rejects(spool.missedCall(factsOf(A)), codeIs('spool-unwritable'));
  await assert.rejects(entry.finish({ audioBytes: 0, endedBy: 'hang-up', law: 'PCMU' }), codeIs('spool-unwritable'));
});

test("a worker's directory outlives a power cut: its name and that of the spool are synced", async (t) => {
  const synced = await recordSyncs(t);
  const other = await site.worker('B');
  const top = realpathSync(site.data);
  assert.deepEqual(synced.slice(-2), [join(top, 'spool'), top]);
  await other.close();
});

test('a directory that cannot get its name -> spool-unwritable, and its lock is free', async (t) => {
  await failSyncs(t, 2, 1);
  await assert.rejects(site.worker('B'), codeIs('spool-unwritable'));
  const [left = ''] = site.directories().filter((name) => name.startsWith('B-'));
  const lock = DataLock.tryAcquire(join(site.data, 'spool', left, SPOOL_LOCK_NAME));
  assert.ok(lock);
  lock.release();
});

test('two workers of one name have two directories', async () => {
  const other = await site.worker('A');
  await record(spool, factsOf(A), audioOf(9_000));
  await record(other, factsOf(A), audioOf(9_000));
  assert.equal(site.directories().length, 2);
  await other.close();
});

test('opened while the spool is looked through again and again -> never taken for a dead worker', async () => {
  const files = new SpoolFiles(site.data, new RecordingLogger());
  const stop = new AbortController();
  const sweeps = (async (): Promise<void> => {
    while (!stop.signal.aborted) await (await files.scan()).release();
  })();
  const opened = await Promise.all(Array.from({ length: 20 }, (_, k) => site.worker(`W${String(k)}`)));
  stop.abort();
  await sweeps;
  assert.equal(site.directories().length, 21);
  const scan = await files.scan();
  assert.equal(scan.living.length, 21);
  await scan.release();
  await Promise.all(opened.map((worker) => worker.close()));
});

test('a directory that its worker never locked goes after ten minutes, not before', async () => {
  const files = new SpoolFiles(site.data, new RecordingLogger());
  const [old, young] = ['.A-1-00000000', '.B-2-00000000'].map((name) => join(site.data, 'spool', name));
  assert.ok(old !== undefined && young !== undefined);
  for (const path of [old, young]) mkdirSync(path);
  writeFileSync(join(old, 'worker.lock'), '');
  const longAgo = new Date(statSync(old).mtimeMs - 601_000);
  utimesSync(old, longAgo, longAgo);
  await (await files.scan()).release();
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
});

test('closed: an empty directory goes, one with entries stays', async () => {
  const other = await site.worker('B');
  await record(spool, factsOf(A), audioOf(9_000));
  await other.close();
  await spool.close();
  assert.deepEqual(site.spooled(), [`A/${A}.done`]);
  assert.equal(site.directories().length, 1);
});

test('a data directory that cannot be written -> spool-unwritable', async () => {
  await assert.rejects(site.worker('../..\0'), codeIs('spool-unwritable'));
});
