import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../../../../src/protocol/rtp/rtp-packet.js';

const fields = fc.record({
  marker: fc.boolean(),
  payloadType: fc.integer({ min: 0, max: 127 }),
  sequence: fc.integer({ min: 0, max: 0xffff }),
  timestamp: fc.integer({ min: 0, max: 0xffffffff }),
  ssrc: fc.integer({ min: 0, max: 0xffffffff }),
});

describe('RTP header', () => {
  it('what is written is read again', () => {
    fc.assert(
      fc.property(fields, fc.uint8Array({ maxLength: 480 }), (written, payload) => {
        const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length);
        writeRtpHeader(bytes, written);
        bytes.set(payload, RTP_HEADER_BYTES);
        const packet = new RtpPacket();
        assert.equal(packet.read(bytes, bytes.length), true);
        const { marker, payloadType, sequence, timestamp, ssrc, payloadStart, payloadEnd } = packet;
        assert.deepEqual({ marker, payloadType, sequence, timestamp, ssrc }, { ...written });
        assert.deepEqual(bytes.subarray(payloadStart, payloadEnd), payload);
      }),
    );
  });

  it('CSRCs, an extension and padding are no payload', () => {
    const bytes = Uint8Array.from([
      ...[0x80 | 0x20 | 0x10 | 2, 0x80, 0, 7, 0, 0, 0, 160, 0, 0, 0, 9],
      ...[1, 1, 1, 1, 2, 2, 2, 2],
      ...[0xbe, 0xde, 0, 1, 3, 3, 3, 3],
      ...[42, 43],
      ...[0, 0, 3],
    ]);
    const packet = new RtpPacket();
    assert.equal(packet.read(bytes, bytes.length), true);
    assert.deepEqual([...bytes.subarray(packet.payloadStart, packet.payloadEnd)], [42, 43]);
  });

  it('any bytes -> refused, or a payload inside the datagram', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.constantFrom(0x80, 0xa0, 0x90, 0xbf, 0x00), (bytes, first) => {
        if (bytes.length > 0) bytes[0] = first;
        const packet = new RtpPacket();
        if (!packet.read(bytes, bytes.length)) return;
        assert.ok(packet.payloadStart >= RTP_HEADER_BYTES);
        assert.ok(packet.payloadEnd >= packet.payloadStart && packet.payloadEnd <= bytes.length);
      }),
    );
  });

  for (const [name, bytes] of [
    ['an empty datagram', []],
    ['eleven bytes', Array.from({ length: 11 }, () => 0x80)],
    ['version 1', [0x40, ...Array.from({ length: 11 }, () => 0)]],
    ['padding longer than the packet', [0xa0, ...Array.from({ length: 10 }, () => 0), 200]],
    ['padding of no bytes', [0xa0, ...Array.from({ length: 12 }, () => 0)]],
    ['an extension beyond the end', [0x90, ...Array.from({ length: 13 }, () => 0), 0xff, 0xff]],
  ] as const) {
    it(`${name} -> refused`, () => {
      assert.equal(new RtpPacket().read(Uint8Array.from(bytes), bytes.length), false);
    });
  }
});
