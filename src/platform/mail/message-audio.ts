import { readFile } from 'node:fs/promises';
import type { Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { AudioCodec } from '../../directory/objects.js';
import { Mp3Encoder } from './mp3-encoder.js';

/** A message goes to a few recipients at about the same time; more is kept for none. Twenty minutes are 2.4 MB of MP3. */
const KEPT_ENCODINGS = 8;

/** The audio of messages as mail carries it. MP3 is encoded once for all recipients that are served at about the same time. */
export class MessageAudio {
  readonly #encoder: Mp3Encoder;
  /** By path; the one used last is last. */
  readonly #kept = new Map<string, Promise<Uint8Array>>();

  constructor(timers: Timers) {
    this.#encoder = new Mp3Encoder(timers);
  }

  /**
   * The bytes to attach: the WAV as it lies in the store, or an MP3 made of it.
   *
   * @param path - absolute path of the message's WAV file
   * @throws UmError `audio-unusable` when the file is missing or broken
   */
  async attachment(path: string, codec: AudioCodec): Promise<Uint8Array> {
    if (codec === 'Mp3') return this.#encodedOnce(path);
    try {
      return await readFile(path);
    } catch (fault) {
      throw new UmError('audio-unusable', fault instanceof Error ? fault.message : String(fault), { cause: fault });
    }
  }

  close(): Promise<void> {
    this.#kept.clear();
    return this.#encoder.close();
  }

  #encodedOnce(path: string): Promise<Uint8Array> {
    const encoding = this.#kept.get(path) ?? this.#encoder.encode(path);
    this.#kept.delete(path);
    this.#kept.set(path, encoding);
    // A file that could not be encoded is read again at the next attempt: somebody may have mended it.
    encoding.catch(() => {
      if (this.#kept.get(path) === encoding) this.#kept.delete(path);
    });
    const oldest = this.#kept.size > KEPT_ENCODINGS ? this.#kept.keys().next().value : undefined;
    if (oldest !== undefined) this.#kept.delete(oldest);
    return encoding;
  }
}
