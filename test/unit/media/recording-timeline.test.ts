import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/base/limits.js';
import { SILENCE } from '../../../src/media/g711.js';
import { type AudioPacket, RecordingTimeline } from '../../../src/media/recording-timeline.js';

const MOST = 8_000 * 300;

/** A file in memory that refuses holes. */
class MemorySink {
  readonly bytes: number[] = [];

  write(offset: number, bytes: Uint8Array): void {
    assert.ok(offset <= this.bytes.length, 'no holes');
    for (const [k, byte] of bytes.entries()) this.bytes[offset + k] = byte;
  }
}

class Scene {
  readonly sink = new MemorySink();
  readonly timeline: RecordingTimeline;
  nowMs = 1_000;

  constructor(mostBytes = MOST) {
    this.timeline = new RecordingTimeline('PCMU', this.sink, mostBytes);
  }

  place(packet: Partial<AudioPacket>, payload: Uint8Array | number = 1): number {
    this.nowMs += 20;
    const bytes = typeof payload === 'number' ? new Uint8Array(160).fill(payload) : payload;
    const at = this.timeline.place({ ssrc: 7, sequence: 0, timestamp: 0, ...packet }, bytes, this.nowMs);
    assert.equal(this.timeline.end, this.sink.bytes.length);
    return at;
  }

  /** The recording with runs folded: `1*160 255*80`. */
  get runs(): string {
    const runs: { byte: number; length: number }[] = [];
    for (const byte of this.sink.bytes) {
      const last = runs.at(-1);
      if (last?.byte === byte) last.length += 1;
      else runs.push({ byte, length: 1 });
    }
    return runs.map(({ byte, length }) => `${String(byte)}*${String(length)}`).join(' ');
  }
}

interface Sent extends AudioPacket {
  readonly payload: Uint8Array;
}

/** Packets of a talk with pauses in between, as silence suppression makes them. */
const talk = fc
  .record({
    sequence: fc.nat(0xffff),
    timestamp: fc.integer({ min: 0, max: 0xffffffff }),
    size: fc.constantFrom<number[]>(80, 160, 240, 480),
    gaps: fc.array(fc.constantFrom<number[]>(0, 0, 0, 0, 800, 40_000), { minLength: 1, maxLength: 60 }),
  })
  .map(({ sequence, timestamp, size, gaps }): readonly Sent[] => {
    let at = timestamp;
    return gaps.map((gap, k): Sent => {
      if (k > 0) at += size + gap;
      const payload = new Uint8Array(size).map((_, n) => (k * 31 + n) & 0x7f);
      return { ssrc: 7, sequence: (sequence + k) & 0xffff, timestamp: at >>> 0, payload };
    });
  });

function recorded(packets: readonly Sent[]): number[] {
  const scene = new Scene();
  for (const packet of packets) scene.place(packet, packet.payload);
  return scene.sink.bytes;
}

