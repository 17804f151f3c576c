import { URI_BYTES, alphanumericAnd, endOfRun, excerpt, lowerCase } from './characters.js';
import { formatHost, parseHostPort } from './host-port.js';
import { percentEscaper, percentUnescape } from './percent-escape.js';
import { SipSyntaxError } from './syntax-error.js';

export { formatHost } from './host-port.js';

/** A SIP or SIPS URI (RFC 3261 §19.1). All strings are bytes; "unescaped" may hold any byte, line ends too. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** Unescaped; may hold parameters of its own (`5551234;phone-context=x`). Undefined when the URI has no user part. */
  readonly user: string | undefined;
  /** As received, to be written again without change; formatUri() prefers it to `user`. */
  readonly rawUser: string | undefined;
  readonly password: string | undefined;
  /** Lower case; an IPv6 address has no brackets. */
  readonly host: string;
  readonly port: number | undefined;
  /** Names in lower case, values unescaped, `''` for flags such as `lr`. */
  readonly parameters: ReadonlyMap<string, string>;
  /** Names in lower case, values unescaped. */
  readonly headers: ReadonlyMap<string, string>;
}

/** A telephone number as a URI (RFC 3966). */
export interface TelUri {
  readonly scheme: 'tel';
  /** Digits, `*`, `#`, A to F and a leading `+`; visual separators are taken away (§5.1.1). */
  readonly number: string;
  /** Names in lower case, values unescaped. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A grammatical URI of a scheme that is neither sip, sips nor tel: 416 and not 400 (RFC 3261 §8.2.2.1). */
export class UnsupportedSchemeError extends SipSyntaxError {}

const escapeUser = percentEscaper('&=+$,;?/');
const escapePassword = percentEscaper('&=+$,');
const escapeParameter = percentEscaper('[]/:&+$');
const escapeNumber = percentEscaper('+');
const escapeHeader = percentEscaper('[]/?:+$');
/** Leaves what is escaped already as it is. */
const escapeRawUser = percentEscaper('&=+$,;?/%');

const VISUAL_SEPARATORS = /[-.()]/g;
const PHONE_NUMBER = /^\+?[0-9A-Fa-f*#]+$/;
const SCHEME = alphanumericAnd('+-.');

/** For a regular expression's character class: what URI_BYTES does not have, and what is no byte. */
const NEVER_IN_URI = '\\0-\\x20"<>\\x7f\\u0100-\\uffff';

/**
 * What nearly all peers write: nothing escaped, no password, no headers, the host in lower case. One match instead of a walk;
 * everything else, right or wrong, is for the walk.
 */
const COMMON = new RegExp(
  `^sip:(?:([^%:;?@${NEVER_IN_URI}]+)@)?([a-z0-9._-]+)(?::([1-9]\\d{0,3}))?(;[^?@${NEVER_IN_URI}]*)?$`,
);

/** No pairs, shared by all URIs that have none. */
const NONE: ReadonlyMap<string, string> = new Map();

/**
 * Parses a sip:, sips: or tel: URI. More than the grammar is taken where gateways send it: unescaped `#` in a user,
 * `@` and `:` in parameter values, `%` that begins no escape.
 *
 * @throws SipSyntaxError when it is none; its subclass UnsupportedSchemeError for another scheme
 */
export function parseUri(text: string): SipUri | TelUri {
  const common = COMMON.exec(text);
  if (common === null) return walk(text);
  const [, user, host = '', digits, parameters = ''] = common;
  return {
    scheme: 'sip',
    user,
    rawUser: user,
    password: undefined,
    host,
    port: digits === undefined ? undefined : Number(digits),
    parameters: parsePairs(parameters, ';'),
    headers: NONE,
  };
}

function walk(text: string): SipUri | TelUri {
  const schemeEnd = endOfRun(text, 0, SCHEME);
  const isUri = schemeEnd > 0 && text.charAt(schemeEnd) === ':' && endOfRun(text, schemeEnd, URI_BYTES) === text.length;
  if (!isUri) throw new SipSyntaxError(`${excerpt(text)} is no URI`);
  const scheme = lowerCase(text.slice(0, schemeEnd));
  if (scheme === 'tel') return parseTel(text, schemeEnd + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, text, schemeEnd + 1);
  throw new UnsupportedSchemeError(`the scheme of ${excerpt(text)} is neither sip, sips nor tel`);
}

/** The URI as text; every byte that could end it early or break a line is escaped. */
export function formatUri(uri: SipUri | TelUri): string {
  const parameters = formatUriParameters(uri.parameters);
  if (uri.scheme === 'tel') return `tel:${escapeNumber(uri.number)}${parameters}`;
  const port = uri.port === undefined ? '' : `:${String(uri.port)}`;
  return `${uri.scheme}:${formatUserInfo(uri)}${formatHost(uri.host)}${port}${parameters}${formatHeaders(uri.headers)}`;
}

function parseSip(scheme: 'sip' | 'sips', text: string, from: number): SipUri {
  // An `@` in the user part is escaped, one in a parameter often is not: the first one counts.
  const at = text.indexOf('@', from);
  const { host, port, end } = parseHostPort(text, at < 0 ? from : at + 1);
  const question = text.indexOf('?', end);
  const parametersEnd = question < 0 ? text.length : question;
  if (end < parametersEnd && text.charAt(end) !== ';') throw new SipSyntaxError(`${excerpt(text)} has no usable host`);
  const { user, rawUser, password } = at < 0 ? NO_USER : parseUserInfo(text.slice(from, at));
  return {
    scheme,
    user,
    rawUser,
    password,
    host,
    port,
    parameters: parsePairs(text.slice(end, parametersEnd), ';'),
    headers: parsePairs(text.slice(parametersEnd + 1), '&'),
  };
}

type UserInfo = Pick<SipUri, 'user' | 'rawUser' | 'password'>;

const NO_USER: UserInfo = { user: undefined, rawUser: undefined, password: undefined };

function parseUserInfo(userInfo: string): UserInfo {
  const colon = userInfo.indexOf(':');
  const rawUser = colon < 0 ? userInfo : userInfo.slice(0, colon);
  if (rawUser === '') throw new SipSyntaxError('the user part of a URI is empty');
  const password = colon < 0 ? undefined : percentUnescape(userInfo.slice(colon + 1));
  return { user: percentUnescape(rawUser), rawUser, password };
}

function parseTel(text: string, from: number): TelUri {
  const semicolon = text.indexOf(';', from);
  const end = semicolon < 0 ? text.length : semicolon;
  const number = percentUnescape(text.slice(from, end)).replaceAll(VISUAL_SEPARATORS, '');
  if (!PHONE_NUMBER.test(number)) throw new SipSyntaxError(`${excerpt(text)} has no telephone number`);
  return { scheme: 'tel', number, parameters: parsePairs(text.slice(end), ';') };
}

/** `name=value` pairs between separators; of a name given twice the first counts. */
function parsePairs(text: string, separator: ';' | '&'): ReadonlyMap<string, string> {
  if (text === '') return NONE;
  const pairs = new Map<string, string>();
  for (let start = 0; start < text.length;) {
    const found = text.indexOf(separator, start);
    const end = found < 0 ? text.length : found;
    const pair = text.slice(start, end);
    const equals = pair.indexOf('=');
    const name = lowerCase(percentUnescape(equals < 0 ? pair : pair.slice(0, equals)));
    if (name !== '' && !pairs.has(name)) pairs.set(name, equals < 0 ? '' : percentUnescape(pair.slice(equals + 1)));
    start = end + 1;
  }
  return pairs;
}

function formatUserInfo(uri: SipUri): string {
  if (uri.user === undefined && uri.rawUser === undefined) return '';
  const user = uri.rawUser === undefined ? escapeUser(uri.user ?? '') : escapeRawUser(uri.rawUser);
  return uri.password === undefined ? `${user}@` : `${user}:${escapePassword(uri.password)}@`;
}

function formatUriParameters(parameters: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of parameters) {
    text += value === '' ? `;${escapeParameter(name)}` : `;${escapeParameter(name)}=${escapeParameter(value)}`;
  }
  return text;
}

function formatHeaders(headers: ReadonlyMap<string, string>): string {
  if (headers.size === 0) return '';
  const pairs = Array.from(headers, ([name, value]) => `${escapeHeader(name)}=${escapeHeader(value)}`);
  return `?${pairs.join('&')}`;
}
