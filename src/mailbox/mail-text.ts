/**
 * Unicode's controls (C0, DEL, C1), line and paragraph separators, and every kind of space: each run becomes one space.
 * A CR or LF of a caller's name must not end a header line.
 */
const BREAKS = /[\p{Cc}\p{Z}]+/gu;

/**
 * Marks that turn the writing direction round, and byte order marks. They have no width: `exe.3pm` could be shown as
 * `mp3.exe` or the other way round. Names in right-to-left scripts need none of them.
 */
const INVISIBLE = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Halves of surrogate pairs, which no UTF-8 text can carry. */
const LONE_SURROGATES = /\p{Cs}/gu;

/**
 * What a caller or an admin wrote, as one line that is fit for a header, a file name or a sentence: no control character, no
 * direction override, no lone surrogate, no beginning of an encoded word (RFC 2047 §2: a receiver would decode text that only
 * looks like one), at most `mostCharacters` code points.
 */
export function singleLine(text: string, mostCharacters: number): string {
  // Cut before the costly part: one code point is at most two code units.
  const clean = text
    .slice(0, 4 * mostCharacters)
    .replace(LONE_SURROGATES, '\ufffd')
    .replace(INVISIBLE, '')
    .replace(BREAKS, ' ')
    .replace(/=(?=\?)/g, '= ')
    .trim();
  return Array.from(clean).slice(0, mostCharacters).join('').trim();
}

/** Text of several lines without anything that is not text; line ends become LF. */
export function plainLines(text: string): string {
  return text
    .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
    .split('\n')
    .map((line) =>
      line
        .replace(LONE_SURROGATES, '\ufffd')
        .replace(INVISIBLE, '')
        .replace(/\p{Cc}/gu, ' ')
        .trimEnd(),
    )
    .join('\n');
}

/** Text as HTML content or as the value of a quoted attribute. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/**
 * A single line as part of a file name that every system takes: none of the characters that Windows or a shell gives a meaning,
 * no `;` (which separates the names in `X-AttachmentOrder`), no dot or minus at the beginning, no dot at the end.
 */
export function fileNamePart(line: string, mostCharacters: number): string {
  const safe = line
    .replace(/[\\/:*?"'<>|;%&$`]/g, '_')
    .replace(/^[.\-\s]+/, '')
    .replace(/[.\s]+$/, '');
  return Array.from(safe).slice(0, mostCharacters).join('').trimEnd();
}
