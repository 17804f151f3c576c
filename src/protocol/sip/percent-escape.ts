import { alphanumericAnd, endOfRun } from './characters.js';

/** RFC 3261 §25.1, mark; with letters and digits what is never escaped. */
const MARKS = "-_.!~*'()";

/**
 * A function that escapes every byte but RFC 3261's unreserved ones and `others` (§25.1, escaped). Nearly all text needs
 * none, and comes back as it is.
 */
export function percentEscaper(others: string): (text: string) => string {
  const plain = alphanumericAnd(MARKS + others);
  return (text) => {
    let escaped = '';
    let kept = 0;
    for (let end = endOfRun(text, 0, plain); end < text.length; end = endOfRun(text, kept, plain)) {
      escaped += text.slice(kept, end) + escapeByte(text.charCodeAt(end));
      kept = end + 1;
    }
    return kept === 0 ? text : escaped + text.slice(kept);
  };
}

/** The text with every `%HH` turned into its byte, once (RFC 4475 §3.1.1.3); a `%` that begins none stays. */
export function percentUnescape(text: string): string {
  if (!text.includes('%')) return text;
  return text.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function escapeByte(code: number): string {
  // A byte string has nothing above 0xFF; what is there anyway must not become a line end when it is written as a byte.
  return code > 0xff ? '%3F' : `%${code.toString(16).toUpperCase().padStart(2, '0')}`;
}
