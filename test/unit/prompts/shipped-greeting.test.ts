import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { encodeMuLaw } from '../../../src/media/g711.js';
import { readWav } from '../../../src/media/wav.js';
import { isTone } from '../../support/raw-caller.js';

describe('shipped greeting', () => {
  it('no word is so pure for 80 ms that a caller who waits for a tone would begin to speak', () => {
    const file = new URL('../../../config/prompts/en-US/greeting.wav', import.meta.url);
    const audio = encodeMuLaw(readWav(readFileSync(file)).samples);
    for (const start of [0, 40, 80, 120]) {
      let run = 0;
      for (let at = start; at + 160 <= audio.length; at += 160) {
        run = isTone(audio.subarray(at, at + 160), false) ? run + 1 : 0;
        assert.ok(run < 4, `a tone at ${String(at / 8_000)} s`);
      }
    }
  });
});
