/** One MIME entity, read by a parser written apart from what composes the mail, so that it can judge it. */
export interface ParsedEntity {
  /** Unfolded lines in order, names as written, values as written. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Decoded content; empty for a multipart. */
  readonly content: Buffer;
  readonly parts: readonly ParsedEntity[];
}

/** Reads a whole message strictly: any line that RFC 5322 or RFC 2045 does not allow throws. */
export function parseMail(raw: Uint8Array): ParsedEntity {
  const text = Buffer.from(raw).toString('latin1');
  const bare = /(^|[^\r])\n|\r(?!\n)/.exec(text);
  if (bare) throw new Error(`a bare CR or LF at ${String(bare.index)}`);
  for (const line of text.split('\r\n')) {
    if (line.length > 998) throw new Error(`a line of ${String(line.length)} bytes`);
    if (/[^\t\x20-\x7e]/.test(line)) throw new Error(`a byte that is no printable ASCII: ${JSON.stringify(line)}`);
  }
  return parseEntity(text);
}

function parseEntity(text: string): ParsedEntity {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) throw new Error('no end of the headers');
  const headers = parseHeaders(text.slice(0, end));
  const body = text.slice(end + 4);
  const type = parameters(headerOf(headers, 'Content-Type') ?? 'text/plain');
  if (!type.value.startsWith('multipart/')) {
    return { headers, content: decode(body, headerOf(headers, 'Content-Transfer-Encoding') ?? '7bit'), parts: [] };
  }
  const boundary = type.parameters.get('boundary');
  if (boundary === undefined) throw new Error('a multipart without boundary');
  const chunks = `\r\n${body}`.split(`\r\n--${boundary}`);
  const last = chunks.pop();
  if (!last?.startsWith('--')) throw new Error('a multipart without end');
  const parts = chunks.slice(1).map((chunk) => {
    if (!chunk.startsWith('\r\n')) throw new Error('a delimiter line with something behind it');
    return parseEntity(chunk.slice(2));
  });
  return { headers, content: Buffer.alloc(0), parts };
}

function parseHeaders(block: string): (readonly [string, string])[] {
  const headers: [string, string][] = [];
  for (const line of block.split('\r\n')) {
    const last = headers.at(-1);
    if (/^[ \t]/.test(line)) {
      if (!last || line.trim() === '') throw new Error(`a continuation of nothing: ${JSON.stringify(line)}`);
      last[1] += line;
      continue;
    }
    const match = /^([!-9;-~]+):(.*)$/.exec(line);
    if (!match) throw new Error(`no header line: ${JSON.stringify(line)}`);
    headers.push([match[1] ?? '', match[2] ?? '']);
  }
  return headers.map(([name, value]) => [name, value.trim()] as const);
}

function headerOf(headers: ParsedEntity['headers'], name: string): string | undefined {
  const found = headers.filter(([other]) => other.toLowerCase() === name.toLowerCase());
  if (found.length > 1) throw new Error(`${name} stands ${String(found.length)} times`);
  return found[0]?.[1];
}

/** The raw value of the one header of this name. */
export function rawHeader(entity: ParsedEntity, name: string): string | undefined {
  return headerOf(entity.headers, name);
}

/** The same with encoded words decoded (RFC 2047 §6). */
export function decodedHeader(entity: ParsedEntity, name: string): string | undefined {
  const value = headerOf(entity.headers, name);
  return value === undefined ? undefined : decodeWords(value);
}

function decodeWords(value: string): string {
  const word = /=\?([^?\s]+)\?([QqBb])\?([^?\s]*)\?=/g;
  return value
    .replace(/(\?=)[ \t]+(?==\?)/g, '$1')
    .replace(word, (_, charset: string, encoding: string, text: string) => {
      if (charset.toLowerCase() !== 'utf-8') throw new Error(`charset ${charset}`);
      const bytes =
        encoding.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : unescapeBytes(text.replaceAll('_', ' '), '=');
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    });
}

/** One mailbox of an address header: name and address (RFC 5322 §3.4). Throws when there is not exactly one. */
export function parseMailbox(value: string): { readonly name: string; readonly address: string } {
  const match = /^(?:("(?:[^"\\]|\\.)*"|[^"<>,:;@]*?)\s*<([^<>\s,]+@[^<>\s,]+)>|([^<>\s,"]+@[^<>\s,"]+))$/.exec(value);
  if (!match) throw new Error(`not one mailbox: ${value}`);
  const name = match[1] ?? '';
  const unquoted = name.startsWith('"') ? name.slice(1, -1).replace(/\\(.)/g, '$1') : decodeWords(name);
  return { name: unquoted, address: match[2] ?? match[3] ?? '' };
}

/** A structured value with its parameters, RFC 2231 continuations and charsets resolved. */
export function parameters(value: string): {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
} {
  const found = new Map<string, string>();
  const sections = new Map<string, { readonly order: number; readonly text: string; readonly escaped: boolean }[]>();
  const rest = value.replace(/^[^;]*/, '');
  const pattern = /;\s*([^\s=*;]+)(?:\*(\d+))?(\*)?\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)/y;
  let at = 0;
  while (at < rest.trimEnd().length) {
    pattern.lastIndex = at;
    const match = pattern.exec(rest);
    if (!match) throw new Error(`no parameter: ${rest.slice(at)}`);
    const [, name = '', order, star, raw = ''] = match;
    const text = raw.startsWith('"') ? raw.slice(1, -1).replace(/\\(.)/g, '$1') : raw;
    const list = sections.get(name.toLowerCase()) ?? [];
    list.push({ order: Number(order ?? 0), text, escaped: star !== undefined });
    sections.set(name.toLowerCase(), list);
    at = pattern.lastIndex;
  }
  for (const [name, list] of sections) found.set(name, joinSections(list));
  return { value: /^[^;]*/.exec(value)?.[0].trim().toLowerCase() ?? '', parameters: found };
}

function joinSections(list: { readonly order: number; readonly text: string; readonly escaped: boolean }[]): string {
  const sorted = [...list].sort((a, b) => a.order - b.order);
  const bytes = sorted.map(({ text, escaped, order }) => {
    if (!escaped) return Buffer.from(text, 'utf8');
    return unescapeBytes(order === 0 ? text.replace(/^utf-8'[^']*'/i, '') : text, '%');
  });
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(bytes));
}

function decode(body: string, encoding: string): Buffer {
  if (encoding.toLowerCase() === 'base64') return Buffer.from(body, 'base64');
  if (encoding.toLowerCase() === 'quoted-printable') return unescapeBytes(body.replace(/=\r\n/g, ''), '=');
  return Buffer.from(body, 'latin1');
}

function unescapeBytes(text: string, mark: '=' | '%'): Buffer {
  const pattern = mark === '=' ? /=([0-9A-Fa-f]{2})/g : /%([0-9A-Fa-f]{2})/g;
  const bytes = text.replace(pattern, (_, digits: string) => String.fromCharCode(parseInt(digits, 16)));
  return Buffer.from(bytes, 'latin1');
}
