import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../../../src/base/limits.js';
import { RtcpReporter } from '../../../../src/platform/media/rtcp-reporter.js';
import { ReceiverStatistics } from '../../../../src/protocol/rtp/receiver-statistics.js';
import { formatRtcp } from '../../../../src/protocol/rtp/rtcp-packet.js';
import { uint32 } from '../../../../src/protocol/rtp/rtp-packet.js';
import { VirtualTime } from '../../../support/virtual-time.js';

function reporter(dice: () => number = () => 0.5): RtcpReporter {
  const random = { integer: (below: number) => Math.floor(dice() * below), hex: () => 'c0ffee' };
  return new RtcpReporter(0x1234, { random, wallClock: new VirtualTime() });
}

const NOTHING_SENT = { packets: 0, octets: 0, timestamp: 0 };

describe('RTCP reporter', () => {
  it('reports are 2.5 to 7.5 s apart, the first after half of that (RFC 3550 §6.2)', () => {
    for (const dice of [0, 0.5, 0.999]) {
      const due: number[] = [];
      const one = reporter(() => dice);
      for (let nowMs = 0; nowMs < 30_000; nowMs += 10) if (one.isDue(nowMs)) due.push(nowMs);
      const gaps = due.map((at, k) => at - (due[k - 1] ?? 0));
      assert.ok((gaps[0] ?? 0) >= 1_250 && (gaps[0] ?? 0) <= 3_760);
      assert.ok(gaps.slice(1).every((gap) => gap >= 2_500 && gap <= 7_510));
    }
  });

  it('nothing sent and nothing heard -> an empty receiver report; then a sender report with a block', () => {
    const heard = new ReceiverStatistics();
    const one = reporter();
    const empty = one.report({ nowMs: 0, bye: false, sent: NOTHING_SENT, heard });
    assert.deepEqual([...empty.subarray(0, 2)], [0x80, 201]);
    heard.count({ ssrc: 9, sequence: 5, timestamp: 0 }, 0);
    const full = one.report({ nowMs: 0, bye: true, sent: { packets: 1, octets: 160, timestamp: 3 }, heard });
    assert.deepEqual([...full.subarray(0, 2)], [0x81, 200]);
    assert.equal(uint32(full, 28), 9);
    assert.equal(full.at(-7), 203);
  });

  it('the clock of the peer goes back to it: when its report came, and how long ago', () => {
    const heard = new ReceiverStatistics();
    heard.count({ ssrc: 9, sequence: 5, timestamp: 0 }, 0);
    const one = reporter();
    const sender = { epochMs: 0, timestamp: 0, packets: 1, octets: 1 };
    const theirs = formatRtcp({ ssrc: 9, cname: 'x', bye: false, sender });
    one.receive(theirs, 1_000);
    const ours = one.report({ nowMs: 1_500, bye: false, sent: NOTHING_SENT, heard });
    assert.equal(uint32(ours, 24), ((2_208_988_800 & 0xffff) << 16) >>> 0);
    assert.equal(uint32(ours, 28), 32_768);
  });

  it('threat: an oversized report (rtpPacketBytes), or none at all -> not read', () => {
    const heard = new ReceiverStatistics();
    heard.count({ ssrc: 9, sequence: 5, timestamp: 0 }, 0);
    const sender = { epochMs: 0, timestamp: 0, packets: 1, octets: 1 };
    const report = formatRtcp({ ssrc: 9, cname: 'x', bye: false, sender });
    const padding = new Uint8Array(LIMITS.rtpPacketBytes + 4 - report.length);
    padding.set([0x80, 204, 0, padding.length / 4 - 1]);
    padding.set([(padding.length / 4 - 1) >> 8, (padding.length / 4 - 1) & 0xff], 2);
    const one = reporter();
    one.receive(Uint8Array.from([...report, ...padding]), 0);
    one.receive(Uint8Array.of(1, 2, 3), 0);
    assert.equal(uint32(one.report({ nowMs: 1, bye: false, sent: NOTHING_SENT, heard }), 24), 0);
  });
});
