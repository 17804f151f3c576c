import { SLASH, excerpt, endOfToken, skipBlanks } from './characters.js';
import { formatHost, parseHostPort } from './host-port.js';
import { ParameterCursor, formatParameters } from './parameters.js';
import { SipSyntaxError } from './syntax-error.js';

/** One hop of a message's way (RFC 3261 §20.42). */
export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`. */
  readonly transport: string;
  /** Lower case; an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names in lower case, values without quotes, `''` for flags such as `rport`. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly branch: string | undefined;
  /** `host[:port]`, IPv6 in brackets, white space taken away: what transactions are matched by. */
  readonly sentBy: string;
}

/**
 * How nearly all peers begin, with at most four digits of port. One match instead of a walk; everything else, right or wrong,
 * is for the walk.
 */
const COMMON = /^SIP\/2\.0\/(TCP|TLS|UDP) ([a-z0-9._-]+)(?::([1-9]\d{0,3}))?(?=;)/;

/**
 * Parses one Via element: `SIP/2.0/TCP host:port;branch=...`, with white space wherever the grammar has it.
 *
 * @throws SipSyntaxError when it is none; also for empty parameters (RFC 4475 §3.1.2.1)
 */
export function parseVia(text: string): Via {
  const common = COMMON.exec(text);
  if (common === null) return walk(text);
  const [whole, transport = '', host = '', digits] = common;
  const parameters = viaParameters(text, whole.length);
  const port = digits === undefined ? undefined : Number(digits);
  const sentBy = digits === undefined ? host : `${host}:${digits}`;
  return { transport, host, port, parameters, branch: parameters.get('branch'), sentBy };
}

function walk(text: string): Via {
  const { transport, hostStart } = parseProtocol(text);
  const { host, port, end } = parseHostPort(text, hostStart);
  const parameters = viaParameters(text, end);
  return {
    transport,
    host,
    port,
    parameters,
    branch: parameters.get('branch'),
    sentBy: port === undefined ? formatHost(host) : `${formatHost(host)}:${String(port)}`,
  };
}

/** `SIP / 2.0 / TCP `, with white space wherever the grammar allows it. */
function parseProtocol(text: string): { readonly transport: string; readonly hostStart: number } {
  const versionStart = expectSlash(text, expectWord(text, 0, 'SIP'));
  const versionEnd = endOfToken(text, versionStart);
  const transportStart = expectSlash(text, versionEnd);
  const transportEnd = endOfToken(text, transportStart);
  const hostStart = skipBlanks(text, transportEnd);
  if (versionEnd === versionStart || transportEnd === transportStart || hostStart === transportEnd) {
    throw new SipSyntaxError(`Via ${excerpt(text)} has no protocol, transport and host`);
  }
  return { transport: text.slice(transportStart, transportEnd).toUpperCase(), hostStart };
}

/** The offset in `text`, a Via header value, at which the parameters of its first element begin. */
export function viaParametersStart(text: string, from: number): number {
  const transport = text.indexOf('/', text.indexOf('/', from) + 1) + 1;
  return parseHostPort(text, skipBlanks(text, endOfToken(text, skipBlanks(text, transport)))).end;
}

/** The Via element as text; the branch is the one among the parameters. */
export function formatVia(via: Pick<Via, 'transport' | 'host' | 'port' | 'parameters'>): string {
  const port = via.port === undefined ? '' : `:${String(via.port)}`;
  return `SIP/2.0/${via.transport} ${formatHost(via.host)}${port}${formatParameters(via.parameters)}`;
}

function viaParameters(text: string, from: number): ReadonlyMap<string, string> {
  const cursor = new ParameterCursor(text, from);
  const parameters = new Map<string, string>();
  while (cursor.next()) {
    const name = cursor.name;
    if (name === '') throw new SipSyntaxError(`Via ${excerpt(text)} has an empty parameter`);
    if (!parameters.has(name)) parameters.set(name, cursor.value);
  }
  const end = skipBlanks(text, cursor.position);
  if (end < text.length) throw new SipSyntaxError(`Via ${excerpt(text)} is more than one element`);
  return parameters;
}

function expectWord(text: string, from: number, word: string): number {
  const start = skipBlanks(text, from);
  const end = start + word.length;
  if (text.slice(start, end).toUpperCase() !== word) throw new SipSyntaxError(`Via ${excerpt(text)} is not of SIP`);
  return end;
}

function expectSlash(text: string, from: number): number {
  const slash = skipBlanks(text, from);
  if (text.charCodeAt(slash) !== SLASH) throw new SipSyntaxError(`Via ${excerpt(text)} has no protocol and transport`);
  return skipBlanks(text, slash + 1);
}
