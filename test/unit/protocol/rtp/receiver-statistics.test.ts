import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ReceiverStatistics } from '../../../../src/protocol/rtp/receiver-statistics.js';

function count(statistics: ReceiverStatistics, sequences: readonly number[], ssrc = 1): void {
  for (const sequence of sequences) {
    statistics.count({ ssrc, sequence: sequence & 0xffff, timestamp: (sequence * 160) >>> 0 }, sequence * 20);
  }
}

describe('receiver statistics', () => {
  it('loss is what did not come, in any order and across a wrap (RFC 3550 A.1, A.3)', () => {
    const packets = fc.record({ start: fc.nat(0xffff), lost: fc.uniqueArray(fc.integer({ min: 1, max: 98 })) });
    fc.assert(
      fc.property(packets, ({ start, lost }) => {
        const statistics = new ReceiverStatistics();
        const sent = Array.from({ length: 100 }, (_, k) => k).filter((k) => !lost.includes(k));
        const swapped = sent.map((k, at) => (at > 0 && at % 2 === 0 && at + 2 < sent.length ? (sent[at + 1] ?? k) : k));
        count(statistics, [...new Set([...swapped, ...sent])].map((k) => start + k)); // prettier-ignore
        assert.equal(statistics.lost, lost.length);
        assert.equal(statistics.totalReceived, 100 - lost.length);
        assert.equal(statistics.extendedHighest & 0xffff, (start + 99) & 0xffff);
        assert.equal(statistics.extendedHighest >> 16, start + 99 > 0xffff ? 1 : 0);
      }),
    );
  });

  it('a fraction is told of what was expected since the last one', () => {
    const statistics = new ReceiverStatistics();
    count(statistics, [1, 2, 4, 5]);
    assert.equal(statistics.takeFractionLost(), 51, '1 of 5');
    count(statistics, [6, 7]);
    assert.equal(statistics.takeFractionLost(), 0);
  });

  it('duplicates never make loss negative', () => {
    const statistics = new ReceiverStatistics();
    count(statistics, [1, 1, 1, 2]);
    assert.equal(statistics.lost, 0);
    assert.equal(statistics.takeFractionLost(), 0);
  });

  it('a new source begins anew, the totals of the call go on', () => {
    const statistics = new ReceiverStatistics();
    count(statistics, [1, 3]);
    count(statistics, [5_000, 5_001], 2);
    assert.equal(statistics.lost, 1);
    assert.equal(statistics.lostOfSource, 0);
    assert.equal(statistics.totalReceived, 4);
  });

  it('a source that counts anew is believed with its second packet', () => {
    const statistics = new ReceiverStatistics();
    count(statistics, [1, 2, 30_000, 30_001, 30_002]);
    assert.equal(statistics.extendedHighest, 30_002);
    assert.equal(statistics.lost, 0);
  });

  it('packets on time -> no jitter; a steady 10 ms to and fro -> near 80 time stamp units more', () => {
    const even = new ReceiverStatistics();
    count(
      even,
      Array.from({ length: 50 }, (_, k) => k),
    );
    assert.equal(even.jitter, 0);
    const uneven = new ReceiverStatistics();
    for (let k = 0; k < 200; k += 1) {
      uneven.count({ ssrc: 1, sequence: k, timestamp: k * 160 }, k * 20 + (k % 2) * 10);
    }
    assert.ok(Math.abs(uneven.jitterMs - 10) < 0.1);
  });
});
