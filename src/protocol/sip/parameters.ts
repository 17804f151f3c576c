import {
  COMMA,
  CR,
  EQUALS,
  GREATER,
  HTAB,
  LESS,
  LF,
  QUOTE,
  SEMICOLON,
  SPACE,
  excerpt,
  isToken,
  lowerCase,
  skipBlanks,
} from './characters.js';
import { endOfQuoted, quote, unquote } from './quoted-string.js';
import { SipSyntaxError } from './syntax-error.js';

/**
 * Walks header parameters in place: `;name`, `;name=token`, `;name="quoted"`, white space allowed around every mark
 * (RFC 3261 §25.1, generic-param). Offsets are into the text given, so that a raw line can be amended without being
 * written anew.
 */
export class ParameterCursor {
  nameStart = 0;
  nameEnd = 0;
  /** Offset of the value, quotes included; -1 when the parameter has none. */
  valueStart = -1;
  valueEnd = -1;
  #position: number;
  readonly #text: string;

  /** @param position - offset of the first semicolon, or of white space before it */
  constructor(text: string, position: number) {
    this.#text = text;
    this.#position = position;
  }

  /** Offset behind the parameter that was read last. */
  get position(): number {
    return this.#position;
  }

  /** In lower case; empty where the text has two semicolons in a row, or one at its end. */
  get name(): string {
    return lowerCase(this.#text.slice(this.nameStart, this.nameEnd));
  }

  /** Without quotes and escapes; empty for a parameter without value. */
  get value(): string {
    if (this.valueStart < 0) return '';
    const value = this.#text.slice(this.valueStart, this.valueEnd);
    return value.charCodeAt(0) === QUOTE ? unquote(value) : value;
  }

  /**
   * Reads the next parameter; `false` at the end of the text or at a comma.
   *
   * @throws SipSyntaxError when something else than a parameter stands there
   */
  next(): boolean {
    const text = this.#text;
    const separator = skipBlanks(text, this.#position);
    if (separator >= text.length || text.charCodeAt(separator) === COMMA) return false;
    if (text.charCodeAt(separator) !== SEMICOLON) {
      throw new SipSyntaxError(`${excerpt(text.slice(separator))} stands where a parameter was expected`);
    }
    this.nameStart = skipBlanks(text, separator + 1);
    this.nameEnd = endOfWord(text, this.nameStart);
    this.valueStart = -1;
    this.#position = this.nameEnd;
    const mark = skipBlanks(text, this.nameEnd);
    if (text.charCodeAt(mark) === EQUALS) this.#readValue(skipBlanks(text, mark + 1));
    return true;
  }

  #readValue(start: number): void {
    const quoted = this.#text.charCodeAt(start) === QUOTE;
    this.valueStart = start;
    this.valueEnd = quoted ? endOfQuoted(this.#text, start) : endOfWord(this.#text, start, true);
    this.#position = this.valueEnd;
  }
}

/** What a byte does to a name or value that is being read: nothing (0), or one of these. */
const ENDS_WORD = 1;
const ENDS_NAME = 2;
const BREAKS = 3;
const EFFECTS = effects();

/** Names and values may have more than token characters (IPv6, URIs, UTF-8): only what would end them does. */
function endOfWord(text: string, from: number, withEquals = false): number {
  for (let end = from; end < text.length; end += 1) {
    const effect = EFFECTS[text.charCodeAt(end)] ?? 0;
    if (effect === 0 || (effect === ENDS_NAME && withEquals)) continue;
    if (effect === BREAKS) throw new SipSyntaxError(`${excerpt(text.slice(from, end + 1))} is no parameter`);
    return end;
  }
  return text.length;
}

function effects(): Uint8Array {
  const table = new Uint8Array(256);
  for (const code of [SEMICOLON, COMMA, SPACE, HTAB, CR, LF]) table[code] = ENDS_WORD;
  table[EQUALS] = ENDS_NAME;
  for (const code of [QUOTE, LESS, GREATER]) table[code] = BREAKS;
  return table;
}

/** No parameters, shared by all that have none. */
const NONE: ReadonlyMap<string, string> = new Map();

/**
 * All parameters from `position` to the end of the text: names in lower case, values without quotes, `''` for flags.
 * Of a name given twice the first counts; empty parameters, which some gateways send, are passed over.
 *
 * @throws SipSyntaxError when something else than parameters stands there
 */
export function parseParameters(text: string, position: number): ReadonlyMap<string, string> {
  if (position >= text.length) return NONE;
  const cursor = new ParameterCursor(text, position);
  const parameters = new Map<string, string>();
  while (cursor.next()) {
    const name = cursor.name;
    if (name !== '' && !parameters.has(name)) parameters.set(name, cursor.value);
  }
  const end = skipBlanks(text, cursor.position);
  if (end < text.length) throw new SipSyntaxError(`${excerpt(text.slice(end))} stands behind the parameters`);
  return parameters;
}

/** The parameters as text, each with its semicolon; a value that is no token (or host) is quoted. */
export function formatParameters(parameters: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of parameters) {
    const written = isToken(value) || /^[0-9A-Fa-f:.[\]]+$/.test(value) ? value : quote(value);
    text += value === '' ? `;${name}` : `;${name}=${written}`;
  }
  return text;
}
