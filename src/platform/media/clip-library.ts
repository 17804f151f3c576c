import { readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import { beepTone } from '../../media/beep-tone.js';
import { encodeALaw, encodeMuLaw, TO_OTHER_LAW } from '../../media/g711.js';
import type { EncodedClip } from '../../media/playout.js';
import { readWav } from '../../media/wav.js';
import { type Clip, PROMPT_NAMES, type PromptName } from '../../prompts/clip.js';

/** Everything that can be said, encoded for both laws. */
export class ClipLibrary {
  readonly #prompts: ReadonlyMap<PromptName, EncodedClip>;
  readonly #beep = encodeBoth(beepTone());

  private constructor(prompts: ReadonlyMap<PromptName, EncodedClip>) {
    this.#prompts = prompts;
  }

  /**
   * Reads all shipped prompts.
   *
   * @throws UmError 'audio-unusable' naming every one that is missing or broken
   */
  static load(directory: string): ClipLibrary {
    const prompts = new Map<PromptName, EncodedClip>();
    const faults: string[] = [];
    for (const name of PROMPT_NAMES) {
      const path = join(directory, `${name}.wav`);
      try {
        prompts.set(name, encodeBoth(readWav(readFileSync(path)).samples));
      } catch (error) {
        faults.push(`${path}: ${words(error)}`);
      }
    }
    if (faults.length > 0) throw new UmError('audio-unusable', faults.join('\n'));
    return new ClipLibrary(prompts);
  }

  /**
   * The audio of a clip; that of an owner's file is read now, so that a new greeting is heard with the next call.
   *
   * @throws UmError 'audio-unusable' for a file that cannot be read, is too long or no such WAV
   */
  async find(clip: Clip): Promise<EncodedClip> {
    switch (clip.kind) {
      case 'beep':
        return this.#beep;
      case 'prompt':
        return this.prompt(clip.name);
      case 'audio':
        return { PCMU: clip.muLaw, PCMA: clip.muLaw.map((code) => TO_OTHER_LAW.PCMU[code] ?? 0) };
      case 'file':
        return encodeBoth(readWav(await readBounded(clip.path)).samples);
    }
  }

  prompt(name: PromptName): EncodedClip {
    const clip = this.#prompts.get(name);
    if (clip === undefined) throw new UmError('audio-unusable', `there is no prompt ${name}`);
    return clip;
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > LIMITS.greetingBytes)
        throw new UmError('audio-unusable', `it has ${String(size)} bytes, more than ${String(LIMITS.greetingBytes)}`);
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UmError) throw error;
    throw new UmError('audio-unusable', words(error), { cause: error });
  }
}

function encodeBoth(samples: Int16Array): EncodedClip {
  return { PCMU: encodeMuLaw(samples), PCMA: encodeALaw(samples) };
}

function words(error: unknown): string {
  if (error instanceof UmError) return error.detail;
  return error instanceof Error ? error.message : String(error);
}
