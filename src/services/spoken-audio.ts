import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { UmError } from '../base/errors.js';
import { encodeMuLaw } from '../media/g711.js';
import { readWav } from '../media/wav.js';

const SAMPLE = fileURLToPath(new URL('../../config/prompts/en-US/test-call.wav', import.meta.url));

/**
 * What a test caller says: a WAV file as mu-law, or the sample that ships.
 *
 * @throws UmError 'file-unusable' when it cannot be read, 'audio-unusable' when it is no such WAV
 */
export function spokenAudio(file = SAMPLE): Uint8Array {
  let bytes: Uint8Array;
  try {
    if (!statSync(file).isFile()) throw new Error(`${file} is no regular file`); // a device may have no end
    bytes = readFileSync(file);
  } catch (error) {
    throw new UmError('file-unusable', error instanceof Error ? error.message : String(error), { cause: error });
  }
  return encodeMuLaw(readWav(bytes).samples);
}
