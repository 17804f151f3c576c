import type { MonotonicClock, Timers, WallClock } from '../base/clock.js';

/** The process's monotonic clock. */
export const monotonicClock: MonotonicClock = { nowMs: () => performance.now() };

/** The machine's calendar, which an admin or NTP may set back. */
export const wallClock: WallClock = { epochMs: () => Date.now() };

/** Node's timers; they keep the process alive until they fire or are stopped. */
export const timers: Timers = {
  start(afterMs, fire) {
    const timer = setTimeout(fire, afterMs);
    return {
      stop: () => {
        clearTimeout(timer);
      },
    };
  },
};
