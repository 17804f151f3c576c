import { UmError } from '../base/errors.js';
import type { G711Law } from '../base/g711-law.js';
import { decode, SAMPLE_RATE } from './g711.js';

const FORMAT_PCM = 1;
const FORMAT_A_LAW = 6;
const FORMAT_MU_LAW = 7;
const FORMAT_EXTENSIBLE = 0xfffe;
const HEADER_BYTES = 58;

function writeTag(target: Uint8Array, at: number, tag: string): void {
  for (let k = 0; k < 4; k += 1) target[at + k] = tag.charCodeAt(k);
}

/**
 * The 58 bytes before the payload of a G.711 WAV, 8 kHz mono; the payload follows as it is.
 *
 * ```text
 *   0 "RIFF"  size  "WAVE"
 *  12 "fmt "  18    format 7|6, 1 channel, 8000 Hz, 8000 B/s, block 1, 8 bits, 0 more bytes
 *  38 "fact"  4     samples
 *  50 "data"  size
 * ```
 *
 * @see Microsoft, Multimedia Data Standards Update (1994): formats other than PCM have a `fact` chunk
 */
export function wavHeader(law: G711Law, audioBytes: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  writeTag(header, 0, 'RIFF');
  view.setUint32(4, HEADER_BYTES - 8 + audioBytes, true);
  writeTag(header, 8, 'WAVE');
  writeTag(header, 12, 'fmt ');
  view.setUint32(16, 18, true);
  view.setUint16(20, law === 'PCMU' ? FORMAT_MU_LAW : FORMAT_A_LAW, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, SAMPLE_RATE, true);
  view.setUint32(28, SAMPLE_RATE, true);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  writeTag(header, 38, 'fact');
  view.setUint32(42, 4, true);
  view.setUint32(46, audioBytes, true);
  writeTag(header, 50, 'data');
  view.setUint32(54, audioBytes, true);
  return header;
}

/** Audio of a WAV file, decoded. */
export interface WavAudio {
  readonly samples: Int16Array;
  readonly rate: typeof SAMPLE_RATE;
}

interface WavFormat {
  readonly format: number;
  readonly channels: number;
  readonly rate: number;
  readonly bits: number;
}

/**
 * Reads a WAV file: PCM 16 bit, mu-law or A-law, 8 kHz, mono. A `data` chunk that claims more than there is (a recorder that was
 * cut off, or 0 or 0xFFFFFFFF of a stream) counts to the end of the file.
 *
 * @throws UmError 'audio-unusable' with what was found instead
 */
export function readWav(bytes: Uint8Array): WavAudio {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || tagAt(bytes, 0) !== 'RIFF' || tagAt(bytes, 8) !== 'WAVE')
    throw unusable('it is no WAV file');
  let format: WavFormat | undefined;
  for (let at = 12; at + 8 <= bytes.length;) {
    const size = view.getUint32(at + 4, true);
    const body = at + 8;
    const tag = tagAt(bytes, at);
    if (tag === 'fmt ') format = readFormat(view, body, size);
    if (tag === 'data') {
      const whole = size === 0 || body + size > bytes.length ? bytes.length : body + size;
      return { samples: decodeData(format, bytes.subarray(body, whole)), rate: SAMPLE_RATE };
    }
    at = body + size + (size & 1);
  }
  throw unusable('it has no data chunk');
}

function readFormat(view: DataView, at: number, size: number): WavFormat {
  if (size < 16 || at + size > view.byteLength) throw unusable('its fmt chunk is cut off');
  const named = view.getUint16(at, true);
  // WAVE_FORMAT_EXTENSIBLE keeps the real format in the first two bytes of its sub-format.
  const format = named === FORMAT_EXTENSIBLE && size >= 26 ? view.getUint16(at + 24, true) : named;
  return {
    format,
    channels: view.getUint16(at + 2, true),
    rate: view.getUint32(at + 4, true),
    bits: view.getUint16(at + 14, true),
  };
}

function decodeData(format: WavFormat | undefined, data: Uint8Array): Int16Array {
  if (format === undefined) throw unusable('its fmt chunk is missing');
  if (format.channels !== 1) throw unusable(`it has ${String(format.channels)} channels`);
  if (format.rate !== SAMPLE_RATE) throw unusable(`it has ${String(format.rate)} samples a second`);
  if (format.format === FORMAT_MU_LAW && format.bits === 8) return decode('PCMU', data);
  if (format.format === FORMAT_A_LAW && format.bits === 8) return decode('PCMA', data);
  if (format.format !== FORMAT_PCM || format.bits !== 16)
    throw unusable(`it has format ${String(format.format)} with ${String(format.bits)} bits a sample`);
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  return Int16Array.from({ length: data.length >> 1 }, (_, k) => view.getInt16(2 * k, true));
}

function tagAt(bytes: Uint8Array, at: number): string {
  return String.fromCharCode(...bytes.subarray(at, at + 4));
}

function unusable(found: string): UmError {
  return new UmError('audio-unusable', found);
}
