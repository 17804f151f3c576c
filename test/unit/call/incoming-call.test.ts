import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { CallBench, gatewaySdp } from '../../support/call-bench.js';
import { settled } from '../../support/virtual-time.js';

const MESSAGE_TAKEN = 'taken 80000 bytes PCMU ended by hang-up';

describe('from the answer to the message', () => {
  test('greeting, beep, recording, BYE -> the message is taken, everything is given back', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    assert.deepEqual(bench.session.log, ['play greeting', 'play beep', 'record']);
    const bye = await bench.inside(invite, 'BYE', { cseq: 2 });
    assert.deepEqual(bye.statuses, [200]);
    assert.deepEqual(bench.spool.log, ['begin 1000@example.test PCMU', MESSAGE_TAKEN]);
    assert.ok(bench.isEmpty);
    const line = bench.ending;
    assert.equal(line['why'], 'caller-hung-up');
    assert.equal(line['message'], 'ab'.repeat(16));
    assert.equal(line['recordedMs'], 10_000);
    assert.equal(line['packetsReceived'], 2);
  });

  test('the recording is told where, by which keys and after how long it ends', async () => {
    const bench = new CallBench({ dialPlan: { recordingIdleTimeoutSeconds: 4, maxRecordingDurationMinutes: 2 } });
    await bench.recording();
    assert.deepEqual(bench.session.recording, {
      path: '/data/spool/worker/message',
      audioOffset: 512,
      endKeys: '#',
      idleTimeoutMs: 4_000,
      maxDurationMs: 120_000,
    });
  });

  test('the header of the spool entry is written before the beep is heard', async () => {
    const bench = new CallBench();
    await bench.answered();
    assert.deepEqual(bench.spool.log, []);
    bench.session.played();
    await settled();
    assert.deepEqual(bench.spool.log, ['begin 1000@example.test PCMU']);
    assert.deepEqual(bench.session.log, ['play greeting', 'play beep', 'record'], 'recorded from the end of the beep');
  });

  test('the caller presses #: kept, goodbye, BYE with a Reason', async () => {
    const bench = new CallBench();
    await bench.recording();
    bench.session.recordingEnds({ endedBy: 'key' });
    await settled();
    assert.equal(bench.spool.log.at(-1), 'taken 80000 bytes PCMU ended by key');
    assert.equal(bench.session.log.at(-1), 'play goodbye');
    bench.session.played();
    await settled();
    assert.match(bench.byeReason, /^Q\.850;cause=16/);
    assert.equal(bench.limit.own, 0);
    assert.equal(bench.agent.reports.length, 1, 'the BYE is not answered yet');
    bench.signalling.answer('BYE', 200);
    assert.ok(bench.isEmpty);
    assert.equal(bench.ending['why'], 'hung-up');
  });

  test('silence that was cut is said in the log', async () => {
    const bench = new CallBench();
    await bench.recording();
    bench.session.recordingEnds({ endedBy: 'silence', cutMs: 5_000 });
    await settled();
    const [line] = bench.log.lines.filter(({ event }) => event === 'recording-ended');
    assert.equal(line?.['cutMs'], 5_000);
    assert.match(line.sentence, /5000 ms of silence were cut/);
  });

  test('hang-up in the greeting -> missed call', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    await bench.inside(invite, 'BYE', { cseq: 2 });
    assert.deepEqual(bench.spool.log, ['missed call for 1000@example.test']);
    assert.equal(bench.ending['left'], 'missed-call');
    assert.ok(bench.isEmpty);
  });

  test('hang-up in the beep -> the entry becomes a missed call', async () => {
    const bench = new CallBench();
    const invite = await bench.answered();
    bench.session.played();
    await settled();
    await bench.inside(invite, 'BYE', { cseq: 2 });
    assert.equal(bench.spool.log.at(-1), 'missed call in place of the recording');
    assert.ok(bench.isEmpty);
  });

  test('after the hang-up nothing more is sent', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    await bench.inside(invite, 'BYE', { cseq: 2 });
    assert.equal(bench.session.configured.at(-1)?.send, false);
  });

  for (const [greetingFile, path] of [
    ['ann.wav', '/data/greetings/ann.wav'],
    ['/srv/ann.wav', '/srv/ann.wav'],
  ] as const) {
    test(`greeting file ${greetingFile} -> ${path}`, async () => {
      const bench = new CallBench({ mailbox: { greetingFile } });
      await bench.answered();
      assert.deepEqual(bench.session.log, [`play ${path}`]);
    });
  }
});

