import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UmError } from '../base/errors.js';
import { encodeMuLaw } from '../media/g711.js';
import { readWav } from '../media/wav.js';

const SAMPLE = fileURLToPath(new URL('../../config/prompts/en-US/test-call.wav', import.meta.url));

/**
 * What a test caller says: a WAV file as mu-law, or the sample that ships.
 *
 * @throws UmError 'audio-unusable' when it cannot be read or is no such WAV
 */
export function spokenAudio(file = SAMPLE): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UmError('audio-unusable', error instanceof Error ? error.message : String(error), { cause: error });
  }
  return encodeMuLaw(readWav(bytes).samples);
}
