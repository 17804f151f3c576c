import type { StartedTimer, Timers } from '../../base/clock.js';

const BEAT_MS = 1_000;

/** Node's, which do not keep the process alive: a watch is no reason to go on. */
const idleTimers: Timers = {
  start(afterMs, fire) {
    const timer = setTimeout(fire, afterMs).unref();
    return {
      stop: () => {
        clearTimeout(timer);
      },
    };
  },
};

export interface ThreadWatchOptions {
  /** Node's when omitted. */
  readonly timers?: Timers;
  /** A thread that answers nothing for so long hangs; at least one beat of a second passes. */
  readonly hangAfterMs: number;
  /** Asks the thread for a sign of life. */
  ask(): void;
  /** Called once, after which nothing is asked any more. */
  hangs(): void;
}

/**
 * Watches that a thread still runs: asks it once a second. Counting questions instead of time keeps a process that was itself
 * stopped, or busy, from taking its own sleep for the thread's.
 */
export class ThreadWatch {
  /** In effect from the next beat on. */
  hangAfterMs: number;
  readonly #options: ThreadWatchOptions;
  readonly #timers: Timers;
  #unanswered = 0;
  #timer: StartedTimer | undefined;

  constructor(options: ThreadWatchOptions) {
    this.#options = options;
    this.#timers = options.timers ?? idleTimers;
    this.hangAfterMs = options.hangAfterMs;
    this.#ask();
  }

  /** The thread gave a sign of life. */
  answered(): void {
    this.#unanswered = 0;
  }

  /** Ends the watch. */
  stop(): void {
    this.#timer?.stop();
  }

  #ask(): void {
    this.#unanswered += 1;
    this.#options.ask();
    this.#timer = this.#timers.start(BEAT_MS, () => {
      if (this.#unanswered * BEAT_MS < this.hangAfterMs) this.#ask();
      else this.#options.hangs();
    });
  }
}
