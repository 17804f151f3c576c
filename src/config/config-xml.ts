import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { LIMITS } from '../base/limits.js';

/** One `<add key= value=>` as it stands in the file. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: string;
  /** Line of the file on which the element begins, counted from 1. */
  readonly line: number;
}

/** One fault of a file: where, and what. */
export interface ConfigFault {
  readonly line: number;
  /** One clause, no full stop. */
  readonly what: string;
}

export interface ConfigText {
  readonly entries: readonly ConfigEntry[];
  readonly faults: readonly ConfigFault[];
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  removeNSPrefix: true,
  // Decoded here: the parser passes over character references, and leaves unknown entities as they stand.
  processEntities: false,
  trimValues: true,
  captureMetaData: true,
});

/** An element as the parser hands it out. */
interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly Element[];
  readonly text: string;
  readonly line: number;
}

/**
 * Reads `<configuration><appSettings><add key="…" value="…"/>…`, the shape of .NET configuration files; `appSettings` may be
 * left out. A document type declaration is refused before anything is parsed: nobody needs one here, and entities declared
 * in it can name files or grow without end.
 */
export function readConfigXml(text: string): ConfigText {
  const source = text.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n');
  const fault = wholeFileFault(source);
  if (fault) return { entries: [], faults: [fault] };
  try {
    return readTree(elementsOf(parser.parse(source), source));
  } catch (error) {
    // What the validator let pass: reserved names, unclosed comments, nesting without end.
    return {
      entries: [],
      faults: [{ line: 1, what: `not well-formed XML: ${error instanceof Error ? error.message : ''}` }],
    };
  }
}

function wholeFileFault(source: string): ConfigFault | undefined {
  if (source.length > LIMITS.configBytes) {
    return { line: 1, what: `larger than ${String(LIMITS.configBytes)} bytes: this is no configuration file` };
  }
  const doctype = /<!\s*DOCTYPE/i.exec(source);
  if (doctype) return { line: lineAt(source, doctype.index), what: 'a DOCTYPE is refused: remove it' };
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- its successor is a package of its own with the same code
  const verdict = XMLValidator.validate(source);
  if (verdict === true) return undefined;
  return { line: verdict.err.line, what: `not well-formed XML: ${verdict.err.msg.replace(/\.$/, '')}` };
}

function readTree(roots: readonly Element[]): ConfigText {
  const entries: ConfigEntry[] = [];
  const faults: ConfigFault[] = [];
  const elements = roots.filter((root) => !root.name.startsWith('?'));
  const [root, ...more] = elements;
  if (root?.name !== 'configuration') {
    return { entries, faults: [{ line: root?.line ?? 1, what: 'the outermost element must be <configuration>' }] };
  }
  for (const other of more) faults.push({ line: other.line, what: `<${other.name}> stands after </configuration>` });
  readSection(root, { entries, faults }, 0);
  return { entries, faults: faults.sort((a, b) => a.line - b.line) };
}

interface Reading {
  readonly entries: ConfigEntry[];
  readonly faults: ConfigFault[];
}

function readSection(section: Element, reading: Reading, depth: number): void {
  if (section.text !== '') {
    reading.faults.push({
      line: section.line,
      what: `the text "${section.text.slice(0, 60)}" in <${section.name}> has no meaning`,
    });
  }
  for (const element of section.children) {
    if (element.name === 'add') readEntry(element, reading);
    else if (element.name === 'appSettings' && depth === 0) readSection(element, reading, 1);
    else
      reading.faults.push({
        line: element.line,
        what: `<${element.name}> is not known; settings are <add key="…" value="…" />`,
      });
  }
}

function readEntry(element: Element, { entries, faults }: Reading): void {
  const line = element.line;
  const key = element.attributes.get('key');
  const value = element.attributes.get('value');
  for (const name of element.attributes.keys()) {
    if (name !== 'key' && name !== 'value')
      faults.push({ line, what: `<add> has an attribute ${name}; it takes key and value only` });
  }
  if (element.children.length > 0 || element.text !== '') faults.push({ line, what: '<add> must be empty' });
  if (key === undefined || value === undefined) {
    faults.push({ line, what: `<add> lacks its ${key === undefined ? 'key' : `value (key ${key})`}` });
    return;
  }
  const bad = undecodable(value);
  if (bad !== undefined) faults.push({ line, what: `${key} has "${bad}" in its value; write &amp; for an ampersand` });
  else entries.push({ key: key.trim(), value: decode(value).trim(), line });
}

/** The first thing in a value that looks like a reference and is none. */
function undecodable(value: string): string | undefined {
  const known = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/g;
  const rest = value.replaceAll(known, (reference) => (decodeReference(reference) === undefined ? reference : ''));
  return /&[^;\s]{0,20};?/.exec(rest)?.[0];
}

function decode(value: string): string {
  return value.replaceAll(/&[^;]+;/g, (reference) => decodeReference(reference) ?? reference);
}

function decodeReference(reference: string): string | undefined {
  const name = reference.slice(1, -1);
  if (!name.startsWith('#')) return ENTITIES[name];
  const code = name.startsWith('#x') ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : undefined;
}

function lineAt(source: string, index: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at >= 0 && at < index; at = source.indexOf('\n', at + 1)) line += 1;
  return line;
}

/** The parser's nodes with names; each node is an object with its name as one key and its attributes under `:@`. */
function elementsOf(nodes: unknown, source: string): readonly Element[] {
  if (!Array.isArray(nodes)) return [];
  const elements: Element[] = [];
  for (const node of nodes as readonly unknown[]) {
    if (!isRecord(node)) continue;
    const name = Object.keys(node).find((key) => key !== ':@');
    if (name === undefined || name === '#text') continue;
    elements.push({
      name,
      attributes: attributesOf(node[':@']),
      children: elementsOf(node[name], source),
      text: textOf(node[name]),
      line: lineAt(source, startOf(node)),
    });
  }
  return elements;
}

function textOf(nodes: unknown): string {
  if (!Array.isArray(nodes)) return '';
  return (nodes as readonly unknown[])
    .map((node) => (isRecord(node) && typeof node['#text'] === 'string' ? node['#text'] : ''))
    .join('')
    .trim();
}

function attributesOf(attributes: unknown): ReadonlyMap<string, string> {
  if (!isRecord(attributes)) return new Map();
  return new Map(Object.entries(attributes).map(([name, value]) => [name, typeof value === 'string' ? value : '']));
}

function startOf(node: Record<PropertyKey, unknown>): number {
  // The types call the symbol an object; at run time it is a symbol.
  const symbol: unknown = XMLParser.getMetaDataSymbol();
  const place = typeof symbol === 'symbol' ? node[symbol] : undefined;
  return isRecord(place) && typeof place['startIndex'] === 'number' ? place['startIndex'] : 0;
}

function isRecord(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === 'object' && value !== null;
}
