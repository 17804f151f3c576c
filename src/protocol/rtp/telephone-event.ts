const KEYS = '0123456789*#ABCD';

/** Presses that are remembered, so that a packet of one that comes late is known. */
const REMEMBERED = 16;
/** A press that is older than this against the newest is of a new time line, not late: 16 s, twice the longest segment. */
const LATE_WITHIN = 0x20000;
/** The longest duration that a segment can tell (RFC 4733 §2.5.1.3). */
const LONGEST_SEGMENT = 0xffff;

/**
 * Hears keys by RFC 4733: each press once, whichever of its packets arrive, in whatever order. A press is named by its source
 * and time stamp (§2.2.2: constant over an event, also over its three final packets); a long one that is reported in segments
 * (§2.5.1.3) continues where the last segment ended.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     event     |E|R| volume    |          duration             |
 * ```
 */
export class TelephoneEventReceiver {
  #ssrc: number | undefined;
  /** Time stamps of the last presses and segments, the newest at `#heard - 1` modulo the length. */
  readonly #stamps = new Float64Array(REMEMBERED).fill(-1);
  #heard = 0;
  /** The newest one: its time stamp, event, duration so far, and whether its end was seen. */
  #timestamp = 0;
  #event = -1;
  #duration = 0;
  #ended = false;

  /** Feeds one packet's payload; the key, if its press was not heard before. */
  feed(packet: { readonly ssrc: number; readonly timestamp: number }, payload: Uint8Array): string | undefined {
    const [event, flags, high, low] = payload;
    if (event === undefined || flags === undefined || high === undefined || low === undefined) return undefined;
    const ended = flags >= 0x80;
    const duration = (high << 8) | low;
    if (packet.ssrc !== this.#ssrc) this.#forget(packet.ssrc);
    const { timestamp } = packet;
    if (this.#heard > 0 && timestamp === this.#timestamp) {
      this.#ended ||= ended;
      this.#duration = Math.max(this.#duration, duration);
      return undefined;
    }
    if (this.#stamps.includes(timestamp)) return undefined;
    const continues = this.#continues(timestamp, event);
    this.#stamps[this.#heard % REMEMBERED] = timestamp;
    this.#heard += 1;
    if (this.#isNewest(timestamp)) {
      this.#timestamp = timestamp;
      this.#event = event;
      this.#duration = duration;
      this.#ended = ended;
    }
    return continues ? undefined : KEYS[event];
  }

  #forget(ssrc: number): void {
    this.#ssrc = ssrc;
    this.#stamps.fill(-1);
    this.#heard = 0;
  }

  #continues(timestamp: number, event: number): boolean {
    if (this.#heard === 0 || this.#ended || event !== this.#event) return false;
    const since = (timestamp - this.#timestamp) >>> 0;
    return since === LONGEST_SEGMENT || (since === this.#duration && since > 0);
  }

  /** Called with `timestamp` counted already: the first of its source is the newest. */
  #isNewest(timestamp: number): boolean {
    return this.#heard === 1 || (this.#timestamp - timestamp) >>> 0 > LATE_WITHIN;
  }
}
