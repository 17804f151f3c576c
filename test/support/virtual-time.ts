import type { MonotonicClock, StartedTimer, Timers, WallClock } from '../../src/base/clock.js';

interface Waiting {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** Lets everything run that waits for nothing but promises. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock that stands still until a test moves it. */
export class VirtualTime implements MonotonicClock, WallClock, Timers {
  #nowMs = 0;
  #started = 0;
  #waiting: Waiting[] = [];

  nowMs(): number {
    return this.#nowMs;
  }

  epochMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  start(afterMs: number, fire: () => void): StartedTimer {
    this.#started += 1;
    const timer = { atMs: this.#nowMs + afterMs, order: this.#started, fire };
    this.#waiting.push(timer);
    return {
      stop: () => {
        this.#waiting = this.#waiting.filter((other) => other !== timer);
      },
    };
  }

  /** Timers that have not fired. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Moves on, firing each timer at its moment, and lets promises run in between. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await settled();
    for (let next = this.#next(untilMs); next; next = this.#next(untilMs)) {
      const due = next;
      this.#waiting = this.#waiting.filter((other) => other !== due);
      this.#nowMs = due.atMs;
      due.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Waiting | undefined {
    const due = this.#waiting.filter((timer) => timer.atMs <= untilMs);
    return due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)[0];
  }
}
