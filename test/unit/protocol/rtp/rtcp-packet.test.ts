import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatRtcp, parseRtcp } from '../../../../src/protocol/rtp/rtcp-packet.js';
import { uint32 } from '../../../../src/protocol/rtp/rtp-packet.js';

const word = fc.integer({ min: 0, max: 0xffffffff });
const block = fc.record({
  ssrc: word,
  fractionLost: fc.integer({ min: 0, max: 255 }),
  lost: fc.integer({ min: 0, max: 0x1000000 }),
  extendedHighest: word,
  jitter: word,
  lastReport: word,
  sinceLastReport: word,
});
const sender = fc.record({
  epochMs: fc.integer({ min: 0, max: 2 ** 42 }),
  timestamp: word,
  packets: word,
  octets: word,
});
const report = fc.record(
  { ssrc: word, cname: fc.string({ minLength: 1, maxLength: 300 }), bye: fc.boolean(), block, sender },
  { requiredKeys: ['ssrc', 'cname', 'bye'] },
);

describe('RTCP', () => {
  it('every report is a compound packet that is read again', () => {
    fc.assert(
      fc.property(report, (facts) => {
        const bytes = formatRtcp(facts);
        assert.equal(bytes.length % 4, 0);
        const read = parseRtcp(bytes);
        assert.equal(read?.bye, facts.bye);
        assert.equal(read.senderReport !== undefined, facts.sender !== undefined);
      }),
    );
  });

  it('a sender report carries NTP time, RTP time and counts (RFC 3550 §6.4.1)', () => {
    const bytes = formatRtcp({
      ssrc: 1,
      cname: 'a',
      bye: false,
      sender: { epochMs: 500, timestamp: 2, packets: 3, octets: 4 },
      block: { ssrc: 5, fractionLost: 6, lost: 7, extendedHighest: 8, jitter: 9, lastReport: 10, sinceLastReport: 11 },
    });
    const words = Array.from({ length: 13 }, (_, k) => uint32(bytes, 4 * k));
    const head = 0x81c8000c;
    assert.deepEqual(words, [head, 1, 2_208_988_800, 0x80000000, 2, 3, 4, 5, (6 << 24) | 7, 8, 9, 10, 11]);
    assert.equal(parseRtcp(bytes)?.senderReport, (((2_208_988_800 & 0xffff) << 16) + 0x8000) >>> 0);
  });

  it('nothing sent yet -> a receiver report', () => {
    assert.equal(formatRtcp({ ssrc: 1, cname: 'a', bye: false })[1], 201);
  });

  it('more loss than 24 bits hold -> the largest positive number', () => {
    const lost = { ssrc: 5, fractionLost: 255, extendedHighest: 8, jitter: 9, lastReport: 0, sinceLastReport: 0 };
    const bytes = formatRtcp({ ssrc: 1, cname: 'a', bye: false, block: { ...lost, lost: 0x1000000 } });
    assert.equal(uint32(bytes, 12), 0xff7fffff);
  });

  it('any bytes -> read or undefined, never a fault, never without end', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.constantFrom(200, 201, 203), (bytes, type) => {
        if (bytes.length > 1) bytes.set([0x80, type]);
        parseRtcp(bytes);
      }),
    );
  });

  it('a report cut short -> undefined', () => {
    const bytes = formatRtcp({ ssrc: 1, cname: 'abcdefgh', bye: true });
    for (let length = 0; length < bytes.length; length += 1) {
      const read = parseRtcp(bytes.subarray(0, length));
      if (read) assert.equal(read.bye, false);
    }
  });
});
