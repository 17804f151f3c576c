import {
  COLON,
  OPEN_BRACKET,
  alphanumericAnd,
  endOfDigits,
  endOfRun,
  excerpt,
  lowerCase,
  skipBlanks,
} from './characters.js';
import { SipSyntaxError } from './syntax-error.js';

/** A host that stands in a URI or a Via. */
export interface ParsedHostPort {
  /** Lower case; an IPv6 address has no brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number | undefined;
  /** Offset behind what was read. */
  readonly end: number;
}

/** The underscore is no part of a host name, and common in those of gateways. */
const HOST_NAME = alphanumericAnd('-._');
/** One class and one repeat: any regular expression in which two repeats can take the same text is quadratic in it. */
const IPV6 = /^[0-9a-f:.]+$/;

/**
 * Reads `host[:port]`, with white space around the colon as a Via allows it (RFC 3261 §25.1, hostport and sent-by).
 *
 * @throws SipSyntaxError when there is no host, or a port outside 1 to 65535
 */
export function parseHostPort(text: string, from: number): ParsedHostPort {
  const isReference = text.charCodeAt(from) === OPEN_BRACKET;
  const hostEnd = isReference ? text.indexOf(']', from) + 1 : endOfRun(text, from, HOST_NAME);
  if (hostEnd <= from) throw new SipSyntaxError(`${excerpt(text.slice(from))} is no host`);
  const host = isReference ? parseReference(text.slice(from + 1, hostEnd - 1)) : lowerCase(text.slice(from, hostEnd));
  const mark = skipBlanks(text, hostEnd);
  if (mark === text.length || text.charCodeAt(mark) !== COLON) return { host, port: undefined, end: hostEnd };
  const start = skipBlanks(text, mark + 1);
  const end = endOfDigits(text, start);
  return { host, port: parsePort(text.slice(start, end), text.slice(from)), end };
}

/** The host as it stands in a URI, a Via or a Contact: an IPv6 address in brackets. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function parseReference(inside: string): string {
  const address = lowerCase(inside);
  if (!IPV6.test(address) || !address.includes(':')) throw new SipSyntaxError(`${excerpt(inside)} is no IPv6 address`);
  // RFC 5118 §4.10: RFC 3261's grammar led peers to write a third colon before an embedded IPv4 address.
  return address.replace(':::', '::');
}

function parsePort(digits: string, whole: string): number {
  const port = digits === '' ? 0 : Number(digits);
  if (port < 1 || port > 65_535) throw new SipSyntaxError(`the port of ${excerpt(whole)} is not 1 to 65535`);
  return port;
}
