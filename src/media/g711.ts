import type { G711Law } from '../base/g711-law.js';

/** Samples a second, and bytes a second of either law. */
export const SAMPLE_RATE = 8_000;

/** Bytes (and samples) a millisecond. */
export const BYTES_PER_MS = SAMPLE_RATE / 1_000;

/** The byte that is silence: the quietest positive code of each law. */
export const SILENCE: Readonly<Record<G711Law, number>> = Object.freeze({ PCMU: 0xff, PCMA: 0xd5 });

/** Expands a mu-law byte to a 16-bit sample (ITU-T G.711, table 2a: 14 bits, here shifted to 16). */
function expandMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

/** Expands an A-law byte to a 16-bit sample (ITU-T G.711, table 1a: 13 bits, here shifted to 16). */
function expandALaw(byte: number): number {
  const code = byte ^ 0x55;
  const segment = (code >> 4) & 7;
  const step = ((code & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? step : (step + 0x100) << (segment - 1);
  return code & 0x80 ? magnitude : -magnitude;
}

/** All 256 mu-law codes as 16-bit samples. */
export const MU_LAW_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => expandMuLaw(byte));

/** All 256 A-law codes as 16-bit samples. */
export const A_LAW_TO_LINEAR = Int16Array.from({ length: 256 }, (_, byte) => expandALaw(byte));

const linearOf: Readonly<Record<G711Law, Int16Array>> = { PCMU: MU_LAW_TO_LINEAR, PCMA: A_LAW_TO_LINEAR };

/**
 * The nearest code for each 16-bit sample, indexed by the sample's upper 14 bits (`(sample + 32768) >> 2`): no law has finer
 * steps. Built once from the decoder's table, so that encoding is its inverse by construction.
 */
function encoderTable(law: G711Law): Uint8Array {
  const linear = linearOf[law];
  // Mu-law has two codes for zero; the negative one (0x7F) is never sent, so that silence is one byte.
  const codes = Array.from({ length: 256 }, (_, code) => code).filter((code) => law === 'PCMA' || code !== 0x7f);
  codes.sort((a, b) => (linear[a] ?? 0) - (linear[b] ?? 0));
  const table = new Uint8Array(16_384);
  let nearest = 0;
  for (let index = 0; index < table.length; index += 1) {
    const sample = (index << 2) - 32_768 + 2;
    while (nearest + 1 < codes.length && distance(codes[nearest + 1], sample) <= distance(codes[nearest], sample))
      nearest += 1;
    table[index] = codes[nearest] ?? 0;
  }
  return table;

  function distance(code: number | undefined, sample: number): number {
    return Math.abs((linear[code ?? 0] ?? 0) - sample);
  }
}

const encoders: Readonly<Record<G711Law, Uint8Array>> = { PCMU: encoderTable('PCMU'), PCMA: encoderTable('PCMA') };

/** Encodes 16-bit samples, a byte for each. */
export function encode(law: G711Law, samples: Int16Array): Uint8Array {
  const table = encoders[law];
  const bytes = new Uint8Array(samples.length);
  for (let k = 0; k < samples.length; k += 1) bytes[k] = table[((samples[k] ?? 0) + 32_768) >> 2] ?? 0;
  return bytes;
}

/** Encodes 16-bit samples to mu-law. */
export function encodeMuLaw(samples: Int16Array): Uint8Array {
  return encode('PCMU', samples);
}

/** Encodes 16-bit samples to A-law. */
export function encodeALaw(samples: Int16Array): Uint8Array {
  return encode('PCMA', samples);
}

/** Decodes bytes of a law to 16-bit samples. */
export function decode(law: G711Law, bytes: Uint8Array): Int16Array {
  const table = linearOf[law];
  const samples = new Int16Array(bytes.length);
  for (let k = 0; k < bytes.length; k += 1) samples[k] = table[bytes[k] ?? 0] ?? 0;
  return samples;
}

function transcoder(from: G711Law, to: G711Law): Uint8Array {
  return encode(to, linearOf[from]);
}

/** Code by code from one law to the other: index the first by the law that is read. */
export const TO_OTHER_LAW: Readonly<Record<G711Law, Uint8Array>> = Object.freeze({
  PCMU: transcoder('PCMU', 'PCMA'),
  PCMA: transcoder('PCMA', 'PCMU'),
});
