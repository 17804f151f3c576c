import type { G711Law } from '../base/g711-law.js';
import { LIMITS } from '../base/limits.js';
import { BYTES_PER_MS, SILENCE } from './g711.js';

/** Where bytes of a recording go. Offsets count from the first byte of audio. */
export interface TimelineSink {
  /** Writes over what is there, or at the end; `offset` is never beyond the end that the sink has. */
  write(offset: number, bytes: Uint8Array): void;
}

/** Where one received packet of audio belongs: RTP's words for it. */
export interface AudioPacket {
  readonly ssrc: number;
  readonly sequence: number;
  readonly timestamp: number;
}

const GAP_BYTES = LIMITS.rtpGapFillMs * BYTES_PER_MS;
/** A pause of the wall's clock below this is jitter, not a gap between two lines. */
const PAUSE_MS = 100;
/** Packets in a row whose sequence number is far behind: the peer began to count anew (RFC 3550 appendix A.1). */
const STRAYS_TO_RESTART = 5;
/** A key's first packet comes at once, or is lost with some more: a time stamp further back is of another clock. */
const OLDEST_KEY_BYTES = 2_000 * BYTES_PER_MS;
const HALF = 0x8000;

/**
 * The time line of a recording: puts each packet where its time stamp says, not where the clock says, so that reordering, loss and
 * late packets leave everything at its place.
 *
 * ```text
 *   time stamps   1000    1160    (lost)   1480          SSRC or stamp jumps: a new line
 *   file          |-------|-------|silence|-------|...|  begins at the end of the last one
 *
 *   time stamp        sequence number   the packet is
 *   0 to 60 s ahead   any               the next one; the gap before it is silence
 *   behind            1 to 64 behind    late: written over the silence at its place, if it was not there before
 *   behind            further behind    dropped; the fifth in a row begins a new line
 *   anything else                       the first of a new line
 * ```
 *
 * Wall time only counts between two lines, where nothing came. Nothing is written beyond `mostBytes`.
 */
export class RecordingTimeline {
  readonly #sink: TimelineSink;
  readonly #mostBytes: number;
  readonly #silence: Uint8Array;
  #end = 0;
  /** The source of the present line; undefined before the first, and after a hold. */
  #ssrc: number | undefined;
  /** Time stamp that lies at the end of the recording: others are counted from here. */
  #endTimestamp = 0;
  /** Where the line began: nothing of it lies before. */
  #lineStart = 0;
  #highestSequence = 0;
  #strays = 0;
  /** The newest sequence numbers that came, each at its value modulo the length: duplicates are known by it. */
  readonly #seen = new Int32Array(2 * LIMITS.rtpReorderPackets).fill(-1);
  #lastArrivalMs = 0;
  #lostBytes = 0;
  /** False at the beginning and after a hold: the time before the next line is no part of the message. */
  #pauseCounts = false;

  constructor(law: G711Law, sink: TimelineSink, mostBytes: number) {
    this.#sink = sink;
    this.#mostBytes = mostBytes;
    this.#silence = new Uint8Array(1_000 * BYTES_PER_MS).fill(SILENCE[law]);
  }

  /** Bytes of audio so far; at most `mostBytes`. */
  get end(): number {
    return this.#end;
  }

  /** Silence that stands for packets that were sent and did not arrive: milliseconds. */
  get lostMs(): number {
    return this.#lostBytes / BYTES_PER_MS;
  }

  /** When the last packet of the present line came, on the monotonic clock; undefined before the first, and after a hold. */
  get lastArrivalMs(): number | undefined {
    return this.#ssrc === undefined ? undefined : this.#lastArrivalMs;
  }

