type Expected = 'value' | 'first-item' | 'first-key' | 'key' | 'colon' | 'after-item' | 'after-member' | 'end';

/** A token: a punctuation mark is its own kind. `end` is where the next may begin; of a `fault`, where it is. */
interface Token {
  readonly kind: 'string' | 'scalar' | 'fault' | '{' | '}' | '[' | ']' | ',' | ':';
  readonly end: number;
}

const SPACE = /[ \t\n\r]*/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;

/**
 * Where a text stops being JSON (RFC 8259), for people: `line 12, column 7: unexpected "}"`; both count from 1. JSON.parse of Node
 * names a place for some faults only, and as a number of characters. Undefined when it is JSON.
 */
export function describeJsonFault(text: string): string | undefined {
  const at = jsonFaultAt(text);
  if (at === undefined) return undefined;
  const before = text.slice(0, at);
  const line = before.split('\n').length;
  const column = at - (before.lastIndexOf('\n') + 1) + 1;
  const found = at === text.length ? 'the text ends too early' : `unexpected ${JSON.stringify(characterAt(text, at))}`;
  return `line ${String(line)}, column ${String(column)}: ${found}`;
}

/** Index of the first character that cannot stand where it stands; the text's length when more should follow. */
export function jsonFaultAt(text: string): number | undefined {
  const open: ('{' | '[')[] = [];
  let expected: Expected = 'value';
  for (let at = 0; ;) {
    at = endOf(SPACE, text, at) ?? at;
    if (at === text.length) return expected === 'end' ? undefined : at;
    const token = tokenAt(text, at);
    if (token.kind === 'fault') return isValueExpected(expected, text.charAt(at)) ? token.end : at;
    const next = nextExpected(expected, token.kind, open);
    if (next === undefined) return at;
    expected = next;
    at = token.end;
  }
}

/** Whether a string that is faulty further on may at least begin here. */
function isValueExpected(expected: Expected, first: string): boolean {
  return first === '"' && ['value', 'first-item', 'first-key', 'key'].includes(expected);
}

function nextExpected(
  expected: Expected,
  kind: Exclude<Token['kind'], 'fault'>,
  open: ('{' | '[')[],
): Expected | undefined {
  switch (expected) {
    case 'first-item':
      return kind === ']' ? closed(open) : valueBegun(kind, open);
    case 'value':
      return valueBegun(kind, open);
    case 'first-key':
      return kind === '}' ? closed(open) : kind === 'string' ? 'colon' : undefined;
    case 'key':
      return kind === 'string' ? 'colon' : undefined;
    case 'colon':
      return kind === ':' ? 'value' : undefined;
    case 'after-item':
      return kind === ',' ? 'value' : kind === ']' ? closed(open) : undefined;
    case 'after-member':
      return kind === ',' ? 'key' : kind === '}' ? closed(open) : undefined;
    case 'end':
      return undefined;
  }
}

function valueBegun(kind: Exclude<Token['kind'], 'fault'>, open: ('{' | '[')[]): Expected | undefined {
  if (kind === 'string' || kind === 'scalar') return afterValue(open);
  if (kind !== '{' && kind !== '[') return undefined;
  open.push(kind);
  return kind === '{' ? 'first-key' : 'first-item';
}

function closed(open: ('{' | '[')[]): Expected {
  open.pop();
  return afterValue(open);
}

function afterValue(open: readonly ('{' | '[')[]): Expected {
  const innermost = open.at(-1);
  return innermost === undefined ? 'end' : innermost === '{' ? 'after-member' : 'after-item';
}

function tokenAt(text: string, at: number): Token {
  const first = text.charAt(at);
  switch (first) {
    case '{':
    case '}':
    case '[':
    case ']':
    case ',':
    case ':':
      return { kind: first, end: at + 1 };
    case '"':
      return stringAt(text, at);
    default: {
      const end = endOf(SCALAR, text, at);
      return end === undefined ? { kind: 'fault', end: at } : { kind: 'scalar', end };
    }
  }
}

function stringAt(text: string, start: number): Token {
  let at = start + 1;
  while (at < text.length) {
    if (text.charAt(at) === '"') return { kind: 'string', end: at + 1 };
    if (text.charCodeAt(at) < 0x20) return { kind: 'fault', end: at };
    const end = text.charAt(at) === '\\' ? endOf(ESCAPE, text, at) : at + 1;
    if (end === undefined) return { kind: 'fault', end: at };
    at = end;
  }
  return { kind: 'fault', end: text.length };
}

function endOf(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}
