import { SdpSyntaxError } from './syntax-error.js';

/** An address of `o=`, `c=` or `a=rtcp`: an IP literal or a name, and the family that the text claims (RFC 8866 §5.7). */
export interface SdpAddress {
  readonly type: 'IP4' | 'IP6';
  readonly address: string;
}

/** The `o=` line: who made the description, and which version of it this is. Numbers stay text: they may have 19 digits. */
export interface SdpOrigin {
  readonly username: string;
  readonly sessionId: string;
  readonly sessionVersion: string;
  readonly address: SdpAddress;
}

/** An `a=` line. Names are lower case; `value` is absent for flags such as `sendrecv`. */
export interface SdpAttribute {
  readonly name: string;
  readonly value?: string;
}

/** An `m=` line with the lines below it. */
export interface MediaDescription {
  /** `audio`, `video`, `image` ... in lower case. */
  readonly media: string;
  /** 0: the stream is refused or taken away. */
  readonly port: number;
  /** Port pairs asked for; 1 unless the line says `PORT/COUNT`. */
  readonly portCount: number;
  readonly protocol: string;
  /** At least one. Payload types for RTP. */
  readonly formats: readonly string[];
  readonly connection?: SdpAddress;
  readonly attributes: readonly SdpAttribute[];
}

/** What offer and answer need of a session description; lines of other types are passed over. */
export interface SessionDescription {
  /** Absent when the line is missing or unreadable: nothing of ours depends on it. */
  readonly origin?: SdpOrigin;
  readonly sessionName: string;
  /** For every stream that has no `c=` of its own. */
  readonly connection?: SdpAddress;
  readonly attributes: readonly SdpAttribute[];
  readonly media: readonly MediaDescription[];
}

interface MutableMedia {
  media: string;
  port: number;
  portCount: number;
  protocol: string;
  formats: readonly string[];
  connection?: SdpAddress;
  attributes: SdpAttribute[];
}

interface MutableSession {
  origin?: SdpOrigin;
  sessionName: string;
  connection?: SdpAddress;
  attributes: SdpAttribute[];
  media: MutableMedia[];
}

/**
 * Reads a session description as gateways send them: lines may end with LF alone, lines of unknown type or without `=` are
 * passed over, and order is not enforced beyond `v=` first and what follows an `m=` belonging to it.
 *
 * @throws SdpSyntaxError when the text does not begin with `v=0`, or an `m=` or `c=` line cannot be understood
 * @see RFC 8866 §5
 */
export function parseSessionDescription(text: string): SessionDescription {
  const lines = text.split(/\r\n|\n|\r/);
  const first = lines.findIndex((line) => line.trim() !== '');
  if (!/^v=0\s*$/.test(lines[first] ?? '')) throw new SdpSyntaxError('it does not begin with v=0');
  const session: MutableSession = { sessionName: '', attributes: [], media: [] };
  for (const line of lines.slice(first + 1)) {
    if (line.charAt(1) === '=') readLine(session, line.charAt(0), line.slice(2).trim());
  }
  return session;
}

function readLine(session: MutableSession, type: string, value: string): void {
  const section = session.media.at(-1) ?? session;
  switch (type) {
    case 'm':
      session.media.push(parseMedia(value));
      return;
    case 'c':
      section.connection = parseConnection(value);
      return;
    case 'a':
      section.attributes.push(parseAttribute(value));
      return;
    case 's':
      session.sessionName = value;
      return;
    case 'o': {
      const origin = parseOrigin(value);
      if (origin) session.origin = origin;
      return;
    }
    default:
  }
}

/** `m=audio 49170/2 RTP/AVP 0 101` (RFC 8866 §5.14). */
function parseMedia(value: string): MutableMedia {
  const [media = '', ports = '', protocol = '', ...formats] = value.split(/\s+/);
  const [, port = '', count = '1'] = /^(\d{1,5})(?:\/(\d{1,5}))?$/.exec(ports) ?? [];
  if (port === '' || Number(port) > 65_535) throw new SdpSyntaxError(`"m=${excerpt(value)}" has no port`);
  if (formats.length === 0) throw new SdpSyntaxError(`"m=${excerpt(value)}" names no format`);
  return {
    media: media.toLowerCase(),
    port: Number(port),
    portCount: Number(count),
    protocol,
    formats,
    attributes: [],
  };
}

/** `c=IN IP4 192.0.2.1`, also with the TTL and count of multicast, which are cut off (RFC 8866 §5.7). */
function parseConnection(value: string): SdpAddress {
  const [network, type, address = ''] = value.split(/\s+/);
  const found = network?.toUpperCase() === 'IN' ? parseAddress(type, address.split('/', 1)[0]) : undefined;
  if (!found) throw new SdpSyntaxError(`"c=${excerpt(value)}" is no internet address`);
  return found;
}

/** The two last words of an address; undefined when they are none. Also for `a=rtcp` (RFC 3605). */
export function parseAddress(type: string | undefined, address: string | undefined): SdpAddress | undefined {
  const family = type?.toUpperCase();
  if ((family !== 'IP4' && family !== 'IP6') || address === undefined || address === '') return undefined;
  return { type: family, address };
}

function parseAttribute(value: string): SdpAttribute {
  const colon = value.indexOf(':');
  if (colon < 0) return { name: value.trim().toLowerCase() };
  return { name: value.slice(0, colon).trim().toLowerCase(), value: value.slice(colon + 1).trim() };
}

/** Read from its end, because user names with blanks are met. */
function parseOrigin(value: string): SdpOrigin | undefined {
  const words = value.split(/\s+/);
  const [sessionId, sessionVersion, , type, host] = words.slice(-5);
  const address = parseAddress(type, host);
  if (words.length < 6 || !address || sessionId === undefined || sessionVersion === undefined) return undefined;
  return { username: words.slice(0, -5).join(' '), sessionId, sessionVersion, address };
}

/** @returns the description with CRLF line ends, as it goes into a body */
export function formatSessionDescription(session: SessionDescription): string {
  const { origin, connection } = session;
  const lines = [
    'v=0',
    ...(origin ? [`o=${origin.username} ${origin.sessionId} ${origin.sessionVersion} ${format(origin.address)}`] : []),
    // A name is mandatory and must not be empty (RFC 8866 §5.3).
    `s=${session.sessionName === '' ? '-' : session.sessionName}`,
    ...(connection ? [`c=${format(connection)}`] : []),
    't=0 0',
    ...session.attributes.map(formatAttribute),
    ...session.media.flatMap(formatMedia),
  ];
  return `${lines.join('\r\n')}\r\n`;
}

function formatMedia(media: MediaDescription): readonly string[] {
  const ports = media.portCount === 1 ? String(media.port) : `${String(media.port)}/${String(media.portCount)}`;
  return [
    `m=${media.media} ${ports} ${media.protocol} ${media.formats.join(' ')}`,
    ...(media.connection ? [`c=${format(media.connection)}`] : []),
    ...media.attributes.map(formatAttribute),
  ];
}

function formatAttribute({ name, value }: SdpAttribute): string {
  return value === undefined ? `a=${name}` : `a=${name}:${value}`;
}

function format({ type, address }: SdpAddress): string {
  return `IN ${type} ${address}`;
}

/** Enough of a line to find it in a trace, short enough for a log. */
function excerpt(value: string): string {
  return value.length > 60 ? `${value.slice(0, 60)}...` : value;
}
