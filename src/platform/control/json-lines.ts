import { UmError } from '../../base/errors.js';

const LINE_FEED = 0x0a;

/** Cuts a stream of bytes into lines, however it is split. */
export class JsonLines {
  readonly #mostBytes: number;
  #chunks: Buffer[] = [];
  #waitingBytes = 0;

  /** @param mostBytes - length above which a line is refused */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /**
   * The lines that are whole now, without their ends.
   *
   * @throws UmError 'request-invalid' when a line is too long; nothing more can be read then
   */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      this.#keep(chunk.subarray(from, end));
      lines.push(Buffer.concat(this.#chunks).toString('utf8'));
      this.#chunks = [];
      this.#waitingBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
    return lines;
  }

  #keep(part: Buffer): void {
    this.#waitingBytes += part.length;
    if (this.#waitingBytes > this.#mostBytes) {
      this.#chunks = [];
      throw new UmError('request-invalid', `a line is longer than ${String(this.#mostBytes)} bytes`);
    }
    this.#chunks.push(part);
  }
}