describe('the answer and its ACK (RFC 3261 §13.3.1.4)', () => {
  test('the 2xx is repeated at 0.5, 1.5, 3.5 s ... until the ACK; playing does not wait for it', async () => {
    const bench = new CallBench();
    const invite = await bench.invite();
    assert.deepEqual(bench.session.log, ['play greeting']);
    await bench.time.pass(3_499);
    assert.equal(bench.signalling.repeated.length, 2);
    assert.equal(bench.signalling.repeated[0], invite.last.wire);
    await bench.ack(invite);
    await bench.time.pass(60_000);
    assert.equal(bench.signalling.repeated.length, 2);
  });

  test('no ACK within 32 s -> BYE with a Reason; what was recorded is kept', async () => {
    const bench = new CallBench();
    await bench.invite();
    bench.session.played();
    await settled();
    bench.session.played();
    await bench.time.pass(32_000);
    assert.equal(bench.byeReason, 'SIP;cause=408;text="The ACK did not come"');
    assert.equal(bench.spool.log.at(-1), MESSAGE_TAKEN);
    bench.signalling.answer('BYE', 0);
    assert.ok(bench.isEmpty);
    assert.equal(bench.ending['why'], 'never-acknowledged');
  });

  test('BYE before the ACK ends the call', async () => {
    const bench = new CallBench();
    const invite = await bench.invite();
    assert.equal((await bench.inside(invite, 'BYE', { cseq: 2 })).last.status, 200);
    assert.ok(bench.isEmpty);
  });
});

describe('delayed offer', () => {
  test('our offer in the 200, the answer in the ACK; the greeting waits for it', async () => {
    const bench = new CallBench();
    const invite = await bench.invite({ body: '' });
    assert.match(invite.last.body, /m=audio 20000 RTP\/AVP 0 8 101/);
    assert.deepEqual(bench.session.log, []);
    await bench.ack(invite, gatewaySdp('m=audio 4000 RTP/AVP 8 101'));
    assert.deepEqual(bench.session.log, ['play greeting']);
    assert.equal(bench.session.configured[0]?.law, 'PCMA');
  });

  test('the recording is begun with the codec of the answer', async () => {
    const bench = new CallBench();
    const invite = await bench.invite({ body: '' });
    await bench.ack(invite, gatewaySdp('m=audio 4000 RTP/AVP 8'));
    bench.session.played();
    await settled();
    assert.deepEqual(bench.spool.log, ['begin 1000@example.test PCMA']);
  });

  for (const [name, body] of [
    ['no answer', ''],
    ['an answer without codec of ours', gatewaySdp('m=audio 4000 RTP/AVP 18')],
    ['an answer that is no SDP', 'hello'],
  ] as const) {
    test(`an ACK with ${name} -> BYE, a missed call`, async () => {
      const bench = new CallBench();
      const invite = await bench.invite({ body: '' });
      await bench.ack(invite, body);
      assert.match(bench.byeReason, /^SIP;cause=488/);
      assert.deepEqual(bench.spool.log, ['missed call for 1000@example.test']);
      bench.signalling.answer('BYE', 200);
      assert.ok(bench.isEmpty);
      assert.equal(bench.ending['why'], 'answer-unusable');
    });
  }

  test('the ACK never comes -> BYE, a missed call', async () => {
    const bench = new CallBench();
    await bench.invite({ body: '' });
    await bench.time.pass(32_000);
    assert.deepEqual(bench.spool.log, ['missed call for 1000@example.test']);
    bench.signalling.answer('BYE', 200);
    assert.ok(bench.isEmpty);
  });
});

describe('calls that the server ends', () => {
  test('MaxCallDuration: the recording ends with it and is kept, then comes BYE', async () => {
    const bench = new CallBench({ dialPlan: { maxCallDurationMinutes: 1 } });
    await bench.recording();
    await bench.time.pass(60_000);
    assert.ok(bench.session.log.includes('stop recording: max-call'));
    assert.equal(bench.spool.log.at(-1), 'taken 80000 bytes PCMU ended by max-call');
    assert.match(bench.byeReason, /MaxCallDuration/);
    bench.signalling.answer('BYE', 200);
    assert.ok(bench.isEmpty);
  });

  test('BYE waits until the recording is kept', async () => {
    const bench = new CallBench({ dialPlan: { maxCallDurationMinutes: 1 } });
    await bench.recording();
    let keep: () => void = () => undefined;
    bench.spool.held = new Promise<void>((resolve) => (keep = resolve));
    await bench.time.pass(60_000);
    assert.equal(bench.signalling.sent.length, 0);
    keep();
    await settled();
    assert.equal(bench.signalling.sent.length, 1);
  });

  test('the caller hangs up -> the BYE is answered once the recording is kept: then it is taken, whatever dies', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    let keep: () => void = () => undefined;
    bench.spool.held = new Promise<void>((resolve) => (keep = resolve));
    const bye = await bench.inside(invite, 'BYE', { cseq: 2 });
    assert.deepEqual(bye.statuses, []);
    keep();
    await settled();
    assert.deepEqual(bye.statuses, [200]);
    assert.equal(bench.spool.log.at(-1), MESSAGE_TAKEN);
    assert.ok(bench.isEmpty);
  });

  test('the disk stalls -> the BYE is answered after 20 s, before the peer gives up; the message is kept when the disk is back', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    let keep: () => void = () => undefined;
    bench.spool.held = new Promise<void>((resolve) => (keep = resolve));
    const bye = await bench.inside(invite, 'BYE', { cseq: 2 });
    await bench.time.pass(19_999);
    assert.deepEqual(bye.statuses, []);
    await bench.time.pass(1);
    assert.deepEqual(bye.statuses, [200]);
    keep();
    await settled();
    assert.deepEqual(bye.statuses, [200]);
    assert.equal(bench.spool.log.at(-1), MESSAGE_TAKEN);
  });

  test('the server stops: recordings are kept, then BYE; idle when all is over', async () => {
    const bench = new CallBench();
    await bench.recording();
    const idle = bench.agent.idle();
    await bench.agent.stopCalls();
    assert.equal(bench.spool.log.at(-1), 'taken 80000 bytes PCMU ended by stopped');
    bench.signalling.answer('BYE', 200);
    await idle;
    assert.ok(bench.isEmpty);
  });

  test('BYE of both sides at once: both are answered, the call ends once', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    await bench.agent.stopCalls();
    assert.equal((await bench.inside(invite, 'BYE', { cseq: 2 })).last.status, 200);
    bench.signalling.answer('BYE', 481);
    assert.ok(bench.isEmpty);
    assert.equal(bench.ending['why'], 'stopped');
  });
});

