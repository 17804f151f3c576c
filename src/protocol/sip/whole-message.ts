import { LIMITS } from '../../base/limits.js';
import { COLON, CR, HTAB, SPACE, endOfDigits, endOfToken, skipBlanks } from './characters.js';
import { CONTENT_LENGTH, headerNumberAt } from './header-names.js';
import { looksLikeStartLine } from './start-line.js';

/** First letters of `Content-Length` and `l`: most lines need no closer look. */
const SMALL_C = 99;
const SMALL_L = 108;

/** Longer numbers are for the careful way; LIMITS.sipBodyBytes has fewer digits. */
const MOST_LENGTH_DIGITS = 9;

/**
 * The quick way to cut a message out of a stream: the offset behind the message that begins at `start`.
 *
 * @returns -1 when the text ends before the message does, and for everything that is unusual or wrong in its framing: folds,
 *   two lengths, limits, lone line feeds. That is for StreamFramer's careful way, which comes to the same ends
 */
export function endOfWholeMessage(text: string, start: number): number {
  let bodyBytes = -1;
  let line = start;
  for (let lines = 0; lines <= LIMITS.sipHeaderCount + 1; lines += 1) {
    const lineFeed = text.indexOf('\n', line);
    if (lineFeed < 0 || text.charCodeAt(lineFeed - 1) !== CR) return -1;
    if (lineFeed === line + 1) return endOfBody(text, start, lineFeed + 1, bodyBytes);
    if (lines === 0 && !looksLikeStartLine(text, start, lineFeed - 1)) return -1;
    if (isInlineBlank(text.charCodeAt(line))) return -1;
    if (isContentLength(text, line)) {
      if (bodyBytes >= 0) return -1;
      bodyBytes = lengthIn(text, line, lineFeed - 1);
      if (bodyBytes < 0) return -1;
    }
    line = lineFeed + 1;
  }
  return -1;
}

function endOfBody(text: string, start: number, bodyStart: number, bodyBytes: number): number {
  const end = bodyStart + Math.max(0, bodyBytes);
  const isWithinLimits = bodyStart - start <= LIMITS.sipHeaderBytes && bodyBytes <= LIMITS.sipBodyBytes;
  return isWithinLimits && end <= text.length ? end : -1;
}

function isContentLength(text: string, line: number): boolean {
  const first = text.charCodeAt(line) | 32;
  return (
    (first === SMALL_C || first === SMALL_L) && headerNumberAt(text, line, endOfToken(text, line)) === CONTENT_LENGTH
  );
}

/** The number in the Content-Length header from `line` to `end`; -1 when it is none at first sight. */
function lengthIn(text: string, line: number, end: number): number {
  const colon = endOfToken(text, line);
  if (text.charCodeAt(colon) !== COLON) return -1;
  const digits = skipBlanks(text, colon + 1);
  const count = endOfDigits(text, digits) - digits;
  const isNumber = count > 0 && count <= MOST_LENGTH_DIGITS && digits + count === end;
  return isNumber ? Number(text.slice(digits, end)) : -1;
}

function isInlineBlank(code: number): boolean {
  return code === SPACE || code === HTAB;
}
