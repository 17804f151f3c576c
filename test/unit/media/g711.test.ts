import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  A_LAW_TO_LINEAR,
  decode,
  encode,
  encodeALaw,
  encodeMuLaw,
  MU_LAW_TO_LINEAR,
  SILENCE,
  TO_OTHER_LAW,
} from '../../../src/media/g711.js';

const LAWS = ['PCMU', 'PCMA'] as const;
const sample = fc.integer({ min: -32_768, max: 32_767 });

describe('G.711', () => {
  it('decodes the reference values of ITU-T G.711, tables 1 and 2, on the 16-bit scale', () => {
    const mu = { 0x80: 32_124, 0x00: -32_124, 0xff: 0, 0x7f: 0, 0xfe: 8, 0x7e: -8, 0xef: 132, 0x8f: 16_764 };
    for (const [code, linear] of Object.entries(mu)) assert.equal(MU_LAW_TO_LINEAR[Number(code)], linear, code);
    const a = { 0xaa: 32_256, 0x2a: -32_256, 0xd5: 8, 0x55: -8, 0xd4: 24, 0xc5: 264, 0x80: 5_504 };
    for (const [code, linear] of Object.entries(a)) assert.equal(A_LAW_TO_LINEAR[Number(code)], linear, code);
  });

  it('the digital milliwatt of G.711 lies at 0 dBm0 in both laws', () => {
    const milliwatt = {
      PCMU: [0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e],
      PCMA: [0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4],
    };
    for (const law of LAWS) {
      const bytes = Uint8Array.from(milliwatt[law]);
      assert.deepEqual(encode(law, decode(law, bytes)), bytes);
    }
  });

  it('every code is decoded and encoded to itself; only the negative zero of mu-law becomes the positive one', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, code) => code);
    assert.deepEqual(encodeALaw(A_LAW_TO_LINEAR), codes);
    assert.deepEqual(
      encodeMuLaw(MU_LAW_TO_LINEAR),
      codes.map((code) => (code === 0x7f ? 0xff : code)),
    );
  });

  it('decode(encode(x)) is as near as the law has codes, and idempotent', () => {
    fc.assert(
      fc.property(fc.constantFrom(...LAWS), fc.int16Array({ minLength: 1, maxLength: 200 }), (law, samples) => {
        const table = law === 'PCMU' ? MU_LAW_TO_LINEAR : A_LAW_TO_LINEAR;
        const once = decode(law, encode(law, samples));
        for (const [k, value] of samples.entries()) {
          const nearest = Math.min(...table.map((linear) => Math.min(32_767, Math.abs(linear - value))));
          assert.ok(Math.min(32_767, Math.abs((once[k] ?? 0) - value)) <= nearest + 4, `${law} ${String(value)}`);
        }
        assert.deepEqual(decode(law, encode(law, once)), once);
      }),
      { numRuns: 30 },
    );
  });

  it('encoding is monotonic', () => {
    fc.assert(
      fc.property(fc.constantFrom(...LAWS), sample, sample, (law, one, other) => {
        const [low = 0, high = 0] = decode(law, encode(law, Int16Array.of(Math.min(one, other), Math.max(one, other))));
        assert.ok(low <= high);
      }),
    );
  });

  it('a code of one law becomes the nearest of the other, and there and back is stable after once', () => {
    for (const from of LAWS) {
      const to = from === 'PCMU' ? 'PCMA' : 'PCMU';
      for (let code = 0; code < 256; code += 1) {
        const other = TO_OTHER_LAW[from][code] ?? 0;
        const [before = 0] = decode(from, Uint8Array.of(code));
        const [after = 0] = decode(to, Uint8Array.of(other));
        assert.ok(Math.abs(before - after) <= Math.max(8, Math.abs(before) * 0.04), `${from} ${String(code)}`);
        const back = TO_OTHER_LAW[to][other] ?? 0;
        assert.equal(TO_OTHER_LAW[to][TO_OTHER_LAW[from][back] ?? 0], back);
      }
    }
  });

  it('silence is the quietest positive code, and the sample zero', () => {
    for (const law of LAWS) assert.equal(encode(law, Int16Array.of(0))[0], SILENCE[law]);
  });
});
