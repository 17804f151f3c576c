/** FNV-1a's prime; the second start value is the first one's bits turned over, so that the halves differ. */
const PRIME = 0x01_00_01_93;
const START_A = 0x81_1c_9d_c5;
const START_B = 0x7e_e3_62_3a;

/**
 * The To tag of a stateless server (RFC 3261 §8.2.7): computed from the Call-ID alone, so that every process gives the
 * same one, also after a restart, to every repetition of a request. It tells calls apart; it is no secret.
 *
 * @returns 16 hexadecimal digits
 */
export function statelessTag(callId: string): string {
  let a = START_A;
  let b = START_B;
  for (let position = 0; position < callId.length; position += 1) {
    const code = callId.charCodeAt(position);
    a = Math.imul(a ^ code, PRIME);
    b = Math.imul(b ^ (code + position), PRIME);
  }
  return hexadecimal(a) + hexadecimal(b);
}

/** Each byte as two hexadecimal digits. */
const BYTES: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function hexadecimal(value: number): string {
  const high = `${BYTES[value >>> 24] ?? ''}${BYTES[(value >>> 16) & 0xff] ?? ''}`;
  return `${high}${BYTES[(value >>> 8) & 0xff] ?? ''}${BYTES[value & 0xff] ?? ''}`;
}
