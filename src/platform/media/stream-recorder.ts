import type { G711Law } from '../../base/g711-law.js';
import type { RecordedAudio, RecordingTarget } from '../../call/media-port.js';
import type { RecordingEnd } from '../../mailbox/message.js';
import { BYTES_PER_MS, TO_OTHER_LAW } from '../../media/g711.js';
import { levelDbm0 } from '../../media/level.js';
import { type AudioPacket, RecordingTimeline } from '../../media/recording-timeline.js';
import { SpeechWatch } from '../../media/speech-watch.js';
import { RecordingFile } from './recording-file.js';

/** `kill -9` loses at most what was collected for this long. */
const FLUSH_EVERY_MS = 200;
/** The network's clock may pause this long before the wall's counts as silence. */
const PAUSE_MS = 200;
/** Between two looks at the clock: it was us who stood still, and packets wait to be read. */
const STALL_MS = 500;

/** One recording: packets in, a file out, and the rules by which it ends by itself. */
export class StreamRecorder {
  readonly #law: G711Law;
  readonly #target: RecordingTarget;
  readonly #file: RecordingFile;
  readonly #timeline: RecordingTimeline;
  readonly #speech = new SpeechWatch();
  readonly #maxBytes: number;
  /** A packet in the recording's law; made anew only when the peer's packet time changes. */
  #scratch = new Uint8Array(0);
  #quietSinceMs: number;
  #tickedMs: number;
  #flushedMs: number;
  #isHeld: boolean;
  #ended: Promise<RecordedAudio> | undefined;

  constructor(law: G711Law, target: RecordingTarget, begun: { readonly nowMs: number; readonly isHeld: boolean }) {
    this.#law = law;
    this.#target = target;
    this.#file = new RecordingFile(target.path, target.audioOffset);
    this.#maxBytes = target.maxDurationMs * BYTES_PER_MS;
    this.#timeline = new RecordingTimeline(law, this.#file, this.#maxBytes);
    this.#quietSinceMs = begun.nowMs;
    this.#tickedMs = begun.nowMs;
    this.#flushedMs = begun.nowMs;
    this.#isHeld = begun.isHeld;
  }

  /** The peer holds us, or no longer: what comes meanwhile is no part of the message, and its silence does not end it. */
  hold(isHeld: boolean, nowMs: number): void {
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#quietSinceMs = nowMs;
    if (isHeld) this.#timeline.hold();
    else this.#speech.beginAnew(this.#timeline.end);
  }

  /** One packet of audio in `law`. */
  audio(law: G711Law, packet: AudioPacket, payload: Uint8Array, nowMs: number): void {
    if (this.#isHeld || this.#ended !== undefined || payload.length === 0) return;
    const own = law === this.#law ? payload : this.#transcoded(law, payload);
    const offset = this.#timeline.place(packet, own, nowMs);
    if (offset >= 0) this.#speech.feed(offset, own.length, levelDbm0(this.#law, own, 0, own.length));
  }

  /** A packet that is no audio: a key or comfort noise. */
  otherPacket(packet: AudioPacket): void {
    if (!this.#isHeld) this.#timeline.skip(packet);
  }

  /** A key: ends the recording where it was pressed, if it is one that does; while we are held nobody presses it for us. */
  key(key: string, packet: AudioPacket): Promise<RecordedAudio> | undefined {
    if (this.#isHeld || this.#ended !== undefined || !this.#target.endKeys.includes(key)) return undefined;
    return this.#end('key', this.#timeline.offsetAt(packet.ssrc, packet.timestamp));
  }

  /** Looks at the clock; the end, when the recording has come to it by itself. */
  tick(nowMs: number): Promise<RecordedAudio> | undefined {
    if (this.#ended !== undefined) return undefined;
    if (nowMs - this.#tickedMs > STALL_MS) this.#quietSinceMs = nowMs;
    this.#tickedMs = nowMs;
    if (nowMs - this.#flushedMs >= FLUSH_EVERY_MS) {
      this.#file.flush();
      this.#flushedMs = nowMs;
    }
    if (this.#file.fault !== undefined) return this.#end('write-failed', this.#timeline.end);
    if (this.#timeline.end >= this.#maxBytes) return this.#end('max-recording', this.#maxBytes);
    if (this.#isHeld || this.#silentMs(nowMs) < this.#target.idleTimeoutMs) return undefined;
    return this.#end('silence', this.#speech.withoutTail(this.#timeline.end));
  }

  /** Ends it now; the end that it already had, when there is one. */
  stop(endedBy: RecordingEnd): Promise<RecordedAudio> {
    return this.#ended ?? this.#end(endedBy, this.#timeline.end);
  }

  /** Silence by the time stamps, and by the wall clock where nothing comes. */
  #silentMs(nowMs: number): number {
    const lastMs = Math.max(this.#timeline.lastArrivalMs ?? this.#quietSinceMs, this.#quietSinceMs);
    const nothingMs = nowMs - lastMs;
    return this.#speech.silentMs(this.#timeline.end) + (nothingMs > PAUSE_MS ? nothingMs : 0);
  }

  #transcoded(law: G711Law, payload: Uint8Array): Uint8Array {
    const table = TO_OTHER_LAW[law];
    if (this.#scratch.length !== payload.length) this.#scratch = new Uint8Array(payload.length);
    for (let k = 0; k < payload.length; k += 1) this.#scratch[k] = table[payload[k] ?? 0] ?? 0;
    return this.#scratch;
  }

  #end(endedBy: RecordingEnd, audioBytes: number): Promise<RecordedAudio> {
    const end = this.#timeline.end;
    this.#ended = this.#file.close().then(() => {
      const fault = this.#file.fault;
      const kept = fault === undefined ? audioBytes : Math.min(audioBytes, this.#file.writtenEnd);
      return {
        endedBy: fault === undefined ? endedBy : 'write-failed',
        law: this.#law,
        audioBytes: kept,
        cutMs: endedBy === 'silence' ? (end - audioBytes) / BYTES_PER_MS : 0,
        loudestDbm0: this.#speech.loudestDbm0,
        lostMs: this.#timeline.lostMs,
        ...(fault === undefined ? {} : { fault }),
      };
    });
    return this.#ended;
  }
}
