import { HTAB, SPACE, endOfRun, visibleWithout } from './characters.js';

/** One header of a message of ours, without the CRLF. */
export type HeaderLine = readonly [name: string, value: string];

/** A body of ours. */
export interface SipBody {
  /** The Content-Type, such as `application/sdp`. */
  readonly type: string;
  /** Bytes: one character is one byte. */
  readonly content: string;
}

/** What a header line may have: all bytes but controls, of which the tab is taken. */
const SAFE = visibleWithout('');
SAFE[SPACE] = SAFE[HTAB] = 1;
const CONTROLS = /[\0-\x08\n-\x1f\x7f]+/g;
const NO_BYTES = /[^\0-\xff]/g;

/**
 * Text that can stand in one line, whatever it was made from: runs of control characters become one space, characters
 * above 0xFF become `?`. Such text is neutralised and not refused because much of it comes from peers (a user part with
 * `%0D%0A` in it): it must neither add a header nor, by an exception, end more than its own call. A character above
 * 0xFF is as dangerous as a control one: U+010A is written as the byte 0x0A.
 */
export function singleLine(text: string): string {
  if (endOfRun(text, 0, SAFE) === text.length) return text;
  return text.replaceAll(CONTROLS, ' ').replaceAll(NO_BYTES, '?');
}

/** The lines with their CRLFs, Content-Type and Content-Length, the empty line and the body. */
export function formatHeadersAndBody(headers: readonly HeaderLine[], body: SipBody | undefined): string {
  let text = '';
  for (const [name, value] of headers) text += `${singleLine(name)}: ${singleLine(value)}\r\n`;
  if (body === undefined) return `${text}Content-Length: 0\r\n\r\n`;
  const content = body.content.replaceAll(NO_BYTES, '?');
  const type = singleLine(body.type);
  return `${text}Content-Type: ${type}\r\nContent-Length: ${String(content.length)}\r\n\r\n${content}`;
}
