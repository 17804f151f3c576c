import type { Timers } from '../base/clock.js';

/** Resolves after a time, or at once when the signal says so. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      timer.stop();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = timers.start(ms, finish);
    signal?.addEventListener('abort', finish);
  });
}
