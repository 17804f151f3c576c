import {
  COMMA,
  LESS,
  QUOTE,
  SEMICOLON,
  URI_BYTES,
  endOfRun,
  excerpt,
  isBlankCode,
  isToken,
  skipBlanks,
  trimBlanks,
} from './characters.js';
import { formatParameters, parseParameters } from './parameters.js';
import { endOfQuoted, quote, unquote } from './quoted-string.js';
import { SipSyntaxError } from './syntax-error.js';

/** A value of From, To, Contact, Diversion, P-Asserted-Identity, Route and their like (RFC 3261 §25.1, name-addr). */
export interface NameAddress {
  /** Without quotes and escapes, as bytes (UTF-8 by the standard); undefined when there is none. */
  readonly displayName: string | undefined;
  /** As received, without angle brackets. Of any scheme; `*` in a Contact. */
  readonly uri: string;
  /** Of the header, not of the URI: names in lower case, values without quotes. */
  readonly parameters: ReadonlyMap<string, string>;
}

/**
 * How nearly all peers begin: a quoted name without escapes or none, and the URI in brackets. One match instead of a walk;
 * everything else, right or wrong, is for the walk.
 */
const COMMON = /^(?:"([^"\\]*)" ?)?<([^\0-\x20"<>\x7f\u0100-\uffff]+)>/;

/**
 * Parses one element. Taken as well, because gateways send them: no white space before the bracket, spaces inside the
 * brackets, a display name that should be quoted and is not, a display name before a URI without brackets.
 *
 * @throws SipSyntaxError when there is no URI, or a quote or bracket is not closed
 */
export function parseNameAddress(text: string): NameAddress {
  const common = COMMON.exec(text);
  if (common === null) return walk(text);
  const [whole, displayName, uri = ''] = common;
  return { displayName, uri, parameters: parseParameters(text, whole.length) };
}

function walk(text: string): NameAddress {
  const start = skipBlanks(text, 0);
  const isQuoted = text.charCodeAt(start) === QUOTE;
  const quotedEnd = isQuoted ? endOfQuoted(text, start) : start;
  const open = openingBracket(text, quotedEnd);
  if (open < 0) {
    const uriStart = skipBlanks(text, quotedEnd);
    const uriEnd = endOfBareUri(text, uriStart);
    return {
      displayName: isQuoted ? unquote(text.slice(start, quotedEnd)) : undefined,
      uri: checkedUri(text.slice(uriStart, uriEnd), text),
      parameters: parseParameters(text, uriEnd),
    };
  }
  const close = text.indexOf('>', open);
  if (close < 0) throw new SipSyntaxError(`the angle bracket of ${excerpt(text)} is not closed`);
  const name = trimBlanks(text.slice(start, open));
  const isWholeQuoted = isQuoted && skipBlanks(text, quotedEnd) === open;
  return {
    displayName: name === '' ? undefined : isWholeQuoted ? unquote(name) : name,
    uri: checkedUri(trimBlanks(text.slice(open + 1, close)), text),
    parameters: parseParameters(text, close + 1),
  };
}

/** The element as text: URI in brackets, display name quoted unless it is one token. */
export function formatNameAddress(address: NameAddress): string {
  const { displayName } = address;
  const name = displayName === undefined ? '' : `${isToken(displayName) ? displayName : quote(displayName)} `;
  return `${name}<${address.uri}>${formatParameters(address.parameters)}`;
}

/**
 * The offset of the bracket that opens the URI; -1 when there is none. The search ends at a semicolon: behind it stand
 * parameters, and a bracket there must not turn the URI into a display name.
 */
function openingBracket(text: string, from: number): number {
  for (let position = from; position < text.length; position += 1) {
    const code = text.charCodeAt(position);
    if (code === LESS) return position;
    if (code === SEMICOLON) return -1;
    if (code === QUOTE) position = endOfQuoted(text, position) - 1;
  }
  return -1;
}

/** Without brackets every semicolon begins a header parameter, never one of the URI (RFC 3261 §20.10). */
function endOfBareUri(text: string, from: number): number {
  for (let end = from; end < text.length; end += 1) {
    const code = text.charCodeAt(end);
    if (code === SEMICOLON || code === COMMA || isBlankCode(code)) return end;
  }
  return text.length;
}

/** A URI with anything else in it could break the line that it is written into. */
function checkedUri(uri: string, whole: string): string {
  if (uri === '' || endOfRun(uri, 0, URI_BYTES) < uri.length)
    throw new SipSyntaxError(`${excerpt(whole)} has no usable URI`);
  return uri;
}
