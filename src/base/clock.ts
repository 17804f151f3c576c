/** Ages and waits: never goes back, whatever happens to the calendar. */
export interface MonotonicClock {
  /** Milliseconds since an arbitrary fixed moment. */
  nowMs(): number;
}

/** What is stored and shown: milliseconds since 1970 UTC. May jump either way. */
export interface WallClock {
  epochMs(): number;
}

/** A timer that has been started. Stopping twice, or after it fired, does nothing. */
export interface StartedTimer {
  stop(): void;
}

/** Starts one-shot timers on the monotonic clock. */
export interface Timers {
  start(afterMs: number, fire: () => void): StartedTimer;
}
