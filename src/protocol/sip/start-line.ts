import { SipSyntaxError } from './syntax-error.js';
import { CR, SPACE, excerpt } from './characters.js';

/** The first line of a request. `uri` is as received and may be anything, empty too. */
export interface RequestLine {
  readonly kind: 'request';
  readonly method: string;
  readonly uri: string;
  readonly version: string;
}

/** The first line of a response; status 100 to 699. */
export interface StatusLine {
  readonly kind: 'response';
  readonly version: string;
  readonly status: number;
  readonly reasonPhrase: string;
}

const STATUS_LINE_BEGIN = /^SIP\//i;
const VERSION = /^SIP\/\d{1,9}\.\d{1,9}$/i;
const STATUS_LINE = /^(SIP\/\d{1,9}\.\d{1,9}) +([1-6]\d\d)(?: ([^]*))?$/i;

/**
 * Takes the start line apart, however wrong its parts: what says `SIP/` in the right place can be answered, the rest
 * belongs to another protocol (RFC 3261 §7.1, §7.2). Extra spaces are passed over (RFC 4475 §3.1.2.9, §3.1.2.10).
 *
 * @throws SipSyntaxError when the line is no start line
 */
export function parseStartLine(line: string): RequestLine | StatusLine {
  if (STATUS_LINE_BEGIN.test(line)) return parseStatusLine(line);
  const end = endWithoutSpaces(line, line.length);
  const lastSpace = line.lastIndexOf(' ', end - 1);
  const version = line.slice(lastSpace + 1, end);
  const firstSpace = line.indexOf(' ');
  if (firstSpace < 1 || (version !== 'SIP/2.0' && !VERSION.test(version))) {
    throw new SipSyntaxError(`${excerpt(line)} is no start line of SIP`);
  }
  let uriStart = firstSpace + 1;
  while (line.charCodeAt(uriStart) === SPACE) uriStart += 1;
  const uri = line.slice(uriStart, endWithoutSpaces(line, lastSpace));
  return { kind: 'request', method: line.slice(0, firstSpace), uri, version };
}

/**
 * True when the line that stands in `text` from `start` to `end` (offset of its CRLF) can be a start line: the cheap
 * look of a framer, which must not let HTTP or TLS pass for SIP.
 */
export function looksLikeStartLine(text: string, start: number, end: number): boolean {
  if (text.startsWith(' SIP/2.0', end - 8) || text.startsWith('SIP/2.0 ', start)) return true;
  return / SIP\/\d+\.\d+ *$/i.test(text.slice(start, end)) || /^SIP\/\d+\.\d+ /i.test(text.slice(start, end));
}

function parseStatusLine(line: string): StatusLine {
  const parts = STATUS_LINE.exec(line);
  if (parts === null) throw new SipSyntaxError(`${excerpt(line)} is no status line`);
  const [, version = '', status = '', reasonPhrase = ''] = parts;
  return { kind: 'response', version, status: Number(status), reasonPhrase };
}

function endWithoutSpaces(line: string, from: number): number {
  let end = from;
  while (end > 0 && (line.charCodeAt(end - 1) === SPACE || line.charCodeAt(end - 1) === CR)) end -= 1;
  return end;
}
