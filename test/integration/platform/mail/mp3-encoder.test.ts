import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { MessageAudio } from '../../../../src/platform/mail/message-audio.js';
import { Mp3Encoder } from '../../../../src/platform/mail/mp3-encoder.js';
import { mp3Facts } from '../../../support/mp3-frames.js';
import { muLawWav } from '../../../support/sample-wav.js';
import { VirtualTime } from '../../../support/virtual-time.js';

let folder = '';
let encoder: Mp3Encoder;
let time: VirtualTime;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openum-mp3-'));
  time = new VirtualTime();
  encoder = new Mp3Encoder(time);
});
afterEach(async () => {
  await encoder.close();
  rmSync(folder, { recursive: true, force: true });
});

function wavFile(name: string, seconds: number): string {
  const path = join(folder, name);
  writeFileSync(path, muLawWav(seconds));
  return path;
}

test('a message -> MP3 of 16 kbit/s, 8 kHz, mono, as long as the recording', async () => {
  const facts = mp3Facts(await encoder.encode(wavFile('a.wav', 30)));
  assert.deepEqual([facts.rate, facts.bitRate, facts.channels], [8_000, 16_000, 1]);
  assert.ok(Math.abs(facts.seconds - 30) < 0.3, `${String(facts.seconds)} s`);
});

test('several at once -> one after another, each its own', async () => {
  const lengths = await Promise.all(
    [1, 2, 3].map(
      async (seconds) => mp3Facts(await encoder.encode(wavFile(`${String(seconds)}.wav`, seconds))).seconds,
    ),
  );
  for (const [k, seconds] of lengths.entries()) assert.ok(Math.abs(seconds - (k + 1)) < 0.3);
});

test('a broken file -> its reason, and the next file is encoded', async () => {
  const path = join(folder, 'broken.wav');
  writeFileSync(path, 'no audio');
  await assert.rejects(encoder.encode(path), { code: 'audio-unusable' });
  await assert.rejects(encoder.encode(join(folder, 'absent.wav')), { code: 'audio-unusable', message: /ENOENT/ });
  assert.ok((await encoder.encode(wavFile('a.wav', 1))).length > 1_000);
});

test(
  'the encoding thread gives way: its niceness is raised, the process keeps its own',
  { skip: process.platform !== 'linux' },
  async () => {
    const before = niceOf('/proc/self/stat');
    await encoder.encode(wavFile('a.wav', 1));
    const nices = readdirSync('/proc/self/task').map((thread) => niceOf(`/proc/self/task/${thread}/stat`));
    assert.ok(nices.includes(19), `nice values ${nices.join(' ')}`);
    assert.equal(niceOf('/proc/self/stat'), before);
  },
);

test('a thread that takes too long -> given up; the next file gets a new one', async () => {
  const path = wavFile('long.wav', 60);
  const attempt = encoder.encode(path);
  attempt.catch(() => undefined);
  await time.pass(300_000);
  await assert.rejects(attempt, /not encoded within 5 minutes/);
  assert.ok((await encoder.encode(wavFile('a.wav', 1))).length > 1_000);
});

test('closed -> what is being encoded fails at once', async () => {
  const attempt = encoder.encode(wavFile('long.wav', 60));
  const waiting = encoder.encode(wavFile('a.wav', 1));
  await Promise.all([
    assert.rejects(attempt, { code: 'audio-unusable' }),
    assert.rejects(waiting, { code: 'audio-unusable' }),
    time.pass(0).then(() => encoder.close()),
  ]);
});

test('the audio of a message for several recipients -> encoded once; a WAV is given as it is', async () => {
  const audio = new MessageAudio(time);
  try {
    const path = wavFile('a.wav', 1);
    const [first, second] = await Promise.all([audio.attachment(path, 'Mp3'), audio.attachment(path, 'Mp3')]);
    assert.equal(first, second);
    assert.deepEqual(await audio.attachment(path, 'G711'), readFileSync(path));
    for (let k = 0; k < 8; k += 1) await audio.attachment(wavFile(`other-${String(k)}.wav`, 1), 'Mp3');
    assert.notEqual(await audio.attachment(path, 'Mp3'), first, 'what has not been used for long is not kept');
  } finally {
    await audio.close();
  }
});

function niceOf(statPath: string): number {
  const afterName = readFileSync(statPath, 'latin1').replace(/^.*\) /, '');
  return Number(afterName.split(' ')[16]);
}
