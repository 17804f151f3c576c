import type { G711Law } from '../base/g711-law.js';
import { A_LAW_TO_LINEAR, MU_LAW_TO_LINEAR } from './g711.js';

/** Level of a sine at full scale (ITU-T G.711 §5, table 5): dBm0. */
const FULL_SCALE_DBM0: Readonly<Record<G711Law, number>> = { PCMU: 3.17, PCMA: 3.14 };

/** Peak of that sine in 16-bit samples. */
const FULL_SCALE_PEAK = 32_636;

const squares: Readonly<Record<G711Law, Float64Array>> = {
  PCMU: Float64Array.from(MU_LAW_TO_LINEAR, (sample) => sample * sample),
  PCMA: Float64Array.from(A_LAW_TO_LINEAR, (sample) => sample * sample),
};

/** Level of the bytes from `start` to before `end`: dBm0 (a sine's scale), -Infinity for digital zero or no bytes. */
export function levelDbm0(law: G711Law, bytes: Uint8Array, start: number, end: number): number {
  const table = squares[law];
  let sum = 0;
  for (let k = start; k < end; k += 1) sum += table[bytes[k] ?? 0] ?? 0;
  if (sum === 0 || end <= start) return Number.NEGATIVE_INFINITY;
  return 10 * Math.log10((2 * sum) / (end - start) / (FULL_SCALE_PEAK * FULL_SCALE_PEAK)) + FULL_SCALE_DBM0[law];
}