  /** Places one packet; the offset at which it lies, or -1 when it is too late, or a duplicate of what was placed. */
  place(packet: AudioPacket, payload: Uint8Array, nowMs: number): number {
    const offset = packet.ssrc === this.#ssrc ? this.#offsetInLine(packet) : -1;
    if (offset < 0 && packet.ssrc === this.#ssrc && !this.#isNewLine(packet)) return -1;
    if (offset < 0) this.#beginLine(packet, nowMs);
    const at = offset < 0 ? this.#end : offset;
    this.#seen[packet.sequence % this.#seen.length] = packet.sequence;
    this.#strays = 0;
    this.#lastArrivalMs = nowMs;
    if (at < this.#end) this.#writeLate(at, packet, payload);
    else this.#append(at, packet, payload);
    return at;
  }

  /** Where a key's time stamp lies; the end when it is not of the present line, or much older than it can be. */
  offsetAt(ssrc: number, timestamp: number): number {
    const offset = this.#end + ((timestamp - this.#endTimestamp) | 0);
    const isLikely = offset >= this.#end - OLDEST_KEY_BYTES && offset >= this.#lineStart && offset <= this.#end;
    return ssrc === this.#ssrc && isLikely ? offset : this.#end;
  }

  /**
   * Something of the stream arrived that is no audio (a key, comfort noise): its sequence number is not lost. It is silence all
   * the same: a gateway may repeat comfort noise (RFC 3389 section 5) for as long as nobody speaks.
   */
  skip({ ssrc, sequence }: AudioPacket): void {
    if (ssrc !== this.#ssrc) return;
    if (((sequence - this.#highestSequence) & 0xffff) < HALF) this.#highestSequence = sequence;
  }

  /** The peer holds us: what comes afterwards continues at the end, without the pause. */
  hold(): void {
    this.#ssrc = undefined;
    this.#pauseCounts = false;
  }

  /** The offset of a packet that belongs to the present line; -1 when it has no place there. */
  #offsetInLine({ sequence, timestamp }: AudioPacket): number {
    const ahead = (timestamp - this.#endTimestamp) | 0;
    if (ahead >= 0) return ahead <= GAP_BYTES ? this.#end + ahead : -1;
    const offset = this.#end + ahead;
    const isLate = this.#isBehind(sequence, LIMITS.rtpReorderPackets) && offset >= this.#lineStart;
    return isLate && this.#seen[sequence % this.#seen.length] !== sequence ? offset : -1;
  }

  /** Whether a packet without a place begins a new line; else it is late or a duplicate. */
  #isNewLine({ sequence, timestamp }: AudioPacket): boolean {
    if (((timestamp - this.#endTimestamp) | 0) > GAP_BYTES) return true;
    if (!this.#isBehind(sequence, HALF)) return true;
    if (this.#isBehind(sequence, LIMITS.rtpReorderPackets)) return false;
    this.#strays += 1;
    return this.#strays >= STRAYS_TO_RESTART;
  }

  #isBehind(sequence: number, atMost: number): boolean {
    return ((this.#highestSequence - sequence) & 0xffff) <= atMost;
  }

  #beginLine({ ssrc, timestamp, sequence }: AudioPacket, nowMs: number): void {
    const pauseMs = this.#pauseCounts ? nowMs - this.#lastArrivalMs - PAUSE_MS : 0;
    if (pauseMs > 0) this.#fillTo(this.#end + Math.min(Math.floor(pauseMs) * BYTES_PER_MS, GAP_BYTES));
    this.#pauseCounts = true;
    this.#seen.fill(-1);
    this.#ssrc = ssrc;
    this.#lineStart = this.#end;
    this.#endTimestamp = timestamp;
    this.#highestSequence = (sequence - 1) & 0xffff;
  }

  #append(at: number, { sequence, timestamp }: AudioPacket, payload: Uint8Array): void {
    const missing = ((sequence - this.#highestSequence) & 0xffff) - 1;
    // Without a missing sequence number nothing was lost: the peer was silent (comfort noise, keys).
    if (missing > 0 && missing < HALF) this.#lostBytes += Math.min(at - this.#end, missing * payload.length);
    this.#fillTo(at);
    this.#write(at, payload);
    this.#endTimestamp = (timestamp + payload.length) >>> 0;
    this.#highestSequence = sequence;
  }

  #writeLate(at: number, { timestamp }: AudioPacket, payload: Uint8Array): void {
    this.#lostBytes = Math.max(0, this.#lostBytes - payload.length);
    const isBeyond = at + payload.length > this.#end;
    this.#write(at, payload);
    if (isBeyond) this.#endTimestamp = (timestamp + payload.length) >>> 0;
  }

  #fillTo(offset: number): void {
    const until = Math.min(offset, this.#mostBytes);
    while (this.#end < until) this.#write(this.#end, this.#silence.subarray(0, until - this.#end));
  }

  #write(at: number, bytes: Uint8Array): void {
    const room = this.#mostBytes - at;
    if (room <= 0) return;
    this.#sink.write(at, bytes.length <= room ? bytes : bytes.subarray(0, room));
    this.#end = Math.max(this.#end, Math.min(at + bytes.length, this.#mostBytes));
  }
}
