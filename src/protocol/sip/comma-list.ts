import { BACKSLASH, COMMA, GREATER, LESS, QUOTE, trimBlanks } from './characters.js';

/**
 * The offset of the first comma at or after `from` that separates elements, one outside quotes and angle brackets; the
 * text's length when there is none. An unclosed quote or bracket runs to the end.
 */
export function elementEnd(text: string, from: number): number {
  if (!text.includes(',', from)) return text.length;
  let inQuotes = false;
  let inBrackets = false;
  for (let position = from; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (inQuotes) {
      if (code === BACKSLASH) position += 1;
      else if (code === QUOTE) inQuotes = false;
    } else if (inBrackets) {
      inBrackets = code !== GREATER;
    } else if (code === COMMA) {
      return position;
    } else {
      inQuotes = code === QUOTE;
      inBrackets = code === LESS;
    }
  }
  return text.length;
}

/** The elements of a comma-separated header value, trimmed, empty ones left out (RFC 3261 §7.3.1). */
export function splitList(value: string): readonly string[] {
  if (!value.includes(',')) return value === '' ? [] : [value];
  const elements: string[] = [];
  for (let start = 0; start <= value.length;) {
    const end = elementEnd(value, start);
    const element = trimBlanks(value.slice(start, end));
    if (element !== '') elements.push(element);
    start = end + 1;
  }
  return elements;
}
