import type { MonotonicClock } from '../../base/clock.js';

const QUIET_MS = 60_000;

/** A log line about what may happen thousands of times a second: said at most once a minute, with how often it happened. */
export class RareLine {
  readonly #clock: MonotonicClock;
  readonly #say: (times: number) => void;
  #unsaid = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  /** `say` writes the line; `times`: how often it happened since the last one. */
  constructor(clock: MonotonicClock, say: (times: number) => void) {
    this.#clock = clock;
    this.#say = say;
  }

  happened(): void {
    this.#unsaid += 1;
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#saidAtMs < QUIET_MS) return;
    this.#saidAtMs = nowMs;
    this.#say(this.#unsaid);
    this.#unsaid = 0;
  }
}
