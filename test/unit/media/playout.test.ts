import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SILENCE } from '../../../src/media/g711.js';
import { type EncodedClip, Playout } from '../../../src/media/playout.js';

function clip(bytes: readonly number[]): EncodedClip {
  return { PCMU: Uint8Array.from(bytes), PCMA: Uint8Array.from(bytes, (byte) => byte ^ 0x80) };
}

/** Plays until nothing is left; what was sent, and when each play had ended. */
function playAll(playout: Playout, frame: number): { sent: number[]; finished: (readonly [number, number])[] } {
  const sent: number[] = [];
  const finished: (readonly [number, number])[] = [];
  const target = new Uint8Array(frame);
  while (playout.isPlaying) {
    playout.fill('PCMU', target, { start: 0, end: frame }, (id) => finished.push([id, sent.length]));
    sent.push(...target);
  }
  return { sent, finished };
}

describe('playout', () => {
  it('clips follow each other without a gap, whatever the packet time; each play is told once, in order', () => {
    const plays = fc.array(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 3 }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(plays, fc.integer({ min: 1, max: 40 }), (lists, frame) => {
        const playout = new Playout();
        for (const [id, clips] of lists.entries()) playout.play(id, clips.map((bytes) => clip([...bytes]))); // prettier-ignore
        const { sent, finished } = playAll(playout, frame);
        const audio = lists.flat().flatMap((bytes) => [...bytes]);
        assert.deepEqual(sent.slice(0, audio.length), audio);
        assert.ok(sent.slice(audio.length).every((byte) => byte === SILENCE.PCMU));
        assert.deepEqual(finished.map(([id]) => id), [...lists.keys()]); // prettier-ignore
      }),
    );
  });

  it('a play that ends with a frame is told with that frame', () => {
    const playout = new Playout();
    playout.play(1, [clip([1, 2, 3, 4])]);
    assert.deepEqual(playAll(playout, 2).finished, [[1, 2]]);
  });

  it('nothing to say -> silence of the law that is spoken', () => {
    const target = new Uint8Array(4);
    new Playout().fill('PCMA', target, { start: 1, end: 4 }, () => undefined);
    assert.deepEqual([...target], [0, SILENCE.PCMA, SILENCE.PCMA, SILENCE.PCMA]);
  });

  it('the law may change in the middle of a clip', () => {
    const playout = new Playout();
    playout.play(1, [clip([1, 2, 3, 4])]);
    const target = new Uint8Array(2);
    playout.fill('PCMU', target, { start: 0, end: 2 }, () => undefined);
    playout.fill('PCMA', target, { start: 0, end: 2 }, () => undefined);
    assert.deepEqual([...target], [0x83, 0x84]);
  });

  it('stopped -> names what was cut off, and the next play starts at its beginning', () => {
    const playout = new Playout();
    playout.play(1, [clip([1, 1, 1]), clip([2])]);
    playout.play(2, [clip([3])]);
    playout.fill('PCMU', new Uint8Array(2), { start: 0, end: 2 }, () => undefined);
    assert.deepEqual(playout.stop(), [1, 2]);
    playout.play(3, [clip([9, 8])]);
    assert.deepEqual(playAll(playout, 2).sent, [9, 8]);
  });
});
