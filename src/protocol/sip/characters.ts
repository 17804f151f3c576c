/** Codes of the bytes that SIP's grammar gives a meaning. */
export const HTAB = 9;
export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const QUOTE = 34;
export const COMMA = 44;
export const SLASH = 47;
export const COLON = 58;
export const SEMICOLON = 59;
export const LESS = 60;
export const EQUALS = 61;
export const GREATER = 62;
export const OPEN_BRACKET = 91;
export const BACKSLASH = 92;

const DIGITS = '0123456789';
const ALPHANUMERIC = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz${DIGITS}`;

/** A set of bytes to test membership in by index: 1 for every member. */
function setOf(members: string): Uint8Array {
  const set = new Uint8Array(256);
  for (const character of members) set[character.charCodeAt(0)] = 1;
  return set;
}

/** The set of all letters, all digits and the `others`. */
export function alphanumericAnd(others: string): Uint8Array {
  return setOf(ALPHANUMERIC + others);
}

/** The set of all bytes but controls, the space and the `others`; bytes of UTF-8 are members. */
export function visibleWithout(others: string): Uint8Array {
  const set = new Uint8Array(256).fill(1, SPACE + 1);
  for (const other of `\x7f${others}`) set[other.charCodeAt(0)] = 0;
  return set;
}

/** What a URI may be made of at most. */
export const URI_BYTES = visibleWithout('"<>');

const DIGIT = setOf(DIGITS);

/**
 * The offset of the first byte at or after `from` that is not in the set; the text's length when all are. What lies behind
 * the end is never asked for: that would make the loop many times slower.
 */
export function endOfRun(text: string, from: number, set: Uint8Array): number {
  let end = from;
  while (end < text.length && set[text.charCodeAt(end)] === 1) end += 1;
  return end;
}

const TOKEN = alphanumericAnd("-.!%*_+`'~");

/** True for a byte that a token may have (RFC 3261 §25.1). */
export function isTokenCode(code: number): boolean {
  return TOKEN[code] === 1;
}

/** The offset behind the token that begins at `from`; `from` itself when none does. */
export function endOfToken(text: string, from: number): number {
  return endOfRun(text, from, TOKEN);
}

/** The offset behind the digits that begin at `from`; `from` itself when none does. */
export function endOfDigits(text: string, from: number): number {
  return endOfRun(text, from, DIGIT);
}

/** True for one decimal digit and more. */
export function isNumber(text: string): boolean {
  return text !== '' && endOfDigits(text, 0) === text.length;
}

export function isToken(text: string): boolean {
  return text !== '' && endOfToken(text, 0) === text.length;
}

/** True for the bytes of LWS: a fold's line end is white space like any other. */
export function isBlankCode(code: number): boolean {
  return code <= SPACE && (code === SPACE || code === HTAB || code === CR || code === LF);
}

/** The offset of the first byte at or after `from` that is no white space. */
export function skipBlanks(text: string, from: number): number {
  let position = from;
  while (position < text.length && isBlankCode(text.charCodeAt(position))) position += 1;
  return position;
}

/** Without the white space around it. Not `trim()`: that takes 0xA0 too, which ends many a UTF-8 letter. */
export function trimBlanks(text: string): string {
  return sliceTrimmed(text, 0, text.length);
}

/** What stands in `text` from `from` to `to`, without the white space around it. */
export function sliceTrimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlankCode(text.charCodeAt(start))) start += 1;
  while (end > start && isBlankCode(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** With ASCII letters in lower case; other bytes may be halves of UTF-8 letters and stay. Most text is so already. */
export function lowerCase(text: string): string {
  for (let position = 0; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code >= 65 && code <= 90) return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
  }
  return text;
}

/** Peer text as part of an error's detail: short, on one line, printable. */
export function excerpt(text: string): string {
  const shown = text.length > 60 ? `${text.slice(0, 60)}...` : text;
  return `"${shown.replaceAll(/[^\x20-\x7e]/g, '?').replaceAll('"', "'")}"`;
}
