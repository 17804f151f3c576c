import assert from 'node:assert/strict';
import test from 'node:test';
import { durationText, wholeSeconds } from '../../../src/mailbox/duration-text.js';

test('a duration reads as Exchange writes it', () => {
  const expected: readonly (readonly [ms: number, text: string])[] = [
    [0, '0 seconds'],
    [499, '0 seconds'],
    [1_000, '1 second'],
    [22_400, '22 seconds'],
    [59_499, '59 seconds'],
    [59_500, '1 minute'],
    [65_000, '1 minute 5 seconds'],
    [121_000, '2 minutes 1 second'],
    [1_200_000, '20 minutes'],
    [3_720_000, '1 hour 2 minutes'],
  ];
  for (const [ms, text] of expected) assert.equal(durationText(ms), text);
});

test('whole seconds are rounded, and never below zero', () => {
  assert.deepEqual([1_499, 1_500, -700].map(wholeSeconds), [1, 2, 0]);
});
