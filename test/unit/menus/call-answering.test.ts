import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { CUT_BELOW_DBM0 } from '../../../src/media/speech-watch.js';
import { answerCall, QUIETEST_MESSAGE_DBM0 } from '../../../src/menus/call-answering.js';
import { ScriptedCall, type Script } from '../../support/scripted-call.js';
import { VirtualTime } from '../../support/virtual-time.js';

const options = { recordingIdleTimeoutMs: 5_000, maxRecordingDurationMs: 1_200_000 };

async function run(script: Script, own: { readonly greetingFile?: string } = {}): Promise<ScriptedCall> {
  const time = new VirtualTime();
  const call = new ScriptedCall(script, time);
  await Promise.all([answerCall(call, { ...options, ...own }), time.pass(60_000)]);
  return call;
}

describe('call answering', () => {
  test('what the recorder cuts from the end is never what the menu would keep as a message', () => {
    assert.equal(CUT_BELOW_DBM0, QUIETEST_MESSAGE_DBM0);
  });

  test('caller speaks and hangs up -> message kept, no goodbye to nobody', async () => {
    const call = await run({ hangUpAtMs: 16_000 });
    assert.deepEqual(call.log, [
      '0 play greeting',
      '3000 play beep',
      '6000 record',
      '16000 caller hangs up',
      '16000 keep 10000 ms ended by hang-up',
    ]);
  });

  test('caller ends with # -> message kept, goodbye, hang up', async () => {
    const call = await run({ recording: { endedBy: 'key', afterMs: 4_000, durationMs: 3_900 } });
    assert.deepEqual(call.log.slice(3), ['10000 keep 3900 ms ended by key', '10000 play goodbye', '13000 hang up']);
  });

  for (const endedBy of ['silence', 'max-recording'] as const) {
    test(`recording ends by ${endedBy} -> message kept, goodbye, hang up`, async () => {
      const call = await run({ recording: { endedBy, afterMs: 9_000, durationMs: 4_000 } });
      assert.deepEqual(call.log.slice(3), [
        `15000 keep 4000 ms ended by ${endedBy}`,
        '15000 play goodbye',
        '18000 hang up',
      ]);
    });
  }

  test('the recording ends by #, by the dial plan its silence and longest duration', async () => {
    const call = await run({ hangUpAtMs: 16_000 });
    assert.deepEqual(call.recordOptions, { endKeys: '#', idleTimeoutMs: 5_000, maxDurationMs: 1_200_000 });
  });

  test("the mailbox owner's own greeting is played in place of the shipped one", async () => {
    const call = await run({ hangUpAtMs: 16_000 }, { greetingFile: '/data/greetings/ann.wav' });
    assert.equal(call.log[0], '0 play /data/greetings/ann.wav');
  });

  test('hang-up in the greeting -> missed call, nothing recorded', async () => {
    const call = await run({ hangUpAtMs: 2_000 });
    assert.deepEqual(call.log, ['0 play greeting', '2000 caller hangs up', '2000 missed call']);
  });

  test('hang-up in the beep -> missed call', async () => {
    const call = await run({ hangUpAtMs: 4_000 });
    assert.deepEqual(call.log.slice(2), ['4000 caller hangs up', '4000 missed call']);
  });

  test('under a second -> a missed call in place of the message', async () => {
    const call = await run({ hangUpAtMs: 6_999 });
    assert.equal(call.log.at(-1), '6999 missed call instead of the recording');
  });

  test('exactly a second -> a message', async () => {
    const call = await run({ hangUpAtMs: 7_000 });
    assert.equal(call.log.at(-1), '7000 keep 1000 ms ended by hang-up');
  });

  test('every frame below -55 dBm0 -> a missed call in place of the message', async () => {
    const call = await run({ hangUpAtMs: 16_000, loudestDbm0: -55.1 });
    assert.equal(call.log.at(-1), '16000 missed call instead of the recording');
  });

  test('one frame at -55 dBm0 -> a message', async () => {
    const call = await run({ hangUpAtMs: 16_000, loudestDbm0: -55 });
    assert.equal(call.log.at(-1), '16000 keep 10000 ms ended by hang-up');
  });

  test('silence only, then the time-out -> missed call, goodbye', async () => {
    const call = await run({
      recording: { endedBy: 'silence', afterMs: 5_000, durationMs: 0 },
      loudestDbm0: Number.NEGATIVE_INFINITY,
    });
    assert.deepEqual(call.log.slice(3), [
      '11000 missed call instead of the recording',
      '11000 play goodbye',
      '14000 hang up',
    ]);
  });

  test('the disk fills up after the answer -> the caller hears that no message can be taken', async () => {
    const call = await run({ recordFails: new UmError('disk-nearly-full', 'none left') });
    assert.deepEqual(call.log, ['0 play greeting', '3000 missed call', '3000 play cannot-take', '6000 hang up']);
  });

  test('the disk is so full that not even a missed call can be written -> the caller hears it all the same', async () => {
    const fault = new UmError('spool-unwritable', 'ENOSPC');
    const call = await run({ recordFails: fault, missedCallFails: fault });
    assert.deepEqual(call.log, ['0 play greeting', '3000 play cannot-take', '6000 hang up']);
  });

  test('a write fails in mid-recording -> what was written is kept, the caller is told', async () => {
    const call = await run({ recording: { endedBy: 'write-failed', afterMs: 8_000, durationMs: 7_980 } });
    assert.deepEqual(call.log.slice(3), [
      '14000 keep 7980 ms ended by write-failed',
      '14000 play cannot-take',
      '17000 hang up',
    ]);
  });

  test('the recording cannot be made durable -> the caller is told', async () => {
    const call = await run({
      recording: { endedBy: 'key', afterMs: 8_000, durationMs: 7_980 },
      keepFails: new UmError('spool-unwritable', 'EIO'),
    });
    assert.deepEqual(call.log.slice(3), ['14000 play cannot-take', '17000 hang up']);
  });

  test('hang-up in the goodbye -> nothing more happens', async () => {
    const call = await run({ recording: { endedBy: 'key', afterMs: 4_000, durationMs: 3_900 }, hangUpAtMs: 11_000 });
    assert.equal(call.log.at(-1), '11000 caller hangs up');
  });

  test('a bug in a step is not swallowed', async () => {
    await assert.rejects(run({ recordFails: new TypeError('bug') }), TypeError);
  });
});
