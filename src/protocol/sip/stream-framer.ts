import { LIMITS } from '../../base/limits.js';
import { COLON, CR, HTAB, LF, SPACE, endOfToken, excerpt, isTokenCode, trimBlanks } from './characters.js';
import { CONTENT_LENGTH, headerNumberAt } from './header-names.js';
import { looksLikeStartLine } from './start-line.js';
import { TextCollector } from './text-collector.js';
import { endOfWholeMessage } from './whole-message.js';

/** What a stream of SIP is made of. */
export type FramedItem =
  /** One whole message. */
  | { readonly kind: 'message'; readonly wire: string }
  /** CRLFCRLF between messages: answer CRLF (RFC 5626 §4.4.1). */
  | { readonly kind: 'keep-alive-ping' }
  /** Nobody knows where the next message begins: the stream is dead. `wire` is what there is, to answer from. */
  | {
      readonly kind: 'fault';
      readonly code: 'malformed-message' | 'message-too-large';
      readonly detail: string;
      readonly wire: string;
    };

/** First letters of `Content-Length` and `l`: most lines need no closer look. */
const SMALL_C = 99;
const SMALL_L = 108;

type FaultCode = 'malformed-message' | 'message-too-large';

/**
 * Cuts a stream into messages (RFC 3261 §18.3). Gives the same items however the bytes are split into chunks, and looks
 * at every byte once, also when they come one by one; at those where a message begins that does not come whole, twice
 * (endOfWholeMessage()).
 *
 * ```text
 *            token byte             empty line, Content-Length > 0
 *   +---------+ -----> +------+ -------------------------------> +------+
 *   | between |        | head |                                  | body |
 *   +---------+ <----- +------+                                  +------+
 *     ^  |  message: empty line, no body                            |
 *     |  +--- CRLF skipped, CRLFCRLF: ping                          |
 *     +-------------------------------------------------------------+
 *                  message: as many bytes as Content-Length says
 *   any state -- broken framing, or a limit of base/limits.ts --> dead
 * ```
 */
export class StreamFramer {
  #state: 'between' | 'head' | 'body' | 'dead' = 'between';
  /** The unfinished message as far as it came in earlier chunks. */
  readonly #held = new TextCollector();
  /** The unfinished line as far as it came in earlier chunks. */
  readonly #heldLine = new TextCollector();
  /** Offset in the chunk at hand at which the message, or the rest of it, begins. */
  #start = 0;
  #afterCr = false;
  #emptyLines = 0;
  #headBytes = 0;
  #lines = 0;
  /** The values of all Content-Length headers, folds included. */
  #lengths: string[] = [];
  #isInLength = false;
  #missingBodyBytes = 0;

  /** True while a message, or a line end, has begun and not ended: a peer that stalls now holds memory. */
  get hasUnfinished(): boolean {
    return this.#state === 'head' || this.#state === 'body' || this.#afterCr;
  }

