/** A telephone number as people write it: digits, `*`, `#`, a `+` in front, and visual separators (RFC 3966 §3). */
const WRITTEN_NUMBER = /^\+?[\d*#\-.() ]+$/;

const VISUAL_SEPARATORS = /[-.() ]/g;

/** Codes of the first and last digit. */
const ZERO = 48;
const NINE = 57;

/**
 * A dialled number or name in the form in which two of them are compared: parameters (`;phone-context=…`) and visual
 * separators are dropped, a `+` is kept; names are compared without case. Empty when nothing is left.
 */
export function comparableNumber(text: string): string {
  if (isTelephoneNumber(text)) return text;
  const bare = (text.split(';', 1)[0] ?? '').trim();
  return WRITTEN_NUMBER.test(bare) ? bare.replaceAll(VISUAL_SEPARATORS, '') : bare.toLowerCase();
}

/** A pilot or access number of the directory, compared likewise; `sip:` and `tel:` in front are dropped. */
export function comparablePilot(text: string): string {
  if (isTelephoneNumber(text)) return text;
  return comparableNumber(text.trim().replace(/^(?:sips?|tel):/i, ''));
}

/** True for digits with an optional `+`: what a telephone can dial, in comparable form. */
export function isTelephoneNumber(comparable: string): boolean {
  const start = comparable.startsWith('+') ? 1 : 0;
  for (let position = start; position < comparable.length; position += 1) {
    const code = comparable.charCodeAt(position);
    if (code < ZERO || code > NINE) return false;
  }
  return comparable.length > start;
}
