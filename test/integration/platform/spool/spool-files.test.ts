import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { freeBytes } from '../../../../src/platform/disk-room.js';
import { type FoundEntry, SpoolFiles } from '../../../../src/platform/spool/spool-files.js';
import { factsOf, idOf } from '../../../support/mailbox-facts.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { audioOf, record, SpoolSite } from '../../../support/spool-site.js';

const A = idOf('a1');
const log = new RecordingLogger();
let site: SpoolSite;

beforeEach(() => {
  site = new SpoolSite();
});
afterEach(() => {
  site.remove();
});

/** An entry of 20,000 bytes of audio, as a look finds it. */
async function found(): Promise<FoundEntry> {
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(20_000));
  await spool.close();
  const scan = await new SpoolFiles(site.data, log).scan();
  await scan.release();
  const [entry] = scan.entries;
  assert.ok(entry);
  return entry;
}

describe('audio that cannot be stored', () => {
  test('for a fault in the midst of it -> the fault, and nothing of it is left on the disk', async () => {
    const entry = await found();
    const files = new SpoolFiles(site.data, log);
    await assert.rejects(files.storeAudio(entry, { audioBytes: 900_000, law: 'PCMU' }), /became shorter/);
    assert.deepEqual(site.audio(), []);
  });

  test('for a fault at the very end, its renaming -> likewise', async () => {
    const entry = await found();
    mkdirSync(join(site.data, `messages/a1/${A}.wav/in the way`), { recursive: true });
    await assert.rejects(new SpoolFiles(site.data, log).storeAudio(entry, { audioBytes: 20_000, law: 'PCMU' }));
    assert.deepEqual(site.audio(), []);
  });

  test('threat: a disk that runs full -> refused before it eats the reserve, in the same words each time (diskReserveBytes)', async () => {
    const entry = await found();
    const reserveBytes = Number.MAX_SAFE_INTEGER - 20_000;
    const files = new SpoolFiles(site.data, log, reserveBytes);
    const details: string[] = [];
    for (let times = 0; times < 2; times += 1) {
      await assert.rejects(files.storeAudio(entry, { audioBytes: 20_000, law: 'PCMU' }), (error) => {
        assert.ok(error instanceof UmError && error.code === 'disk-nearly-full');
        details.push(error.detail);
        writeFileSync(join(site.data, 'filler'), audioOf(500_000));
        return true;
      });
    }
    assert.equal(details[0], details[1]);
    assert.deepEqual(site.audio(), []);
    assert.ok(LIMITS.diskReserveBytes < (await freeBytes(site.data)));
  });
});
