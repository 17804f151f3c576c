import { COLON, HTAB, LF, SPACE, endOfToken, lowerCase, sliceTrimmed } from './characters.js';
import { UNKNOWN_HEADER, headerNumber, headerNumberAt } from './header-names.js';

/**
 * Where the headers of a message stand, found in one pass that reads names and line ends and nothing else:
 *
 * ```text
 *   Call-ID : abc@host CRLF        line   offset of the name
 *   ^        ^        ^            value  offset behind the colon
 *   line     value    end          end    offset of the CRLF behind the last folded line
 * ```
 */
export class HeaderIndex {
  /** Offset of the body; the end of the text when the header block has no end. */
  readonly bodyStart: number;
  /** The first line that is no header; undefined when there is none. */
  readonly badLine: string | undefined;
  readonly #wire: string;
  readonly #start: number;
  /** Four numbers a header: number of its name, line, value, end. Plain small integers: cheaper made than typed arrays. */
  readonly #entries: readonly number[];

  /** @param start - offset of the first header line. A last line without CRLF is left out: nobody knows what it would say. */
  constructor(wire: string, start: number) {
    const entries: number[] = [];
    let badLine: string | undefined;
    let line = start;
    let end = endOfLogicalLine(wire, line);
    while (end > line) {
      const nameEnd = endOfToken(wire, line);
      const colon = skipInlineBlanks(wire, nameEnd);
      // Neither passes a line end: a colon found here is the line's own.
      if (nameEnd === line || wire.charCodeAt(colon) !== COLON) badLine ??= wire.slice(line, end);
      else entries.push(headerNumberAt(wire, line, nameEnd), line, colon + 1, end);
      line = end + 2;
      end = endOfLogicalLine(wire, line);
    }
    this.bodyStart = end < 0 ? wire.length : end + 2;
    this.badLine = badLine;
    this.#wire = wire;
    this.#start = start;
    this.#entries = entries;
  }

  /** How many lines the header has. `name` is the long form in lower case, here and below. */
  count(name: string): number {
    let count = 0;
    for (let entry = this.first(name); entry >= 0; entry = this.following(entry)) count += 1;
    return count;
  }

  /** The first entry of the header; -1 when there is none. */
  first(name: string): number {
    return this.#find(headerNumber(name), name, 0);
  }

  /** The next entry of the header that `entry` is one of; -1 when it is the last. */
  following(entry: number): number {
    const number = this.#entries[entry] ?? UNKNOWN_HEADER;
    return this.#find(number, number === UNKNOWN_HEADER ? this.#nameOf(entry) : '', entry + 4);
  }

  /** The line as received, without its CRLF. */
  rawLine(entry: number): string {
    return this.#wire.slice(this.#entries[entry + 1], this.#entries[entry + 3]);
  }

  /** What stands behind the colon, as received, without the white space around it. */
  rawValue(entry: number): string {
    return sliceTrimmed(this.#wire, this.#entries[entry + 2] ?? 0, this.#entries[entry + 3] ?? 0);
  }

  /** True when a CR or LF among the headers is not half of a CRLF. */
  hasLoneLineEnd(): boolean {
    const wire = this.#wire;
    let lineFeed = wire.indexOf('\n', this.#start);
    let carriageReturn = wire.indexOf('\r', this.#start);
    while (lineFeed === carriageReturn + 1 && lineFeed > 0 && lineFeed < this.bodyStart) {
      carriageReturn = wire.indexOf('\r', lineFeed);
      lineFeed = wire.indexOf('\n', lineFeed + 1);
    }
    return isWithin(carriageReturn, this.bodyStart) || isWithin(lineFeed, this.bodyStart);
  }

  /** Entries are 4 apart; `name` only counts for a header without a number. */
  #find(number: number, name: string, from: number): number {
    const entries = this.#entries;
    for (let entry = from; entry < entries.length; entry += 4) {
      if (entries[entry] !== number) continue;
      if (number !== UNKNOWN_HEADER || this.#nameOf(entry) === name) return entry;
    }
    return -1;
  }

  #nameOf(entry: number): string {
    const start = this.#entries[entry + 1] ?? 0;
    return lowerCase(this.#wire.slice(start, endOfToken(this.#wire, start)));
  }
}

/** The offset of the CRLF that ends the header line at `start` and the lines folded into it; -1 when none does. */
function endOfLogicalLine(wire: string, start: number): number {
  let end = endOfLine(wire, start);
  while (end > start && end + 2 < wire.length && isInlineBlank(wire.charCodeAt(end + 2))) {
    end = endOfLine(wire, end + 2);
  }
  return end;
}

/** The offset of the next CRLF. Searches for the CR alone: engines are quicker at one byte than at two. */
function endOfLine(wire: string, from: number): number {
  let end = wire.indexOf('\r', from);
  while (end >= 0 && wire.charCodeAt(end + 1) !== LF) end = wire.indexOf('\r', end + 1);
  return end;
}

function isWithin(offset: number, end: number): boolean {
  return offset >= 0 && offset < end;
}

function skipInlineBlanks(wire: string, from: number): number {
  let position = from;
  while (isInlineBlank(wire.charCodeAt(position))) position += 1;
  return position;
}

function isInlineBlank(code: number): boolean {
  return code === SPACE || code === HTAB;
}
