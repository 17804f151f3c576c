import type { G711Law } from '../base/g711-law.js';
import { decode, SAMPLE_RATE } from './g711.js';
import { levelDbm0 } from './level.js';

const BLOCK = 160;
/** Bins of 50 Hz from 350 Hz to 2,150 Hz: below lies the pitch of voices, which is as pure as a tone in a closed vowel. */
const FIRST_BIN = 7;
const BINS = 37;
const QUIETEST_TONE_DBM0 = -35;
const SHARE_OF_ENERGY = 0.75;
/** A voice glides: from block to block a tone stays in its bin or at its edge, and keeps its level to 2 dB. */
const STEADY_DB = 2;
/** 80 ms: no vowel is that pure and steady that long. */
const FEWEST_BLOCKS = 4;
/** What a block is that holds no tone. */
const NO_TONE = -1;

/**
 * Hears a beep: a tone of at least 80 ms, most of whose energy lies in one 50 Hz bin and its neighbours, always the same ones.
 * Used by the test caller, who must not speak before the beep has ended.
 */
export class SteadyToneDetector {
  #blocks = 0;
  #bin = NO_TONE;
  #levelDbm0 = 0;

  /** Feeds one packet's payload; true when a beep has just ended. Packets of other lengths than 20 ms are judged by their first 20. */
  feed(law: G711Law, payload: Uint8Array): boolean {
    const level = payload.length < BLOCK ? Number.NEGATIVE_INFINITY : levelDbm0(law, payload, 0, BLOCK);
    const bin = level < QUIETEST_TONE_DBM0 ? NO_TONE : toneBin(decode(law, payload.subarray(0, BLOCK)));
    const goesOn = bin !== NO_TONE && Math.abs(bin - this.#bin) <= 1 && Math.abs(level - this.#levelDbm0) <= STEADY_DB;
    const ended = !goesOn && this.#blocks >= FEWEST_BLOCKS;
    if (goesOn) this.#blocks += 1;
    else this.#blocks = bin === NO_TONE ? 0 : 1;
    this.#bin = bin;
    this.#levelDbm0 = level;
    return ended;
  }
}

/** The bin around which most of the energy lies; NO_TONE when it is spread wider. */
function toneBin(samples: Int16Array): number {
  let energy = 0;
  for (const sample of samples) energy += sample * sample;
  const powers = Array.from({ length: BINS }, (_, k) => power(samples, FIRST_BIN + k));
  const best = powers.indexOf(Math.max(...powers));
  const around = (powers[best - 1] ?? 0) + (powers[best] ?? 0) + (powers[best + 1] ?? 0);
  return (2 * around) / BLOCK > SHARE_OF_ENERGY * energy ? best : NO_TONE;
}

/** Power in one bin (Goertzel). */
function power(samples: Int16Array, bin: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * bin * (SAMPLE_RATE / BLOCK)) / SAMPLE_RATE);
  let last = 0;
  let beforeLast = 0;
  for (const sample of samples) {
    const next = sample + coefficient * last - beforeLast;
    beforeLast = last;
    last = next;
  }
  return last * last + beforeLast * beforeLast - coefficient * last * beforeLast;
}
