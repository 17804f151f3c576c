const MAX_DROPOUT = 3_000;
const MAX_MISORDER = 100;
const SEQUENCE_MODULUS = 65_536;
const CLOCK_PER_MS = 8;

/**
 * Counts one source's packets: extended sequence number, loss, jitter.
 *
 * @see RFC 3550 appendix A.1 (sequence), A.3 (loss), A.8 (jitter)
 */
export class ReceiverStatistics {
  ssrc = 0;
  received = 0;
  #base = 0;
  #highest = 0;
  #cycles = 0;
  #lastBad = -1;
  #transit = 0;
  #jitter = 0;
  #begun = false;
  #expectedPrior = 0;
  #receivedPrior = 0;
  /** Of sources before this one: a new SSRC starts the count anew, the call's totals go on. */
  #lostBefore = 0;
  #receivedBefore = 0;

  /** One packet that arrived at `nowMs` on the monotonic clock. */
  count(packet: { readonly ssrc: number; readonly sequence: number; readonly timestamp: number }, nowMs: number): void {
    if (!this.#begun || packet.ssrc !== this.ssrc) this.#begin(packet.ssrc, packet.sequence);
    else this.#follow(packet.sequence);
    this.received += 1;
    this.#measureJitter(packet.timestamp, nowMs);
  }

  /** RFC 3550 A.3, over all sources of the call; never below zero (duplicates would make it so). */
  get lost(): number {
    return this.#lostBefore + this.lostOfSource;
  }

  /** The same, of the present source alone: what a report block tells it (RFC 3550 §6.4.1). */
  get lostOfSource(): number {
    return Math.max(0, this.#expected() - this.received);
  }

  get totalReceived(): number {
    return this.#receivedBefore + this.received;
  }

  /** The highest sequence number, with its cycles in the upper 16 bits. */
  get extendedHighest(): number {
    return (this.#cycles + this.#highest) >>> 0;
  }

  /** Time stamp units. */
  get jitter(): number {
    return Math.floor(this.#jitter);
  }

  get jitterMs(): number {
    return this.#jitter / CLOCK_PER_MS;
  }

  /** Lost share since it was last asked, as 0 to 255 of 256. @see RFC 3550 §6.4.1 */
  takeFractionLost(): number {
    const expected = this.#expected() - this.#expectedPrior;
    const received = this.received - this.#receivedPrior;
    this.#expectedPrior = this.#expected();
    this.#receivedPrior = this.received;
    if (expected <= 0 || expected <= received) return 0;
    return Math.min(255, Math.floor(((expected - received) * 256) / expected));
  }

  #begin(ssrc: number, sequence: number): void {
    if (this.#begun) {
      this.#lostBefore = this.lost;
      this.#receivedBefore += this.received;
    }
    this.#begun = true;
    this.ssrc = ssrc;
    this.#restart(sequence);
    this.#transit = Number.NaN;
    this.#jitter = 0;
  }

  #restart(sequence: number): void {
    this.#base = sequence;
    this.#highest = sequence;
    this.#cycles = 0;
    this.#lastBad = -1;
    this.received = 0;
    this.#expectedPrior = 0;
    this.#receivedPrior = 0;
  }

  #follow(sequence: number): void {
    const delta = (sequence - this.#highest) & 0xffff;
    if (delta < MAX_DROPOUT) {
      if (sequence < this.#highest) this.#cycles += SEQUENCE_MODULUS;
      this.#highest = sequence;
    } else if (delta <= SEQUENCE_MODULUS - MAX_MISORDER) {
      // A jump: believed only when the next packet continues it (the other side restarted).
      if (sequence === this.#lastBad) {
        this.#lostBefore = this.lost;
        this.#receivedBefore += this.received;
        this.#restart(sequence);
      } else this.#lastBad = (sequence + 1) & 0xffff;
    }
  }

  #expected(): number {
    return this.#begun ? this.#cycles + this.#highest - this.#base + 1 : 0;
  }

  #measureJitter(timestamp: number, nowMs: number): void {
    const transit = nowMs * CLOCK_PER_MS - timestamp;
    const change = Math.abs(transit - this.#transit);
    this.#transit = transit;
    // A time stamp that wrapped or jumped says nothing of the network.
    if (change < 10_000 * CLOCK_PER_MS) this.#jitter += (change - this.#jitter) / 16;
  }
}
