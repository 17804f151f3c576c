import type { StartedTimer, Timers } from '../base/clock.js';

/** Longest wait that one timer of Node can have; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The timers of one state machine, each known by its name; starting one again restarts it. */
export class NamedTimers<Name extends string> {
  readonly #timers: Timers;
  readonly #fire: (name: Name) => void;
  readonly #started = new Map<Name, StartedTimer>();

  constructor(timers: Timers, fire: (name: Name) => void) {
    this.#timers = timers;
    this.#fire = fire;
  }

  start(name: Name, afterMs: number): void {
    this.stop(name);
    const stepMs = Math.min(afterMs, LONGEST_TIMER_MS);
    const timer = this.#timers.start(stepMs, () => {
      this.#started.delete(name);
      if (afterMs > stepMs) this.start(name, afterMs - stepMs);
      else this.#fire(name);
    });
    this.#started.set(name, timer);
  }

  stop(name: Name): void {
    this.#started.get(name)?.stop();
    this.#started.delete(name);
  }

  stopAll(): void {
    for (const timer of this.#started.values()) timer.stop();
    this.#started.clear();
  }
}
