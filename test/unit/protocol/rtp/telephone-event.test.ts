import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TelephoneEventReceiver } from '../../../../src/protocol/rtp/telephone-event.js';

const KEYS = Array.from('0123456789*#ABCD');

interface EventPacket {
  readonly ssrc: number;
  readonly timestamp: number;
  readonly payload: Uint8Array;
}

/** Packets of one press: `updates` that it goes on, and its end three times. */
function press(key: string, timestamp: number, updates = 4, ssrc = 1): EventPacket[] {
  const event = KEYS.indexOf(key);
  return Array.from({ length: updates + 3 }, (_, k) => {
    const duration = 160 * Math.min(k + 1, updates + 1);
    const payload = Uint8Array.from([event, k >= updates ? 0x8a : 0x0a, duration >> 8, duration & 0xff]);
    return { ssrc, timestamp: timestamp >>> 0, payload };
  });
}

function heard(packets: readonly EventPacket[]): string {
  const receiver = new TelephoneEventReceiver();
  return packets.map((packet) => receiver.feed(packet, packet.payload) ?? '').join('');
}

describe('telephone events', () => {
  it('every key of RFC 4733 is heard once', () => {
    assert.equal(heard(KEYS.flatMap((key, k) => press(key, 1_000 + 2_000 * k))), KEYS.join(''));
  });

  it('the same key twice -> heard twice, also when all ends of the first were lost', () => {
    assert.equal(heard([...press('5', 1_000), ...press('5', 3_000)]), '55');
    assert.equal(heard([...press('5', 1_000).slice(0, 3), ...press('5', 3_000)]), '55');
  });

  it('keys are heard once each, whatever is lost, repeated or late, across a wrap of the time stamp', () => {
    const keys = fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        keys,
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.infiniteStream(fc.nat(99)),
        (pressed, start, dice) => {
          const packets = pressed.flatMap((key, k) => {
            const all = press(key, start + 1_600 * k);
            const kept = all.filter(() => (dice.next().value ?? 0) < 60);
            return (kept.length > 0 ? kept : all.slice(-1)).flatMap((packet) => [packet, packet]);
          });
          const shuffled = packets
            .map((packet, k) => ({ packet, place: k + (dice.next().value ?? 0) / 8 }))
            .sort((a, b) => a.place - b.place);
          const result = heard(shuffled.map(({ packet }) => packet));
          assert.deepEqual(Array.from(result).sort(), [...pressed].sort());
        },
      ),
    );
  });

  it('a press reported in segments is one press', () => {
    const first = { ssrc: 1, timestamp: 1_000, payload: Uint8Array.from([1, 0x0a, 0xff, 0xff]) };
    const second = { ssrc: 1, timestamp: 1_000 + 0xffff, payload: Uint8Array.from([1, 0x8a, 0, 160]) };
    assert.equal(heard([first, first, second, second]), '1');
    const lossy = { ...first, payload: Uint8Array.from([1, 0x0a, 0x10, 0]) };
    assert.equal(heard([lossy, second]), '1', 'the last packets of the first segment were lost');
  });

  it('a new source, or a time stamp that jumped back -> its keys are heard', () => {
    assert.equal(heard([...press('1', 0xf0000000), ...press('2', 0x80000000, 4, 2)]), '12');
    assert.equal(heard([...press('1', 0xf0000000), ...press('2', 0xe0000000)]), '12');
  });

  it('a flash, and payloads cut short -> no key', () => {
    assert.equal(heard([{ ssrc: 1, timestamp: 5, payload: Uint8Array.from([16, 0x8a, 0, 160]) }]), '');
    assert.equal(heard([{ ssrc: 1, timestamp: 5, payload: Uint8Array.from([1, 0x8a, 0]) }]), '');
  });
});
