const WAITS_MS = [0, 100, 500, 1_000, 2_000, 5_000] as const;

/** A process that lived this long did not die of its start: its next death is the first again. */
export const STABLE_AFTER_MS = 5_000;

/** Wait before a process is started again that died `deaths` times in a row soon after its start: none at first, growing to 5 s. */
export function restartWaitMs(deaths: number): number {
  const last = WAITS_MS.length - 1;
  return WAITS_MS[Math.min(Math.max(deaths, 1) - 1, last)] ?? 5_000;
}
