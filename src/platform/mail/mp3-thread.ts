import { readFile } from 'node:fs/promises';
import { constants, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { createMp3Encoder } from 'wasm-media-encoders';
import { UmError } from '../../base/errors.js';
import { readWav } from '../../media/wav.js';
import type { Mp3Answer, Mp3Order } from './mp3-encoder.js';

/** Exchange's default for calls in G.711: 16 kbit/s, mono, at the telephone's rate. */
const MP3 = { sampleRate: 8_000, channels: 1, bitrate: 16, outputSampleRate: 8_000 } as const;

/** Ten seconds at a time: the encoder's own memory stays small, however long the message is. */
const SAMPLES_AT_ONCE = 80_000;

async function encode(path: string): Promise<Uint8Array<ArrayBuffer>> {
  const { samples } = readWav(await readFile(path));
  const encoder = await createMp3Encoder();
  encoder.configure(MP3);
  const parts: Uint8Array[] = [];
  for (let start = 0; start < samples.length; start += SAMPLES_AT_ONCE) {
    const linear = Float32Array.from(samples.subarray(start, start + SAMPLES_AT_ONCE), (sample) => sample / 32_768);
    // What it returns is its own memory, to be copied before the next call.
    parts.push(Uint8Array.from(encoder.encode([linear])));
  }
  parts.push(Uint8Array.from(encoder.finalize()));
  return Uint8Array.from(Buffer.concat(parts));
}

async function answer(order: Mp3Order): Promise<Mp3Answer> {
  try {
    return { kind: 'encoded', mp3: await encode(order.path) };
  } catch (fault) {
    const found = fault instanceof UmError ? fault.detail : fault instanceof Error ? fault.message : String(fault);
    return { kind: 'failed', detail: found };
  }
}

const port = parentPort;
if (port) {
  try {
    // Linux knows a priority for each thread, and 0 is the calling one: only this thread gives way to the calls.
    setPriority(0, constants.priority.PRIORITY_LOW);
  } catch {
    // Not permitted, or another system: then it competes with the calls for the little that it needs.
  }
  port.on('message', (order: Mp3Order) => {
    void answer(order).then((result) => {
      port.postMessage(result, result.kind === 'encoded' ? [result.mp3.buffer] : []);
    });
  });
}
