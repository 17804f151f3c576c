import { BYTES_PER_MS } from './g711.js';

/**
 * Below this a frame is silence to the idle time. Line noise of telephone networks lies at -65 to -50 dBm0, a quiet talker's words
 * reach -40 and more.
 */
export const SILENCE_BELOW_DBM0 = -48;

/** Only frames below this are cut from the end: what call answering would keep as a message must not be cut to nothing here. */
export const CUT_BELOW_DBM0 = -55;

/** Kept behind the last sound when trailing silence is cut: words end quietly. */
export const KEPT_TAIL_MS = 300;

/** A word of half a second is a message if the caller stayed: what is cut is silence, and it must not make the recording too short. */
export const SHORTEST_CUT_MS = 1_000;

/** Finds where speech last was in a recording, and how loud it ever was. Offsets are bytes of audio. */
export class SpeechWatch {
  #loudestDbm0 = Number.NEGATIVE_INFINITY;
  #lastSpeechEnd = 0;
  #lastSoundEnd = 0;

  /** One frame of the recording. */
  feed(offset: number, length: number, levelDbm0: number): void {
    if (levelDbm0 > this.#loudestDbm0) this.#loudestDbm0 = levelDbm0;
    if (levelDbm0 >= SILENCE_BELOW_DBM0) this.#lastSpeechEnd = Math.max(this.#lastSpeechEnd, offset + length);
    if (levelDbm0 >= CUT_BELOW_DBM0) this.#lastSoundEnd = Math.max(this.#lastSoundEnd, offset + length);
  }

  /** Level of the loudest frame. */
  get loudestDbm0(): number {
    return this.#loudestDbm0;
  }

  /** Milliseconds of silence at the end of a recording of `end` bytes. */
  silentMs(end: number): number {
    return Math.max(0, end - this.#lastSpeechEnd) / BYTES_PER_MS;
  }

  /** Silence counts from here on: what was before a hold is no sign that the caller has finished. */
  beginAnew(end: number): void {
    this.#lastSpeechEnd = Math.max(this.#lastSpeechEnd, end);
  }

  /** What is left of `end` bytes when the silence behind the last sound is cut. */
  withoutTail(end: number): number {
    const kept = this.#lastSoundEnd + KEPT_TAIL_MS * BYTES_PER_MS;
    const shortest = this.#lastSoundEnd > 0 ? SHORTEST_CUT_MS * BYTES_PER_MS : 0;
    return Math.min(end, Math.max(kept, shortest));
  }
}
