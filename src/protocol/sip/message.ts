import type { ErrorCode } from '../../base/errors.js';
import { endOfDigits, endOfRun, excerpt, isNumber, isToken, skipBlanks, visibleWithout } from './characters.js';
import { elementEnd, splitList } from './comma-list.js';
import { HeaderIndex } from './header-index.js';
import { parseNameAddress, type NameAddress } from './name-address.js';
import { parseStartLine, type RequestLine, type StatusLine } from './start-line.js';
import { SipSyntaxError } from './syntax-error.js';
import { UnsupportedSchemeError, parseUri, type SipUri, type TelUri } from './uri.js';
import { parseVia, type Via } from './via.js';

/** RFC 3261 §8.1.1.5: below 2^31. */
const HIGHEST_CSEQ = 0x7f_ff_ff_ff;

const CALL_ID_BYTES = visibleWithout('');

/** What a header that is not there lists. */
const NO_ELEMENTS: readonly string[] = [];

/** A CSeq header (RFC 3261 §20.16). */
export interface CSeq {
  /** 0 to 2^31 - 1. */
  readonly number: number;
  readonly method: string;
}

/**
 * The headers of a message. Names asked for are long forms in lower case; compact forms are found by them. Values are
 * byte strings without folds and without white space around them.
 *
 * Nothing is parsed until it is asked for; what is parsed is kept. The getters throw SipSyntaxError when their header
 * is missing or broken, never after messageFault() found nothing.
 */
abstract class MessageHeaders {
  /** The whole message as received: one character is one byte. */
  readonly wire: string;
  /** `SIP/2.0` in every message without fault. */
  readonly version: string;
  readonly #headersStart: number;
  #index: HeaderIndex | undefined;
  #callId: string | undefined;
  #from: NameAddress | undefined;
  #to: NameAddress | undefined;
  #cseq: CSeq | undefined;
  #topVia: Via | undefined;

  constructor(wire: string, version: string, headersStart: number) {
    this.wire = wire;
    this.version = version;
    this.#headersStart = headersStart;
  }

  /** What stands behind the header block, up to Content-Length when there is one (RFC 3261 §18.3). */
  get body(): string {
    const start = this.#headers.bodyStart;
    const length = this.header('content-length');
    if (length === undefined || !isLength(length)) return this.wire.slice(start);
    return this.wire.slice(start, start + Number(length));
  }

  /** The first line that is no header at all; undefined in a message without fault. */
  get badLine(): string | undefined {
    return this.#headers.badLine;
  }

  /** True when a carriage return or line feed stands alone among the headers: others might see a line end there. */
  get hasLoneLineEnd(): boolean {
    return this.#headers.hasLoneLineEnd();
  }

