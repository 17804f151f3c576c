/** Lead byte ranges of UTF-8 (RFC 3629 §4): bytes that follow, and the least code point that may be written so. */
const LEADS: readonly {
  readonly from: number;
  readonly to: number;
  readonly follow: number;
  readonly least: number;
}[] = [
  { from: 0x00, to: 0x7f, follow: 0, least: 0 },
  { from: 0xc2, to: 0xdf, follow: 1, least: 0x80 },
  { from: 0xe0, to: 0xef, follow: 2, least: 0x800 },
  { from: 0xf0, to: 0xf4, follow: 3, least: 0x1_0000 },
];

/**
 * Control characters, and those that turn the direction of the text around them: nobody may write over a name on a screen.
 * Lone surrogates are no characters at all.
 */
const UNWANTED = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** The text of a byte string: UTF-8 (RFC 3261 §7), else latin1, which older gateways send. */
export function textOfBytes(bytes: string): string {
  if (isAscii(bytes)) return bytes;
  let text = '';
  for (let at = 0; at < bytes.length;) {
    const point = pointAt(bytes, at);
    if (!point) return bytes;
    text += String.fromCodePoint(point.code);
    at += point.length;
  }
  return text;
}

/** The UTF-8 bytes of a text, as a byte string. */
export function bytesOfText(text: string): string {
  let bytes = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const lead = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x1_0000 ? 2 : 3;
    if (lead === 0) bytes += character;
    else {
      bytes += String.fromCharCode(([0, 0xc0, 0xe0, 0xf0][lead] ?? 0) | (code >> (6 * lead)));
      for (let shift = 6 * (lead - 1); shift >= 0; shift -= 6)
        bytes += String.fromCharCode(0x80 | ((code >> shift) & 0x3f));
    }
  }
  return bytes;
}

/** One line that is safe to show and to store: unwanted characters removed, cut after `most` characters, never within one. */
export function cleanText(text: string, most: number): string {
  const clean = text
    .replaceAll(/[\t\r\n]+/g, ' ')
    .replaceAll(UNWANTED, '')
    .trim();
  return clean.length <= most ? clean : Array.from(clean).slice(0, most).join('').trim();
}

function isAscii(bytes: string): boolean {
  for (let at = 0; at < bytes.length; at += 1) {
    if (bytes.charCodeAt(at) > 0x7f) return false;
  }
  return true;
}

function pointAt(bytes: string, at: number): { readonly code: number; readonly length: number } | undefined {
  const first = bytes.charCodeAt(at);
  const lead = LEADS.find(({ from, to }) => first >= from && first <= to);
  if (!lead) return undefined;
  let code = lead.follow === 0 ? first : first & (0x3f >> lead.follow);
  for (let next = at + 1; next <= at + lead.follow; next += 1) {
    const byte = bytes.charCodeAt(next);
    // NaN behind the end fails the comparison too.
    if (!(byte >= 0x80 && byte <= 0xbf)) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  return code < lead.least || code > 0x10_ffff || isSurrogate ? undefined : { code, length: lead.follow + 1 };
}
