import { constants, fstatSync, openSync, writeSync } from 'node:fs';
import { LIMITS } from '../base/limits.js';
import { hasCode } from './os-error.js';

/** While the reader stalls, what waits is tried again this often. */
const RETRY_MS = 100;

/** When the process ends it is tried so often, so far apart: whoever reads nothing for half a second may miss the last words. */
const LAST_TRIES = 50;
const LAST_RETRY_MS = 10;

/** What a log is written to. */
export interface LogOutput {
  write(line: string): void;
  /** Writes what waits, at once; called before the process ends. */
  flush(): void;
}

/**
 * A pipe or terminal whose reader may stall. Every write either happens at once or not at all: a write that waits in the kernel
 * would hold up calls on the main thread, and on another one the end of the process with its ports and locks.
 */
export class LogPipe implements LogOutput {
  readonly #descriptor: number;
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #retry: NodeJS.Timeout | undefined;

  /** @param descriptor - open for writing without waiting (O_NONBLOCK) */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** On an inherited description that is shared with other programs, which stays as it is; undefined when it is no pipe. */
  static on(descriptor: number): LogPipe | undefined {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK;
    try {
      const kind = fstatSync(descriptor);
      const isPipe = kind.isFIFO() || kind.isCharacterDevice();
      return isPipe ? new LogPipe(openSync(`/proc/self/fd/${String(descriptor)}`, flags)) : undefined;
    } catch {
      return undefined; // another user's, or no such file system
    }
  }

  /** Lines beyond `LIMITS.logWaitingBytes` are dropped. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > LIMITS.logWaitingBytes) return;
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#retry === undefined) this.#writeOn();
  }

  flush(): void {
    for (let tries = 0; tries < LAST_TRIES; tries += 1) {
      const before = this.#waitingBytes;
      this.#writeOn();
      if (this.#waiting.length === 0) return;
      if (this.#waitingBytes < before) tries = 0;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_RETRY_MS);
    }
  }

  #writeOn(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const written = this.#attempt(next);
      this.#waitingBytes -= written;
      if (written < next.length) {
        this.#waiting[0] = next.subarray(written);
        this.#retryLater();
        return;
      }
      this.#waiting.shift();
    }
  }

  /** Bytes that are written; all of them, as far as anybody cares, when the reader is gone. */
  #attempt(bytes: Buffer): number {
    try {
      return writeSync(this.#descriptor, bytes);
    } catch (error) {
      return hasCode(error, 'EAGAIN') ? 0 : bytes.length;
    }
  }

  #retryLater(): void {
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#writeOn();
    }, RETRY_MS).unref();
  }
}