  /** The value of the first line of the header; undefined when there is none. */
  header(name: string): string | undefined {
    const entry = this.#headers.first(name);
    return entry < 0 ? undefined : unfold(this.#headers.rawValue(entry));
  }

  /**
   * The value of a header that may be there once; undefined when there is none.
   *
   * @throws SipSyntaxError when there are more
   */
  only(name: string): string | undefined {
    const headers = this.#headers;
    const entry = headers.first(name);
    if (entry < 0) return undefined;
    if (headers.following(entry) >= 0) throw new SipSyntaxError(`header ${name} is there more than once`);
    return unfold(headers.rawValue(entry));
  }

  /** The value of every line of the header, in order. */
  headers(name: string): readonly string[] {
    return this.#map(name, (entry) => unfold(this.#headers.rawValue(entry)));
  }

  /** Every element of every line: split at commas outside quotes and angle brackets, empty ones left out. */
  list(name: string): readonly string[] {
    const headers = this.#headers;
    const first = headers.first(name);
    if (first < 0) return NO_ELEMENTS;
    if (headers.following(first) < 0) return splitList(unfold(headers.rawValue(first)));
    return this.headers(name).flatMap(splitList);
  }

  /** Every line as received, name and folds included, without its last CRLF: to be echoed. */
  rawLines(name: string): readonly string[] {
    return this.#map(name, (entry) => this.#headers.rawLine(entry));
  }

  /** The first of rawLines(). */
  rawLine(name: string): string | undefined {
    const entry = this.#headers.first(name);
    return entry < 0 ? undefined : this.#headers.rawLine(entry);
  }

  /** How many lines the header has. */
  count(name: string): number {
    return this.#headers.count(name);
  }

  get callId(): string {
    return (this.#callId ??= checkedCallId(required('call-id', this.header('call-id'))));
  }

  get from(): NameAddress {
    return (this.#from ??= parseAddress('From', required('from', this.header('from'))));
  }

  get to(): NameAddress {
    return (this.#to ??= parseAddress('To', required('to', this.header('to'))));
  }

  /** Undefined when there is none, as senders older than RFC 3261 have it, or when it is empty. */
  get fromTag(): string | undefined {
    return tagOf(this.from);
  }

  /** Undefined in a request outside a dialog. */
  get toTag(): string | undefined {
    return tagOf(this.to);
  }

  get cseq(): CSeq {
    return (this.#cseq ??= parseCSeq(required('cseq', this.header('cseq'))));
  }

  get topVia(): Via {
    return (this.#topVia ??= parseTopVia(required('via', this.header('via'))));
  }

  /**
   * Parses the headers that every message has, so that their getters throw no more.
   *
   * @throws SipSyntaxError when one is missing, broken, or but for Via there more than once
   */
  parseMandatory(): void {
    this.#topVia = parseTopVia(required('via', this.header('via')));
    this.#from = parseAddress('From', required('from', this.only('from')));
    this.#to = parseAddress('To', required('to', this.only('to')));
    this.#callId = checkedCallId(required('call-id', this.only('call-id')));
    this.#cseq = parseCSeq(required('cseq', this.only('cseq')));
  }

  get #headers(): HeaderIndex {
    return (this.#index ??= new HeaderIndex(this.wire, this.#headersStart));
  }

  #map(name: string, read: (entry: number) => string): readonly string[] {
    const headers = this.#headers;
    const found: string[] = [];
    for (let entry = headers.first(name); entry >= 0; entry = headers.following(entry)) {
      found.push(read(entry));
    }
    return found;
  }
}

/** A request as received (RFC 3261 §7.1). */
export class SipRequest extends MessageHeaders {
  readonly kind = 'request';
  /** As received: methods are told apart by case. */
  readonly method: string;
  /** As received, of any scheme. */
  readonly requestUri: string;
  #uri: SipUri | TelUri | undefined;

  constructor(wire: string, line: RequestLine, headersStart: number) {
    super(wire, line.version, headersStart);
    this.method = line.method;
    this.requestUri = line.uri;
  }

  /** The Request-URI parsed; throws like the getters of headers. */
  get uri(): SipUri | TelUri {
    return (this.#uri ??= parseUri(this.requestUri));
  }

  /**
   * Parses the Request-URI, so that `uri` throws no more.
   *
   * @throws SipSyntaxError when it is none; its subclass UnsupportedSchemeError for another scheme
   */
  parseRequestUri(): void {
    this.#uri = parseUri(this.requestUri);
  }
}

/** A response as received (RFC 3261 §7.2). */
export class SipResponse extends MessageHeaders {
  readonly kind = 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reasonPhrase: string;

  constructor(wire: string, line: StatusLine, headersStart: number) {
    super(wire, line.version, headersStart);
    this.status = line.status;
    this.reasonPhrase = line.reasonPhrase;
  }
}

export type SipMessage = SipRequest | SipResponse;

/**
 * Indexes one whole message. Also takes a message cut off anywhere behind its start line, of which the whole lines
 * count: enough to answer it.
 *
 * @throws SipSyntaxError when the first line is no start line of SIP
 */
export function indexMessage(wire: string): SipMessage {
  const lineEnd = wire.indexOf('\r\n');
  if (lineEnd < 0) throw new SipSyntaxError(`${excerpt(wire)} is no start line of SIP`);
  const line = parseStartLine(wire.slice(0, lineEnd));
  return line.kind === 'request' ? new SipRequest(wire, line, lineEnd + 2) : new SipResponse(wire, line, lineEnd + 2);
}

/** Why a message cannot be taken; `detail` is one clause, no full stop. */
export interface SipFault {
  readonly code: ErrorCode;
  readonly detail: string;
}

/**
 * All that RFC 3261 §8.1.1 and §8.2.1 ask of any message: version, mandatory headers once each and well-formed, CSeq
 * method, Content-Length, Request-URI. What old or careless senders leave out without harm is no fault: the From tag,
 * Max-Forwards, Content-Length.
 *
 * @returns undefined when the message can be taken
 */
export function messageFault(message: SipMessage): SipFault | undefined {
  if (message.version !== 'SIP/2.0' && message.version.toUpperCase() !== 'SIP/2.0') {
    return { code: 'version-unsupported', detail: `the version is ${excerpt(message.version)}` };
  }
  try {
    checkHeaders(message);
    if (message.kind === 'request') checkRequest(message);
    else checkResponse(message);
    return undefined;
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error;
    const isScheme = error instanceof UnsupportedSchemeError;
    return { code: isScheme ? 'uri-scheme-unsupported' : 'malformed-message', detail: error.message };
  }
}

function checkHeaders(message: SipMessage): void {
  const { badLine } = message;
  if (badLine !== undefined) throw new SipSyntaxError(`${excerpt(badLine)} is no header`);
  if (message.hasLoneLineEnd) throw new SipSyntaxError('a carriage return or line feed stands alone');
  message.parseMandatory();
  checkContentLength(message);
}

function checkRequest(request: SipRequest): void {
  if (!isToken(request.method)) throw new SipSyntaxError(`the method ${excerpt(request.method)} is no token`);
  if (request.cseq.method !== request.method) {
    const methods = `${excerpt(request.cseq.method)} and that of the request ${excerpt(request.method)}`;
    throw new SipSyntaxError(`the method of CSeq is ${methods}`);
  }
  const maxForwards = request.only('max-forwards');
  if (maxForwards !== undefined && !isNumber(maxForwards)) {
    throw new SipSyntaxError(`Max-Forwards is ${excerpt(maxForwards)}`);
  }
  // No token (RFC 3261 section 25.1): we would add a tag of ours to it, or look for a dialog that nobody has.
  const tags = [request.from, request.to].map(({ parameters }) => parameters.get('tag'));
  if (tags.includes('')) throw new SipSyntaxError('a tag of From or To is empty');
  request.parseRequestUri();
}

/** RFC 3261 §8.1.3.3: a second Via means that the response was not for us. */
function checkResponse(response: SipResponse): void {
  if (response.list('via').length > 1) throw new SipSyntaxError('the response has more than one Via');
}

function checkContentLength(message: SipMessage): void {
  const length = message.header('content-length');
  if (length === undefined) return;
  if (!isLength(length)) throw new SipSyntaxError(`Content-Length is ${excerpt(length)}`);
  const isAmbiguous =
    message.count('content-length') > 1 && message.headers('content-length').some((other) => other !== length);
  if (isAmbiguous) throw new SipSyntaxError('two Content-Length headers differ');
  const bytes = Number(length);
  if (bytes > 0 && message.body.length < bytes) throw new SipSyntaxError('the body is shorter than Content-Length');
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new SipSyntaxError(`header ${name} is missing`);
  return value;
}

/** An empty tag is as good as none. */
function tagOf(address: NameAddress): string | undefined {
  const tag = address.parameters.get('tag');
  return tag === '' ? undefined : tag;
}

function parseAddress(name: string, value: string): NameAddress {
  try {
    return parseNameAddress(value);
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error;
    throw new SipSyntaxError(`header ${name}: ${error.message}`);
  }
}

/** Digits, white space, a token (RFC 3261 §20.16). */
function parseCSeq(value: string): CSeq {
  const numberEnd = endOfDigits(value, 0);
  const methodStart = skipBlanks(value, numberEnd);
  const number = Number(value.slice(0, numberEnd));
  const method = value.slice(methodStart);
  const isWhole = numberEnd > 0 && methodStart > numberEnd && isToken(method);
  if (!isWhole || number > HIGHEST_CSEQ) throw new SipSyntaxError(`CSeq is ${excerpt(value)}`);
  return { number, method };
}

/** One word of visible bytes (RFC 3261 §25.1, callid); more is taken than its grammar has. */
function checkedCallId(value: string): string {
  if (value === '' || endOfRun(value, 0, CALL_ID_BYTES) < value.length) {
    throw new SipSyntaxError(`Call-ID is ${excerpt(value)}`);
  }
  return value;
}

/** A Content-Length that can be counted with; more digits than any body has are refused with the rest. */
function isLength(value: string): boolean {
  return value.length <= 15 && isNumber(value);
}

function parseTopVia(value: string): Via {
  return parseVia(value.slice(0, elementEnd(value, 0)));
}

/**
 * A value on one line: a fold is as good as one space (RFC 3261 §7.3.1). The expression must not begin with a run of
 * blanks: kilobytes of them would be searched again from each one.
 */
function unfold(raw: string): string {
  return raw.includes('\r') ? raw.replaceAll(/\r\n[ \t]+/g, ' ') : raw;
}
