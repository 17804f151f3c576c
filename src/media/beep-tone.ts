import { SAMPLE_RATE } from './g711.js';

const FREQUENCY_HZ = 1_000;
const DURATION_MS = 400;
/** About -9 dBm0: clearly heard, and no shock in the ear. */
const AMPLITUDE = 8_000;
const RAMP_MS = 5;

/** The tone after which the caller speaks: a clean sine with short ramps, so that it does not click. 16-bit samples, 8 kHz. */
export function beepTone(): Int16Array {
  const length = (SAMPLE_RATE * DURATION_MS) / 1_000;
  const ramp = (SAMPLE_RATE * RAMP_MS) / 1_000;
  return Int16Array.from({ length }, (_, k) => {
    const gain = Math.min(1, k / ramp, (length - 1 - k) / ramp);
    return Math.round(AMPLITUDE * gain * Math.sin((2 * Math.PI * FREQUENCY_HZ * k) / SAMPLE_RATE));
  });
}