  /**
   * Takes the next bytes.
   *
   * @param chunk - latin1: one character is one byte
   * @returns the items that these bytes complete; nothing ever again after a fault
   */
  push(chunk: string): readonly FramedItem[] {
    const items: FramedItem[] = [];
    let position = 0;
    this.#start = 0;
    while (position < chunk.length && this.#state !== 'dead') {
      if (this.#state === 'head') position = this.#readHead(chunk, position, items);
      else if (this.#state === 'body') position = this.#readBody(chunk, position, items);
      else position = this.#readBetween(chunk, position, items);
    }
    if (this.#state === 'head' || this.#state === 'body') this.#held.add(chunk.slice(this.#start));
    return items;
  }

  #readBetween(chunk: string, position: number, items: FramedItem[]): number {
    const code = chunk.charCodeAt(position);
    if (this.#afterCr ? code === LF : code === CR) {
      if (this.#afterCr) this.#onEmptyLine(items);
      this.#afterCr = !this.#afterCr;
      return position + 1;
    }
    this.#start = position;
    if (this.#afterCr || !isTokenCode(code)) {
      return this.#die(items, 'malformed-message', 'no SIP message begins here', chunk.charAt(position));
    }
    this.#emptyLines = 0;
    const end = endOfWholeMessage(chunk, position);
    if (end >= 0) {
      items.push({ kind: 'message', wire: chunk.slice(position, end) });
      return end;
    }
    this.#state = 'head';
    this.#headBytes = 0;
    this.#lines = 0;
    this.#lengths = [];
    this.#isInLength = false;
    return position;
  }

  #onEmptyLine(items: FramedItem[]): void {
    this.#emptyLines += 1;
    if (this.#emptyLines < 2) return;
    this.#emptyLines = 0;
    items.push({ kind: 'keep-alive-ping' });
  }

  /** Reads one line, or what the chunk has of it. */
  #readHead(chunk: string, position: number, items: FramedItem[]): number {
    const lineFeed = chunk.indexOf('\n', position);
    const end = lineFeed < 0 ? chunk.length : lineFeed + 1;
    this.#headBytes += end - position;
    if (this.#headBytes > LIMITS.sipHeaderBytes) {
      const wire = this.#held.takeWith(chunk.slice(this.#start, end)).slice(0, LIMITS.sipHeaderBytes);
      return this.#die(items, 'message-too-large', `the headers exceed ${String(LIMITS.sipHeaderBytes)} bytes`, wire);
    }
    if (lineFeed < 0) {
      this.#heldLine.add(chunk.slice(position));
      return end;
    }
    const fault = this.#heldLine.isEmpty
      ? this.#onLine(chunk, position, end)
      : this.#onHeldLine(this.#heldLine.takeWith(chunk.slice(position, end)));
    if (fault !== undefined) {
      const code = this.#lines > LIMITS.sipHeaderCount + 1 ? 'message-too-large' : 'malformed-message';
      return this.#die(items, code, fault, this.#held.takeWith(chunk.slice(this.#start, end)));
    }
    if (this.#lines === 0) this.#onHeadEnd(chunk, end, items);
    return end;
  }

  #onHeldLine(line: string): string | undefined {
    return this.#onLine(line, 0, line.length);
  }

  /**
   * Takes note of a whole line, which stands in `text` from `start` to `end`; sets the count of lines to 0 at the empty
   * one.
   *
   * @returns what is wrong with it
   */
  #onLine(text: string, start: number, end: number): string | undefined {
    if (text.charCodeAt(end - 2) !== CR) return 'a line ends in a line feed without carriage return';
    if (end - start === 2) {
      this.#lines = 0;
      return undefined;
    }
    this.#lines += 1;
    if (this.#lines === 1) {
      const isStartLine = looksLikeStartLine(text, start, end - 2);
      return isStartLine ? undefined : `${excerpt(text.slice(start, end - 2))} is no start line of SIP`;
    }
    if (this.#lines > LIMITS.sipHeaderCount + 1) return `there are more than ${String(LIMITS.sipHeaderCount)} headers`;
    this.#noteContentLength(text, start, end);
    return undefined;
  }

  #noteContentLength(text: string, start: number, end: number): void {
    const first = text.charCodeAt(start);
    if (first === SPACE || first === HTAB) {
      if (this.#isInLength) this.#lengths.push(`${this.#lengths.pop() ?? ''}${text.slice(start, end)}`);
      return;
    }
    this.#isInLength = false;
    if ((first | 32) !== SMALL_C && (first | 32) !== SMALL_L) return;
    const nameEnd = endOfToken(text, start);
    this.#isInLength = headerNumberAt(text, start, nameEnd) === CONTENT_LENGTH;
    if (!this.#isInLength) return;
    const value = trimBlanks(text.slice(nameEnd, end));
    // Without its colon the line is no header, and must be no length either: what stands in its place is no number.
    this.#lengths.push(value.charCodeAt(0) === COLON ? value.slice(1) : 'without colon');
  }

  #onHeadEnd(chunk: string, end: number, items: FramedItem[]): void {
    const lengths = this.#lengths.map(trimBlanks);
    const length = lengths[0] ?? '0';
    const fault = lengthFault(length, lengths);
    if (fault !== undefined) {
      this.#die(items, fault.code, fault.detail, this.#held.takeWith(chunk.slice(this.#start, end)));
      return;
    }
    this.#missingBodyBytes = Number(length);
    if (this.#missingBodyBytes === 0) this.#finish(chunk, end, items);
    else this.#state = 'body';
  }

  #readBody(chunk: string, position: number, items: FramedItem[]): number {
    const end = Math.min(chunk.length, position + this.#missingBodyBytes);
    this.#missingBodyBytes -= end - position;
    if (this.#missingBodyBytes === 0) this.#finish(chunk, end, items);
    return end;
  }

  #finish(chunk: string, end: number, items: FramedItem[]): void {
    items.push({ kind: 'message', wire: this.#held.takeWith(chunk.slice(this.#start, end)) });
    this.#state = 'between';
  }

  #die(items: FramedItem[], code: FaultCode, detail: string, wire: string): number {
    items.push({ kind: 'fault', code, detail, wire });
    this.#state = 'dead';
    this.#heldLine.takeWith('');
    this.#afterCr = false;
    return 0;
  }
}

/** RFC 3261 §20.14; RFC 4475 §3.1.2.3 and §3.3.9: what is no one number says nothing about where the message ends. */
function lengthFault(
  length: string,
  lengths: readonly string[],
): { readonly code: FaultCode; readonly detail: string } | undefined {
  if (!/^\d+$/.test(length)) return { code: 'malformed-message', detail: `Content-Length is ${excerpt(length)}` };
  if (lengths.some((other) => other !== length)) {
    return { code: 'malformed-message', detail: 'two Content-Length headers differ' };
  }
  if (Number(length) <= LIMITS.sipBodyBytes) return undefined;
  return { code: 'message-too-large', detail: `the body exceeds ${String(LIMITS.sipBodyBytes)} bytes` };
}
