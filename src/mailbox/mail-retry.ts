import type { Random } from '../base/random.js';

/** The first waits are short, so that a relay that only restarts or greylists delays a message by little. */
const FIRST_WAITS_MS: readonly number[] = [5_000, 30_000];

/** The first of the doubling waits. */
const DOUBLING_FROM_MS = 60_000;

/** The longest nominal wait: a relay that is back is used within the hour. */
const LONGEST_NOMINAL_MS = 3_600_000;

/** Each wait is made longer or shorter by up to this share, so that jobs deferred together do not come back together. */
const JITTER = 0.2;

/** No wait that was ever stored is longer; one that lies further ahead tells that the calendar was set back. */
export const LONGEST_WAIT_MS = LONGEST_NOMINAL_MS * (1 + JITTER);

/** What follows a failed attempt: another one after a wait, or the end. */
export type AfterFailure = { readonly kind: 'wait'; readonly afterMs: number } | { readonly kind: 'give-up' };

/**
 * Decides what follows when attempt number `attempts` (from 1) failed: waits of 5 s, 30 s, 1 min, doubling to 1 h, each
 * +-20 %, until they add up to `retryForMs`, with one attempt at that very age.
 *
 * The age of a job is the sum of its nominal waits, not the difference of two readings of the calendar: a clock set forward by
 * a month kills no message, one set back keeps none for ever, and the time in which the server was off does not count.
 */
export function afterFailure(attempts: number, retryForMs: number, random: Random): AfterFailure {
  const ageMs = nominalAgeMs(attempts - 1, retryForMs);
  if (ageMs >= retryForMs) return { kind: 'give-up' };
  const nominalMs = Math.min(nominalWaitMs(attempts), retryForMs - ageMs);
  const share = 1 + JITTER * (random.integer(2_001) / 1_000 - 1);
  return { kind: 'wait', afterMs: Math.round(nominalMs * share) };
}

/** Sum of the first `waits` waits; the sum stops growing once it is over the limit. */
function nominalAgeMs(waits: number, limitMs: number): number {
  let ageMs = 0;
  for (let wait = 1; wait <= waits && ageMs < limitMs; wait += 1) ageMs += nominalWaitMs(wait);
  return ageMs;
}

/** Wait after attempt number `attempt`, from 1. */
function nominalWaitMs(attempt: number): number {
  const first = FIRST_WAITS_MS[attempt - 1];
  if (first !== undefined) return first;
  return Math.min(DOUBLING_FROM_MS * 2 ** (attempt - 1 - FIRST_WAITS_MS.length), LONGEST_NOMINAL_MS);
}
