import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '../../../src/media/g711.js';
import { levelDbm0 } from '../../../src/media/level.js';
import { KEPT_TAIL_MS, SpeechWatch } from '../../../src/media/speech-watch.js';

describe('level and silence', () => {
  it('the digital milliwatt of G.711 is 0 dBm0, in both laws', () => {
    const mu = Uint8Array.of(0x1e, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e);
    const a = Uint8Array.of(0x34, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4);
    assert.ok(Math.abs(levelDbm0('PCMU', mu, 0, 8)) < 0.05);
    assert.ok(Math.abs(levelDbm0('PCMA', a, 0, 8)) < 0.05);
  });

  it('half the amplitude is 6 dB less; digital silence has no level, the quietest A-law code is below -55', () => {
    const tone = (peak: number) => Int16Array.from({ length: 160 }, (_, k) => peak * Math.sin((Math.PI * k) / 4));
    const [loud, soft] = [8_000, 4_000].map((peak) => levelDbm0('PCMU', encode('PCMU', tone(peak)), 0, 160));
    assert.ok(Math.abs((loud ?? 0) - (soft ?? 0) - 6.02) < 0.3);
    assert.equal(levelDbm0('PCMU', new Uint8Array(160).fill(0xff), 0, 160), Number.NEGATIVE_INFINITY);
    assert.ok(levelDbm0('PCMA', new Uint8Array(160).fill(0xd5), 0, 160) < -55);
    assert.equal(levelDbm0('PCMU', new Uint8Array(0), 0, 0), Number.NEGATIVE_INFINITY);
  });

  it('silence counts from the last frame of speech; the cut keeps the tail of the last word', () => {
    const watch = new SpeechWatch();
    watch.feed(16_000, 160, -70);
    watch.feed(16_160, 160, -20);
    watch.feed(16_320, 160, -60);
    assert.equal(watch.silentMs(16_320 + 8_000), 1_000);
    assert.equal(watch.withoutTail(16_320 + 8_000), 16_320 + KEPT_TAIL_MS * 8);
    assert.equal(watch.withoutTail(16_400), 16_400);
    assert.equal(watch.loudestDbm0, -20);
  });

  it('a voice too faint to keep the line open is not cut: only frames below -55 dBm0 may make a message vanish', () => {
    const watch = new SpeechWatch();
    for (let k = 0; k < 250; k += 1) watch.feed(160 * k, 160, -52);
    assert.equal(watch.silentMs(40_000), 5_000);
    assert.equal(watch.withoutTail(40_000), 40_000);
  });
});
