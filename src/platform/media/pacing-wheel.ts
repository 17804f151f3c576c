import type { MonotonicClock, StartedTimer, Timers } from '../../base/clock.js';

const TICK_MS = 10;
/** After a stall this long (a suspended machine) the schedule begins anew: a burst of old frames helps nobody. */
const STALL_MS = 500;

/** What is driven by the wheel: one step is 10 ms. */
export interface Paced {
  tick(nowMs: number): void;
}

/** One timer for all calls, on an absolute schedule: a late step is caught up with, so that no call drifts. */
export class PacingWheel {
  readonly #paced = new Set<Paced>();
  readonly #clock: MonotonicClock;
  readonly #timers: Timers;
  #dueMs = 0;
  #timer: StartedTimer | undefined;

  constructor(clock: MonotonicClock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  add(paced: Paced): void {
    this.#paced.add(paced);
    if (this.#timer === undefined) {
      this.#dueMs = this.#clock.nowMs() + TICK_MS;
      this.#wait();
    }
  }

  remove(paced: Paced): void {
    this.#paced.delete(paced);
    if (this.#paced.size > 0) return;
    this.#timer?.stop();
    this.#timer = undefined;
  }

  readonly #turn = (): void => {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#dueMs > STALL_MS) this.#dueMs = nowMs;
    while (this.#dueMs <= nowMs) {
      for (const paced of this.#paced) paced.tick(this.#dueMs);
      this.#dueMs += TICK_MS;
    }
    if (this.#paced.size > 0) this.#wait();
    else this.#timer = undefined;
  };

  #wait(): void {
    this.#timer = this.#timers.start(Math.max(0, Math.ceil(this.#dueMs - this.#clock.nowMs())), this.#turn);
  }
}
