import { ERRORS } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';

/** An overload is over below this share of the limit: at the limit itself it would end and begin with every request. */
const EASED_SHARE = 0.9;

/** Tells the log of an overload by one line at its begin and one at its end, however many requests are refused in between. */
export class Overload {
  readonly #log: Logger;
  readonly #limit: number;
  /** In the overload that lasts; 0 when there is none. */
  #refusals = 0;

  /** @param limit - of transactions */
  constructor(log: Logger, limit: number) {
    this.#log = log;
    this.#limit = limit;
  }

  /**
   * A request was refused, as there are too many.
   *
   * @param unfinished - those there are, looked at when the overload begins
   */
  refused(unfinished: Iterable<{ readonly peerAddress: string }>): void {
    this.#refusals += 1;
    if (this.#refusals > 1) return;
    const { summary, advice, sip } = ERRORS.overloaded;
    const [busiestPeer, count] = busiestOf(unfinished);
    this.#log.warn(
      { event: 'overload-begins', code: 'overloaded', status: sip?.status, limit: this.#limit, busiestPeer, count },
      `Requests are being refused: ${summary}, ${String(count)} of them of ${busiestPeer}; ${advice}`,
    );
  }

  /** So many are left, as one has ended. */
  isLeft(count: number): void {
    if (this.#refusals === 0 || count >= this.#limit * EASED_SHARE) return;
    const facts = { event: 'overload-ends', code: 'overloaded', refusals: this.#refusals };
    this.#refusals = 0;
    this.#log.info(facts, `Requests are taken again: ${String(facts.refusals)} were refused meanwhile`);
  }
}

/** The peer that has most of them, and how many. */
function busiestOf(unfinished: Iterable<{ readonly peerAddress: string }>): readonly [address: string, count: number] {
  const counts = new Map<string, number>();
  for (const { peerAddress } of unfinished) counts.set(peerAddress, (counts.get(peerAddress) ?? 0) + 1);
  return [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), ['nobody', 0]);
}
