import { formatHeadersAndBody, singleLine, type HeaderLine, type SipBody } from './header-line.js';

export type { HeaderLine, SipBody } from './header-line.js';

/** A request of ours before it is sent. */
export interface RequestParts {
  readonly method: string;
  /** The Request-URI. */
  readonly uri: string;
  /** In the order in which they are written; neither Via nor any Content header. */
  readonly headers: readonly HeaderLine[];
  readonly body?: SipBody;
}

/** RFC 3261 §8.1.1.6. */
const MAX_FORWARDS: HeaderLine = ['Max-Forwards', '70'];

/**
 * The request as bytes: Via first, Max-Forwards 70 unless the headers have one, then the headers, Content-Length
 * always. Whatever the parts hold, nothing in them can add a line: see singleLine(); blanks in the URI are escaped.
 *
 * @param via - the value of the Via header: `SIP/2.0/TCP host:port;branch=z9hG4bK...`
 */
export function formatRequest(parts: RequestParts, via: string): string {
  const uri = singleLine(parts.uri).replaceAll(/[ \t]/g, '%20');
  const startLines = `${singleLine(parts.method)} ${uri} SIP/2.0\r\nVia: ${singleLine(via)}\r\n`;
  const hasMaxForwards = parts.headers.some(([name]) => name.toLowerCase() === 'max-forwards');
  const headers = hasMaxForwards ? parts.headers : [MAX_FORWARDS, ...parts.headers];
  return startLines + formatHeadersAndBody(headers, parts.body);
}
