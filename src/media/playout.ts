import type { G711Law } from '../base/g711-law.js';
import { SILENCE } from './g711.js';

/** A clip encoded once for each law and shared by all calls. */
export type EncodedClip = Readonly<Record<G711Law, Uint8Array>>;

interface Queued {
  readonly playId: number;
  readonly clips: readonly EncodedClip[];
}

/** What is being said to one caller: lists of clips, one after the other, without a gap. Allocates nothing per packet. */
export class Playout {
  readonly #queue: Queued[] = [];
  #clip = 0;
  #offset = 0;

  /** True while something is left to be said. */
  get isPlaying(): boolean {
    return this.#queue.length > 0;
  }

  /** Plays after what is still playing. */
  play(playId: number, clips: readonly EncodedClip[]): void {
    this.#queue.push({ playId, clips });
  }

  /** Drops everything; the ids of the plays that were cut off. */
  stop(): readonly number[] {
    const cut = this.#queue.map(({ playId }) => playId);
    this.#queue.length = 0;
    this.#clip = 0;
    this.#offset = 0;
    return cut;
  }

  /**
   * Fills `target` from `start` to before `end` with what comes next, and silence behind it. `finished` is told each play whose
   * last byte went into this frame.
   */
  fill(
    law: G711Law,
    target: Uint8Array,
    range: { start: number; end: number },
    finished: (playId: number) => void,
  ): void {
    let at = range.start;
    while (at < range.end) {
      const queued = this.#queue[0];
      if (queued === undefined) break;
      const clip = queued.clips[this.#clip];
      if (clip === undefined) {
        this.#queue.shift();
        this.#clip = 0;
        this.#offset = 0;
        finished(queued.playId);
        continue;
      }
      at += this.#copy(clip[law], target, at, range.end);
    }
    target.fill(SILENCE[law], at, range.end);
    this.#finishExhausted(finished);
  }

  #copy(audio: Uint8Array, target: Uint8Array, at: number, end: number): number {
    const count = Math.min(end - at, audio.length - this.#offset);
    for (let k = 0; k < count; k += 1) target[at + k] = audio[this.#offset + k] ?? 0;
    this.#offset += count;
    if (this.#offset >= audio.length) {
      this.#clip += 1;
      this.#offset = 0;
    }
    return count;
  }

  /** A play that ended exactly with the frame is finished with it, not with the next. */
  #finishExhausted(finished: (playId: number) => void): void {
    const queued = this.#queue[0];
    if (queued === undefined || this.#clip < queued.clips.length) return;
    this.#queue.shift();
    this.#clip = 0;
    this.#offset = 0;
    finished(queued.playId);
  }
}
