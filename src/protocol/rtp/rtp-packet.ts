/** Bytes of an RTP header without CSRCs and extension. */
export const RTP_HEADER_BYTES = 12;

/**
 * One RTP packet, read in place: fields are overwritten by each `read`, nothing is allocated.
 *
 * ```text
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 * |                           timestamp                           |
 * |                             SSRC                              |
 * |                     CC times CSRC, 4 bytes each               |
 * |  if X: profile, length in words  |  that many words           |
 * ```
 *
 * @see RFC 3550 §5.1, §5.3.1
 */
export class RtpPacket {
  marker = false;
  payloadType = 0;
  /** 0 to 65,535. */
  sequence = 0;
  /** 0 to 2^32 - 1. */
  timestamp = 0;
  ssrc = 0;
  payloadStart = 0;
  /** Behind the last byte of payload: padding is taken off. */
  payloadEnd = 0;

  /** Reads the first `length` bytes; false when they are no RTP packet of version 2 (fields are then undefined). */
  read(bytes: Uint8Array, length: number): boolean {
    const first = byteAt(bytes, 0);
    if (length < RTP_HEADER_BYTES || first >> 6 !== 2) return false;
    const second = byteAt(bytes, 1);
    this.marker = second >= 0x80;
    this.payloadType = second & 0x7f;
    this.sequence = uint16(bytes, 2);
    this.timestamp = uint32(bytes, 4);
    this.ssrc = uint32(bytes, 8);
    let start = RTP_HEADER_BYTES + 4 * (first & 0x0f);
    if (first & 0x10) start += 4 + 4 * uint16(bytes, start + 2);
    const padding = first & 0x20 ? byteAt(bytes, length - 1) : 0;
    this.payloadStart = start;
    this.payloadEnd = length - padding;
    return this.payloadEnd >= start && (padding > 0 || (first & 0x20) === 0);
  }
}

/** What a header says, for writing. */
export interface RtpFields {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
}

/** Writes a header of 12 bytes to the start of `target`. @see RFC 3550 §5.1 */
export function writeRtpHeader(target: Uint8Array, fields: RtpFields): void {
  target[0] = 0x80;
  target[1] = (fields.marker ? 0x80 : 0) | (fields.payloadType & 0x7f);
  target[2] = (fields.sequence >> 8) & 0xff;
  target[3] = fields.sequence & 0xff;
  writeUint32(target, 4, fields.timestamp);
  writeUint32(target, 8, fields.ssrc);
}

function byteAt(bytes: Uint8Array, at: number): number {
  return bytes[at] ?? 0;
}

/** Big-endian, unsigned; bytes beyond the end count as zero. */
export function uint16(bytes: Uint8Array, at: number): number {
  return (byteAt(bytes, at) << 8) | byteAt(bytes, at + 1);
}

/** Big-endian, unsigned; bytes beyond the end count as zero. */
export function uint32(bytes: Uint8Array, at: number): number {
  return ((uint16(bytes, at) << 16) | uint16(bytes, at + 2)) >>> 0;
}

/** Big-endian; the value is taken modulo 2^32. */
export function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = (value >>> 24) & 0xff;
  target[at + 1] = (value >>> 16) & 0xff;
  target[at + 2] = (value >>> 8) & 0xff;
  target[at + 3] = value & 0xff;
}
