import { BACKSLASH, QUOTE } from './characters.js';
import { SipSyntaxError } from './syntax-error.js';

/**
 * The offset behind the closing quote of the quoted-string that begins at `from` (RFC 3261 §25.1).
 *
 * @throws SipSyntaxError when nothing closes it
 */
export function endOfQuoted(text: string, from: number): number {
  for (let position = from + 1; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === QUOTE) return position + 1;
    if (code === BACKSLASH) position += 1;
  }
  throw new SipSyntaxError('a quoted string has no end');
}

/** What a quoted-string says, its quotes and escapes taken away. */
export function unquote(quoted: string): string {
  const inside = quoted.slice(1, -1);
  return inside.includes('\\') ? inside.replaceAll(/\\([\s\S])/g, '$1') : inside;
}

/** The quoted-string that says `text`; line ends, which none can carry, become spaces. */
export function quote(text: string): string {
  return `"${text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/["\\]/g, '\\$&')}"`;
}
