import { close, open, write } from 'node:fs';
import { promisify } from 'node:util';
import type { TimelineSink } from '../../media/recording-timeline.js';

const openFile = promisify(open);
const writeFile = promisify(write);
const closeFile = promisify(close);

/** A disk that stands still is waited for while this much audio fits in memory (two minutes), then the recording ends. */
const MOST_QUEUED_BYTES = 1_048_576;
const CHUNK_BYTES = 4_096;

interface Waiting {
  readonly position: number;
  readonly bytes: Uint8Array;
}

/**
 * The audio of a recording on its way to a file: collected for some packets, then written without waiting, one write after the
 * other, so that a slow disk delays no packet.
 */
export class RecordingFile implements TimelineSink {
  readonly #audioOffset: number;
  #chunk = new Uint8Array(CHUNK_BYTES);
  #chunkStart = 0;
  #chunkLength = 0;
  readonly #queue: Waiting[] = [];
  #queuedBytes = 0;
  #writtenEnd = 0;
  #fault: string | undefined;
  #working: Promise<void>;
  #handle = -1;

  constructor(path: string, audioOffset: number) {
    this.#audioOffset = audioOffset;
    this.#working = this.#open(path);
  }

  /** Why writing failed; nothing more is written then. */
  get fault(): string | undefined {
    return this.#fault;
  }

  /** Bytes of audio that lie in the file from its beginning. */
  get writtenEnd(): number {
    return this.#writtenEnd;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (this.#fault !== undefined) return;
    if (offset < this.#chunkStart) {
      this.#enqueue(offset, bytes.slice(0, this.#chunkStart - offset));
      if (offset + bytes.length > this.#chunkStart)
        this.write(this.#chunkStart, bytes.subarray(this.#chunkStart - offset));
      return;
    }
    const at = offset - this.#chunkStart;
    if (at + bytes.length > this.#chunk.length) {
      this.flush();
      this.#enqueue(offset, bytes.slice());
      this.#chunkStart = offset + bytes.length;
      return;
    }
    this.#chunk.set(bytes, at);
    this.#chunkLength = Math.max(this.#chunkLength, at + bytes.length);
  }

  /** Hands on what was collected. */
  flush(): void {
    if (this.#chunkLength === 0) return;
    this.#enqueue(this.#chunkStart, this.#chunk.subarray(0, this.#chunkLength));
    this.#chunkStart += this.#chunkLength;
    this.#chunkLength = 0;
    this.#chunk = new Uint8Array(CHUNK_BYTES);
  }

  /** Waits until all of it is written, or writing has failed, and closes the file. */
  async close(): Promise<void> {
    this.flush();
    while (this.#queue.length > 0) await this.#working;
    await this.#working;
    if (this.#handle < 0) return;
    try {
      await closeFile(this.#handle);
    } catch (error) {
      this.#fail(error);
    }
  }

  #enqueue(offset: number, bytes: Uint8Array): void {
    if (this.#fault !== undefined || bytes.length === 0) return;
    this.#queue.push({ position: offset, bytes });
    this.#queuedBytes += bytes.length;
    if (this.#queuedBytes > MOST_QUEUED_BYTES) this.#fail(new Error('the disk does not keep up'));
    else if (this.#queue.length === 1) this.#working = this.#working.then(() => this.#work());
  }

  async #open(path: string): Promise<void> {
    try {
      this.#handle = await openFile(path, 'r+');
    } catch (error) {
      this.#fail(error);
    }
  }

  async #work(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined && this.#fault === undefined; next = this.#queue[0]) {
      try {
        await this.#writeWhole(next);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#queue.shift();
      this.#queuedBytes -= next.bytes.length;
    }
  }

  async #writeWhole({ position, bytes }: Waiting): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const at = this.#audioOffset + position + done;
      const { bytesWritten } = await writeFile(this.#handle, bytes, done, bytes.length - done, at);
      done += bytesWritten;
      if (position <= this.#writtenEnd) this.#writtenEnd = Math.max(this.#writtenEnd, position + done);
    }
  }

  #fail(error: unknown): void {
    this.#fault ??= error instanceof Error ? error.message : String(error);
    this.#queue.length = 0;
    this.#queuedBytes = 0;
  }
}