describe('faults', () => {
  test('a bug in a menu ends that call with BYE and an error in the log; what was recorded is kept', async () => {
    const bench = new CallBench({
      menu: async (call) => {
        await call.record({ endKeys: '#', idleTimeoutMs: 5_000, maxDurationMs: 60_000 });
        throw new TypeError('bug');
      },
    });
    await bench.answered();
    bench.session.played();
    await settled();
    bench.session.recordingEnds({ endedBy: 'key' });
    await settled();
    assert.equal(bench.spool.log.at(-1), 'taken 80000 bytes PCMU ended by key');
    assert.match(bench.byeReason, /cause=500/);
    assert.match(String(bench.events('internal-fault')[0]?.['stack']), /bug/);
    bench.signalling.answer('BYE', 200);
    assert.ok(bench.isEmpty);
  });

  test('a bug while it records: the recording is ended and kept', async () => {
    let strike: () => void = () => undefined;
    const bench = new CallBench({
      menu: async (call) => {
        void call.record({ endKeys: '#', idleTimeoutMs: 5_000, maxDurationMs: 60_000 });
        await new Promise<void>((resolve) => (strike = resolve));
        throw new TypeError('bug');
      },
    });
    await bench.answered();
    bench.session.played();
    await settled();
    strike();
    await settled();
    assert.equal(bench.spool.log.at(-1), 'taken 80000 bytes PCMU ended by stopped');
    bench.signalling.answer('BYE', 200);
    assert.ok(bench.isEmpty);
    assert.equal(bench.ending['why'], 'internal-fault');
  });

  test('a recording that cannot be finished is tried again, then named in the log with its place', async () => {
    const bench = new CallBench();
    const invite = await bench.recording();
    bench.spool.finishFails = new UmError('spool-unwritable', 'EIO');
    await bench.inside(invite, 'BYE', { cseq: 2 });
    const [line] = bench.events('message-not-finished');
    assert.equal(line?.['path'], '/data/spool/worker/message');
    assert.equal(line['reason'], 'EIO');
    assert.ok(bench.isEmpty);
  });

  test('the disk fills up after the answer: the caller is told, a missed call is left', async () => {
    const bench = new CallBench();
    await bench.answered();
    bench.spool.beginFails = new UmError('disk-nearly-full', 'none');
    bench.session.played();
    await settled();
    assert.deepEqual(bench.spool.log, ['missed call for 1000@example.test']);
    assert.equal(bench.session.log.at(-1), 'play cannot-take');
  });

  test('the disk is full to the last byte: the caller is told, the log names the missed call that is lost', async () => {
    const bench = new CallBench();
    await bench.answered();
    bench.spool.beginFails = new UmError('disk-nearly-full', 'none');
    bench.spool.missedCallFails = new UmError('spool-unwritable', 'ENOSPC');
    bench.session.played();
    await settled();
    assert.equal(bench.session.log.at(-1), 'play cannot-take');
    const [line] = bench.events('missed-call-lost');
    assert.deepEqual([line?.['mailbox'], line?.['reason']], ['1000@example.test', 'ENOSPC']);
  });

  test('not even a missed call can be written: an error in the log, BYE', async () => {
    const bench = new CallBench({ menu: () => Promise.reject(new UmError('spool-unwritable', 'EIO')) });
    await bench.answered();
    assert.equal(bench.events('message-not-kept')[0]?.['code'], 'spool-unwritable');
    assert.equal(bench.signalling.sent.length, 1);
  });
});
