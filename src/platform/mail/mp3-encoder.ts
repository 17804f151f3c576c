import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';

/** What the thread is asked for: the absolute path of a WAV file. */
export interface Mp3Order {
  readonly path: string;
}

/** What it answers. */
export type Mp3Answer =
  | { readonly kind: 'encoded'; readonly mp3: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'failed'; readonly detail: string };

/**
 * A file is given up after this. The longest message takes 3 s of CPU, and the thread gets little while calls need it; a
 * thread that hangs must not end all mail.
 */
const ENCODE_MS = 300_000;

/** The thread is the compiled file next to this one, or its source when that is what runs. */
const threadFile = new URL(`./mp3-thread${extname(import.meta.url)}`, import.meta.url);

/** Encodes WAV files as MP3, one at a time, in a thread of its own that has a low priority and starts when first needed. */
export class Mp3Encoder {
  readonly #timers: Timers;
  #thread: Worker | undefined;
  /** Takes the answer to the one order that the thread works on. */
  #waiting: ((answer: Mp3Answer) => void) | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * The audio of a WAV file (PCMU, PCMA or PCM, 8 kHz, mono) as MP3.
   *
   * @throws UmError `audio-unusable`, detail: what was found in the file, or what became of the thread
   */
  encode(path: string): Promise<Uint8Array> {
    const result = this.#last.then(() => this.#encodeNow(path));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Ends the thread, and with it what it is encoding. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#thread?.terminate();
  }

  async #encodeNow(path: string): Promise<Uint8Array> {
    if (this.#closed) throw new UmError('audio-unusable', 'the encoder was closed');
    const answer = await this.#ask({ path });
    if (answer.kind === 'failed') throw new UmError('audio-unusable', `${path}: ${answer.detail}`);
    return answer.mp3;
  }

  #ask(order: Mp3Order): Promise<Mp3Answer> {
    const thread = (this.#thread ??= this.#begin());
    return new Promise((resolve) => {
      const deadline = this.#timers.start(ENCODE_MS, () => {
        this.#lose(thread, `it was not encoded within ${String(ENCODE_MS / 60_000)} minutes`);
      });
      this.#waiting = (answer) => {
        deadline.stop();
        this.#waiting = undefined;
        resolve(answer);
      };
      thread.postMessage(order);
    });
  }

  #begin(): Worker {
    const thread = new Worker(threadFile);
    thread.on('message', (answer: Mp3Answer) => this.#waiting?.(answer));
    thread.on('error', (fault: Error) => {
      this.#lose(thread, `the encoder failed: ${fault.message}`);
    });
    thread.on('exit', () => {
      this.#lose(thread, 'the encoder ended');
    });
    return thread;
  }

  /** Gives up a thread; the next order gets a new one. */
  #lose(thread: Worker, detail: string): void {
    if (this.#thread !== thread) return;
    this.#thread = undefined;
    void thread.terminate();
    this.#waiting?.({ kind: 'failed', detail });
  }
}