describe('recording time line', () => {
  it('any order and any duplicates within the window -> the bytes of the order sent', () => {
    fc.assert(
      fc.property(talk, fc.infiniteStream(fc.nat(30)), ([first, ...rest], dice) => {
        if (!first) return;
        const shuffled = rest
          .flatMap((packet, k) => [0, 1].map(() => ({ packet, place: k + Number(dice.next().value) })))
          .sort((a, b) => a.place - b.place);
        const arrived = [first, ...shuffled.map(({ packet }) => packet)];
        assert.deepEqual(recorded(arrived), recorded([first, ...rest]));
      }),
    );
  });

  it('lost packets are silence at their place', () => {
    fc.assert(
      fc.property(talk, fc.infiniteStream(fc.boolean()), (sent, dice) => {
        const lost = sent.filter((_, k) => k > 0 && k < sent.length - 1 && dice.next().value === true);
        const first = sent[0]?.timestamp ?? 0;
        const expected = recorded(sent);
        for (const { timestamp, payload } of lost) {
          const at = (timestamp - first) >>> 0;
          expected.fill(SILENCE.PCMU, at, at + payload.length);
        }
        assert.deepEqual(recorded(sent.filter((packet) => !lost.includes(packet))), expected);
      }),
    );
  });

  it('loss is told in milliseconds; what comes late is not lost', () => {
    const scene = new Scene();
    scene.place({ sequence: 1, timestamp: 0 });
    scene.place({ sequence: 4, timestamp: 480 }, 4);
    assert.equal(scene.timeline.lostMs, 40);
    scene.place({ sequence: 3, timestamp: 320 }, 3);
    assert.equal(scene.timeline.lostMs, 20);
    assert.equal(scene.runs, '1*160 255*160 3*160 4*160');
  });

  it('a gap in the time stamps without a missing number (comfort noise, keys) is silence, not loss', () => {
    const scene = new Scene();
    scene.place({ sequence: 1, timestamp: 0 });
    scene.timeline.skip({ ssrc: 7, sequence: 2, timestamp: 160 });
    scene.place({ sequence: 3, timestamp: 8_160 }, 2);
    assert.equal(scene.runs, '1*160 255*8000 2*160');
    assert.equal(scene.timeline.lostMs, 0);
  });

  it('a packet late by a silence of ten seconds -> at its place', () => {
    const scene = new Scene();
    scene.place({ sequence: 1, timestamp: 0 });
    scene.place({ sequence: 3, timestamp: 80_000 }, 3);
    scene.place({ sequence: 2, timestamp: 160 }, 2);
    scene.place({ sequence: 4, timestamp: 80_160 }, 4);
    assert.equal(scene.runs, '1*160 2*160 255*79680 3*160 4*160');
  });

  it('a new source goes on at the end, after the pause that the clock saw', () => {
    const scene = new Scene();
    scene.place({ sequence: 1, timestamp: 0 });
    scene.nowMs += 1_080;
    scene.place({ ssrc: 8, sequence: 50_000, timestamp: 3_000_000_000 }, 2);
    assert.equal(scene.runs, '1*160 255*8000 2*160');
    assert.equal(scene.place({ ssrc: 8, sequence: 50_001, timestamp: 3_000_000_160 }, 3), 8_320);
  });

  it('a time stamp that jumps back with the next number is a new line: nothing is written over', () => {
    const scene = new Scene();
    for (let k = 0; k < 50; k += 1) scene.place({ sequence: k, timestamp: 160 * k });
    scene.place({ sequence: 50, timestamp: 80 }, 2);
    scene.place({ sequence: 51, timestamp: 240 }, 3);
    assert.equal(scene.runs, '1*8000 2*160 3*160');
  });

  it('a peer that counts its packets anew goes on being recorded', () => {
    const scene = new Scene();
    for (let k = 0; k < 10; k += 1) scene.place({ sequence: 20_000 + k, timestamp: 160 * k });
    for (let k = 10; k < 20; k += 1) scene.place({ sequence: 15_000 + k, timestamp: 160 * k }, 2);
    assert.equal(scene.runs, '1*1600 2*1600', 'the time stamps go on: no packet is missing');
    for (let k = 0; k < 10; k += 1) scene.place({ sequence: 10_000 + k, timestamp: 5 + 160 * k }, 3);
    assert.equal(scene.runs, '1*1600 2*1600 3*960', 'the time stamps begin anew too: the fifth stray is believed');
  });

  it('hold and resume -> what follows continues at the end, without the pause', () => {
    const scene = new Scene();
    scene.place({ sequence: 1, timestamp: 0 });
    scene.timeline.hold();
    scene.nowMs += 60_000;
    scene.place({ sequence: 2, timestamp: 480_160 }, 2);
    assert.equal(scene.runs, '1*160 2*160');
  });

  it('nothing is written beyond the longest duration, to the byte', () => {
    const scene = new Scene(400);
    for (let k = 0; k < 5; k += 1) scene.place({ sequence: k, timestamp: 160 * k }, k + 1);
    assert.equal(scene.runs, '1*160 2*160 3*80');
    const jumped = new Scene(400);
    jumped.place({ sequence: 1, timestamp: 0 });
    jumped.place({ sequence: 2, timestamp: 80_000 }, 2);
    assert.equal(jumped.runs, '1*160 255*240');
  });

  it('a key lies where its time stamp says; one that cannot be lies at the end', () => {
    const scene = new Scene();
    for (let k = 0; k < 200; k += 1) scene.place({ sequence: k, timestamp: 1_000 + 160 * k });
    assert.equal(scene.timeline.offsetAt(7, 1_000 + 31_840), 31_840);
    for (const [ssrc, timestamp] of [
      [7, 1_000],
      [7, 90_000],
      [7, 3_000_000_000],
      [8, 32_000],
    ] as const)
      // prettier-ignore
      assert.equal(scene.timeline.offsetAt(ssrc, timestamp), 32_000);
  });

  it('threat: a time stamp jump that would write megabytes writes nothing but the packet (rtpGapFillMs)', () => {
    const most = new Scene();
    most.place({ sequence: 1, timestamp: 0 });
    most.place({ sequence: 2, timestamp: 160 + LIMITS.rtpGapFillMs * 8 }, 2);
    assert.equal(most.timeline.end, 320 + LIMITS.rtpGapFillMs * 8, 'the longest gap is filled');
    for (const timestamp of [161 + LIMITS.rtpGapFillMs * 8, 0x7fffffff, 0x80000000, 0xfffffff0]) {
      const scene = new Scene();
      scene.place({ sequence: 1, timestamp: 0 });
      scene.place({ sequence: 2, timestamp }, 2);
      assert.equal(scene.runs, '1*160 2*160', String(timestamp));
    }
  });

  it('threat: packets later than rtpReorderPackets are dropped, not written into the past', () => {
    const scene = new Scene();
    const last = LIMITS.rtpReorderPackets + 2;
    scene.place({ sequence: 0, timestamp: 0 });
    scene.place({ sequence: last, timestamp: 160 * last });
    assert.equal(scene.place({ sequence: 2, timestamp: 320 }, 9), 320, 'the limit itself');
    assert.equal(scene.place({ sequence: 1, timestamp: 160 }, 9), -1);
  });

  it('any packets at all -> no hole, no byte beyond the limit', () => {
    const wild = fc.record({
      ssrc: fc.nat(1),
      sequence: fc.nat(0xffff),
      timestamp: fc.integer({ min: 0, max: 0xffffffff }),
    });
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 40 }), (packets) => {
        const scene = new Scene(20_000);
        for (const packet of packets) scene.place(packet);
        assert.ok(scene.timeline.end <= 20_000);
      }),
    );
  });
});
