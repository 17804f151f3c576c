import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { UmError } from '../../../src/base/errors.js';
import { decode } from '../../../src/media/g711.js';
import { readWav, wavHeader } from '../../../src/media/wav.js';

const LAWS = ['PCMU', 'PCMA'] as const;

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A WAV file: `fmt ` of 16 bytes, chunks before the data, data. */
function pcmWav(options: {
  format?: number;
  channels?: number;
  rate?: number;
  bits?: number;
  data: Uint8Array;
}): Uint8Array {
  const { format = 1, channels = 1, rate = 8_000, bits = 16, data } = options;
  const head = new Uint8Array(58);
  const view = new DataView(head.buffer);
  const tags: readonly (readonly [number, string])[] = [[0, 'RIFF'], [8, 'WAVE'], [12, 'fmt '], [36, 'LIST'], [50, 'data']]; // prettier-ignore
  for (const [at, tag] of tags) for (let k = 0; k < 4; k += 1) head[at + k] = tag.charCodeAt(k);
  view.setUint32(16, 16, true);
  view.setUint16(20, format, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint16(34, bits, true);
  // An odd chunk is padded.
  view.setUint32(40, 5, true);
  view.setUint32(54, data.length, true);
  return joined(head, data);
}

function faultOf(bytes: Uint8Array): string {
  try {
    readWav(bytes);
  } catch (error) {
    assert.ok(error instanceof UmError && error.code === 'audio-unusable');
    return error.detail;
  }
  return '';
}

describe('WAV', () => {
  it('what follows our header is read again, in both laws', () => {
    fc.assert(
      fc.property(fc.constantFrom(...LAWS), fc.uint8Array({ minLength: 1, maxLength: 500 }), (law, audio) => {
        const bytes = joined(wavHeader(law, audio.length), audio);
        assert.equal(wavHeader(law, audio.length).length, 58);
        assert.deepEqual(readWav(bytes).samples, decode(law, audio));
      }),
    );
  });

  it('PCM 16 bit behind an odd chunk -> its samples', () => {
    const data = Uint8Array.of(1, 0, 0xff, 0xff, 0, 0x80);
    assert.deepEqual([...readWav(pcmWav({ data })).samples], [1, -1, -32_768]);
  });

  it('a data chunk whose size was never filled in, or is beyond the end -> to the end of the file', () => {
    const audio = Uint8Array.of(1, 2, 3, 4);
    for (const size of [0, 400, 0xffffffff]) {
      const bytes = joined(wavHeader('PCMU', size), audio);
      assert.deepEqual(readWav(bytes).samples, decode('PCMU', audio));
    }
  });

  it('what it is instead is said', () => {
    const data = Uint8Array.of(0, 0);
    assert.match(faultOf(pcmWav({ data, channels: 2 })), /2 channels/);
    assert.match(faultOf(pcmWav({ data, rate: 44_100 })), /44100 samples/);
    assert.match(faultOf(pcmWav({ data, bits: 24 })), /24 bits/);
    assert.match(faultOf(pcmWav({ data, format: 85 })), /format 85/);
    assert.match(faultOf(Uint8Array.from('ID3 an MP3 file', (c) => c.charCodeAt(0))), /no WAV/);
    assert.match(faultOf(wavHeader('PCMU', 0).subarray(0, 50)), /no data/);
    assert.match(
      faultOf(joined(pcmWav({ data }).subarray(0, 12), pcmWav({ data }).subarray(50))),
      /fmt chunk is missing/,
    );
  });

  it('any bytes, also behind a true beginning -> samples or audio-unusable, nothing else', () => {
    const start = wavHeader('PCMA', 0);
    fc.assert(
      fc.property(fc.nat(58), fc.uint8Array({ maxLength: 100 }), (kept, rest) => {
        faultOf(joined(start.subarray(0, kept), rest));
      }),
    );
    fc.assert(
      fc.property(fc.nat(57), fc.nat(255), (at, value) => {
        const bytes = joined(start, Uint8Array.of(1, 2, 3));
        bytes[at] = value;
        faultOf(bytes);
      }),
    );
  });
});
