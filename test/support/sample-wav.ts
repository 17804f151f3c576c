/** A second of a 440 Hz tone for each of `seconds`, as mu-law in a WAV of format 7 with a `fact` chunk, written by hand. */
export function muLawWav(seconds: number): Buffer {
  const payload = Buffer.from(
    Array.from({ length: seconds * 8_000 }, (_, n) => toMuLaw(8_000 * Math.sin((n * 880 * Math.PI) / 8_000))),
  );
  const header = Buffer.alloc(58);
  header.write('RIFF', 0);
  header.writeUInt32LE(50 + payload.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(18, 16);
  header.writeUInt16LE(7, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(8_000, 24);
  header.writeUInt32LE(8_000, 28);
  header.writeUInt16LE(1, 32);
  header.writeUInt16LE(8, 34);
  header.write('fact', 38);
  header.writeUInt32LE(4, 42);
  header.writeUInt32LE(payload.length, 46);
  header.write('data', 50);
  header.writeUInt32LE(payload.length, 54);
  return Buffer.concat([header, payload]);
}

function toMuLaw(sample: number): number {
  const magnitude = Math.min(Math.abs(Math.round(sample)), 32_635) + 132;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 15;
  return ~((sample < 0 ? 128 : 0) | (exponent << 4) | mantissa) & 255;
}
