import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CallLimit } from '../../../src/call/call-limit.js';

describe('CallLimit (MaxCallsAllowed)', () => {
  test('as many places as allowed, none beyond, one again when one is given back', () => {
    const limit = new CallLimit(() => undefined);
    const first = limit.take(2);
    assert.ok(first && limit.take(2));
    assert.equal(limit.take(2), undefined);
    first.release();
    assert.ok(limit.take(2));
  });

  test('calls of the other generation take places', () => {
    const limit = new CallLimit(() => undefined);
    limit.others = 2;
    assert.equal(limit.take(2), undefined);
    assert.ok(limit.take(3));
  });

  test('a place given back twice counts once; each change is told', () => {
    const told: number[] = [];
    const limit = new CallLimit((own) => told.push(own));
    const place = limit.take(5);
    limit.take(5);
    place?.release();
    place?.release();
    assert.deepEqual(told, [1, 2, 1]);
  });

  test('0 allowed -> none', () => {
    assert.equal(new CallLimit(() => undefined).take(0), undefined);
  });
});
