import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { Random } from '../../../src/base/random.js';
import { afterFailure, LONGEST_WAIT_MS } from '../../../src/mailbox/mail-retry.js';

const HOUR_MS = 3_600_000;
const middle: Random = { integer: (below) => Math.floor(below / 2), hex: () => '' };

/** Waits of a job that fails every time. */
function waits(retryForMs: number, random: Random): number[] {
  const found: number[] = [];
  for (let attempts = 1; attempts < 10_000; attempts += 1) {
    const next = afterFailure(attempts, retryForMs, random);
    if (next.kind === 'give-up') return found;
    found.push(next.afterMs);
  }
  throw new Error('never given up');
}

test('the first waits are short, then they double up to an hour', () => {
  const seconds = waits(120 * HOUR_MS, middle).map((ms) => ms / 1_000);
  assert.deepEqual(seconds.slice(0, 11), [5, 30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]);
});

test('without jitter the waits add up to exactly MailRetryFor: one attempt is made at that age', () => {
  for (const hours of [1, 2, 120]) {
    const sumMs = waits(hours * HOUR_MS, middle).reduce((sum, ms) => sum + ms, 0);
    assert.equal(sumMs, hours * HOUR_MS);
  }
});

test('MailRetryFor of nothing -> the first failure is the last', () => {
  assert.deepEqual(afterFailure(1, 0, middle), { kind: 'give-up' });
});

test('any dice: each wait within 20 % of its nominal value, and none above the longest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 140 }), fc.integer({ min: 0, max: 2_000 }), (attempts, dice) => {
      const nominal = afterFailure(attempts, 200 * HOUR_MS, middle);
      const thrown = afterFailure(attempts, 200 * HOUR_MS, { integer: () => dice, hex: () => '' });
      assert.ok(nominal.kind === 'wait' && thrown.kind === 'wait');
      assert.ok(Math.abs(thrown.afterMs - nominal.afterMs) <= 0.2 * nominal.afterMs + 1);
      assert.ok(thrown.afterMs <= LONGEST_WAIT_MS);
    }),
  );
});
