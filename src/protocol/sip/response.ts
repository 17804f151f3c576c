import type { HostPort } from './flow.js';
import { trimBlanks } from './characters.js';
import { formatHeadersAndBody, singleLine, type HeaderLine, type SipBody } from './header-line.js';
import type { SipRequest } from './message.js';
import { ParameterCursor } from './parameters.js';
import { reasonPhrase } from './reason-phrases.js';
import { SipSyntaxError } from './syntax-error.js';
import { viaParametersStart } from './via.js';

export { reasonPhrase } from './reason-phrases.js';

/** A response of ours before it is sent. */
export interface ResponseParts {
  /** 100 to 699. */
  readonly status: number;
  /** The standard's phrase when absent. */
  readonly reason?: string;
  /** Added to To when the request's has none. */
  readonly toTag?: string;
  /** Without Via, From, To, Call-ID, CSeq and the Content headers. */
  readonly headers?: readonly HeaderLine[];
  readonly body?: SipBody;
}

/**
 * The response as bytes (RFC 3261 §8.2.6): Via, From, To, Call-ID and CSeq are the request's own lines, in the responses
 * that can make a dialog Record-Route too; the top Via gets `received` and `rport` (§18.2.1, RFC 3581 §4).
 *
 * Works on any request that could be indexed, however malformed: lines that are missing are left out, lines that cannot
 * be understood are sent back as they came. Never throws; what our own parts hold cannot add a line (singleLine()).
 */
export function formatResponse(request: SipRequest, parts: ResponseParts, peer: HostPort): string {
  const { status } = parts;
  const isDialogMaking = status > 100 && status < 300;
  return (
    `SIP/2.0 ${String(status)} ${parts.reason === undefined ? reasonPhrase(status) : singleLine(parts.reason)}\r\n` +
    viaLines(request, peer) +
    (isDialogMaking ? echoAll(request.rawLines('record-route')) : '') +
    (status === 100 ? echo(request.rawLine('timestamp')) : '') +
    echo(request.rawLine('from')) +
    toLine(request, parts.toTag) +
    echo(request.rawLine('call-id')) +
    echo(request.rawLine('cseq')) +
    formatHeadersAndBody(parts.headers ?? [], parts.body)
  );
}

function echo(line: string | undefined): string {
  return line === undefined ? '' : `${line}\r\n`;
}

function echoAll(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\r\n')}\r\n`;
}

function toLine(request: SipRequest, toTag: string | undefined): string {
  const line = request.rawLine('to');
  if (line === undefined || toTag === undefined || !lacksToTag(request)) return echo(line);
  return `${trimBlanks(line)};tag=${singleLine(toTag)}\r\n`;
}

/** False as well where To cannot be understood: a tag behind an open quote would be none. */
function lacksToTag(request: SipRequest): boolean {
  return unlessBroken(() => !request.to.parameters.has('tag')) ?? false;
}

function viaLines(request: SipRequest, peer: HostPort): string {
  const top = request.rawLine('via');
  if (top === undefined) return '';
  const amended = unlessBroken(() => amendTopVia(request, top, peer)) ?? top;
  return request.count('via') === 1 ? `${amended}\r\n` : echoAll([amended, ...request.rawLines('via').slice(1)]);
}

/**
 * Says in the top Via where the request came from: `received` when its sent-by is a name or another address, `rport`
 * when asked for. Values that a peer put there itself are overwritten. The rest of the line stays as it came.
 *
 * @throws SipSyntaxError when the Via is malformed
 */
function amendTopVia(request: SipRequest, line: string, peer: HostPort): string {
  const { host, parameters } = request.topVia;
  const wantsPort = parameters.has('rport');
  const wantsAddress = wantsPort || host !== peer.address || parameters.has('received');
  if (!wantsAddress) return line;

  let amended = '';
  let kept = 0;
  const cursor = new ParameterCursor(line, viaParametersStart(line, line.indexOf(':') + 1));
  let end = cursor.position;
  while (cursor.next()) {
    const { name } = cursor;
    if (name === 'received') {
      amended += line.slice(kept, end);
      kept = cursor.position;
    } else if (name === 'rport') {
      amended += `${line.slice(kept, cursor.nameEnd)}=${String(peer.port)}`;
      kept = cursor.position;
    }
    end = cursor.position;
  }
  return `${amended}${line.slice(kept, end)};received=${peer.address}${line.slice(end)}`;
}

/** What `read` finds in a peer's header; undefined when the header is broken. */
function unlessBroken<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined;
    throw error;
  }
}
