import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StartedTimer, Timers } from '../../../../src/base/clock.js';
import { PacingWheel } from '../../../../src/platform/media/pacing-wheel.js';
import { VirtualTime } from '../../../support/virtual-time.js';

class Ticked {
  readonly ticks: number[] = [];

  tick(nowMs: number): void {
    this.ticks.push(nowMs);
  }
}

describe('pacing wheel', () => {
  it('one timer for all calls, a tick each 10 ms', async () => {
    const time = new VirtualTime();
    const wheel = new PacingWheel(time, time);
    const [one, other] = [new Ticked(), new Ticked()];
    wheel.add(one);
    wheel.add(other);
    assert.equal(time.waiting, 1);
    await time.pass(50);
    assert.deepEqual(one.ticks, [10, 20, 30, 40, 50]);
    assert.deepEqual(other.ticks, one.ticks);
  });

  it('timers that come late -> ticks are caught up with on the absolute schedule, without drift', async () => {
    const time = new VirtualTime();
    const late: Timers = { start: (afterMs, fire): StartedTimer => time.start(afterMs + 7, fire) };
    const wheel = new PacingWheel(time, late);
    const ticked = new Ticked();
    wheel.add(ticked);
    await time.pass(1_000);
    assert.deepEqual(
      ticked.ticks,
      Array.from({ length: ticked.ticks.length }, (_, k) => 10 * (k + 1)),
    );
    assert.ok(ticked.ticks.length >= 98);
  });

  it('after a stall of a second the schedule begins anew: no burst', async () => {
    const time = new VirtualTime();
    const stalling: Timers = { start: (afterMs, fire) => time.start(time.nowMs() === 20 ? 1_000 : afterMs, fire) };
    const wheel = new PacingWheel(time, stalling);
    const ticked = new Ticked();
    wheel.add(ticked);
    await time.pass(1_040);
    assert.deepEqual(ticked.ticks, [10, 20, 1_020, 1_030, 1_040]);
  });

  it('no calls -> no timer; the next call starts it again', async () => {
    const time = new VirtualTime();
    const wheel = new PacingWheel(time, time);
    const ticked = new Ticked();
    wheel.add(ticked);
    wheel.remove(ticked);
    assert.equal(time.waiting, 0);
    await time.pass(100);
    wheel.add(ticked);
    await time.pass(10);
    assert.deepEqual(ticked.ticks, [110]);
  });
});
