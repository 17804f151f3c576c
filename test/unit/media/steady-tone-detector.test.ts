import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { beepTone } from '../../../src/media/beep-tone.js';
import { decode, encode, SILENCE } from '../../../src/media/g711.js';
import { SteadyToneDetector } from '../../../src/media/steady-tone-detector.js';
import { readWav } from '../../../src/media/wav.js';
import { PROMPT_NAMES } from '../../../src/prompts/clip.js';
import { speech } from '../../support/site.js';

const LAWS = ['PCMU', 'PCMA'] as const;

/** Energy in one 50 Hz bin: the definition of the discrete Fourier transform, not the detector's way. */
function binEnergy(samples: Int16Array, bin: number): number {
  let [re, im] = [0, 0];
  for (const [k, sample] of samples.entries()) {
    re += sample * Math.cos((2 * Math.PI * bin * k) / samples.length);
    im += sample * Math.sin((2 * Math.PI * bin * k) / samples.length);
  }
  return (re * re + im * im) / samples.length;
}

/** Beeps heard in `audio`, sent in packets of 20 ms from `start` on. */
function beepsIn(law: (typeof LAWS)[number], audio: Uint8Array, start = 0): number {
  const detector = new SteadyToneDetector();
  let beeps = 0;
  for (let at = start; at + 160 <= audio.length; at += 160) {
    if (detector.feed(law, audio.subarray(at, at + 160))) beeps += 1;
  }
  return beeps;
}

describe('beep', () => {
  for (const law of LAWS) {
    it(`${law}: at least four packets of a steady tone, loud enough, and the detector hears its end once`, () => {
      const audio = encode(law, beepTone());
      let tones = 0;
      for (let at = 0; at + 160 <= audio.length; at += 160) {
        const samples = decode(law, audio.subarray(at, at + 160));
        const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
        const bins = Array.from({ length: 80 }, (_, bin) => binEnergy(samples, bin));
        const best = bins.indexOf(Math.max(...bins));
        const around = [best - 1, best, best + 1].reduce((sum, bin) => sum + (bins[bin] ?? 0), 0);
        if (Math.sqrt(energy / 160) > 200 && 2 * around > 0.75 * energy) tones += 1;
      }
      assert.ok(tones >= 4, `${String(tones)} packets`);
      const heard = Uint8Array.from([...new Uint8Array(800).fill(SILENCE[law]), ...audio, ...speech(1)]);
      for (const start of [0, 40, 80, 120]) assert.equal(beepsIn(law, heard, start), 1);
    });

    it(`${law}: speech-like noise and the shipped prompts are no beep`, () => {
      assert.equal(beepsIn(law, speech(20)), 0);
      for (const name of PROMPT_NAMES) {
        const { samples } = readWav(
          readFileSync(new URL(`../../../config/prompts/en-US/${name}.wav`, import.meta.url)),
        );
        for (const start of [0, 80]) assert.equal(beepsIn(law, encode(law, samples), start), 0, name);
      }
    });
  }

  it('short packets and silence are no tone', () => {
    const detector = new SteadyToneDetector();
    for (let k = 0; k < 20; k += 1) assert.equal(detector.feed('PCMU', new Uint8Array(80).fill(k)), false);
    assert.equal(beepsIn('PCMU', new Uint8Array(16_000).fill(SILENCE.PCMU)), 0);
  });
});
