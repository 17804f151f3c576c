/**
 * The headers that have a number of their own in a header index: long form in lower case, and the compact form where
 * there is one (IANA's table of SIP header fields). Any other header is found by its name.
 */
const KNOWN: readonly (readonly [long: string, compact?: string])[] = [
  ['via', 'v'],
  ['from', 'f'],
  ['to', 't'],
  ['call-id', 'i'],
  ['cseq'],
  ['max-forwards'],
  ['content-length', 'l'],
  ['content-type', 'c'],
  ['content-encoding', 'e'],
  ['contact', 'm'],
  ['route'],
  ['record-route'],
  ['require'],
  ['supported', 'k'],
  ['allow'],
  ['diversion'],
  ['history-info'],
  ['p-asserted-identity'],
  ['remote-party-id'],
  ['session-expires', 'x'],
  ['refer-to', 'r'],
  ['referred-by', 'b'],
  ['event', 'o'],
  ['allow-events', 'u'],
  ['subject', 's'],
  ['accept-contact', 'a'],
  ['request-disposition', 'd'],
  ['reject-contact', 'j'],
  ['identity', 'y'],
  ['identity-info', 'n'],
];

/** The number of a header without one. */
export const UNKNOWN_HEADER = 0;

const NUMBERS: ReadonlyMap<string, number> = new Map(KNOWN.map(([long], position) => [long, position + 1]));

/** The number of a header by its long form in lower case; UNKNOWN_HEADER when it has none. */
export function headerNumber(name: string): number {
  return NUMBERS.get(name) ?? UNKNOWN_HEADER;
}

export const CONTENT_LENGTH = headerNumber('content-length');

interface Spelling {
  readonly name: string;
  readonly number: number;
}

/** All spellings by length and first letter: a name is compared with one candidate, seldom two. */
const BUCKETS: readonly (readonly Spelling[])[] = bucketsOf(
  KNOWN.flatMap(([long, compact], position) => {
    const number = position + 1;
    return compact === undefined
      ? [{ name: long, number }]
      : [
          { name: long, number },
          { name: compact, number },
        ];
  }),
);

/** The number of the header whose name, long or compact, in any case, stands in `text` from `start` to `end`. */
export function headerNumberAt(text: string, start: number, end: number): number {
  const candidates = BUCKETS[bucketOf(end - start, text.charCodeAt(start))];
  if (candidates === undefined) return UNKNOWN_HEADER;
  for (const { name, number } of candidates) {
    if (isSpelled(text, start, name)) return number;
  }
  return UNKNOWN_HEADER;
}

function isSpelled(text: string, start: number, name: string): boolean {
  for (let position = 0; position < name.length; position += 1) {
    const wanted = name.charCodeAt(position);
    const found = text.charCodeAt(start + position);
    // Letters differ from their capitals in one bit; the hyphen, 0x2D, must not match 0x0D.
    if (found !== wanted && (found < 65 || (found | 32) !== wanted)) return false;
  }
  return true;
}

function bucketOf(length: number, firstCode: number): number {
  return (length << 5) | (firstCode & 31);
}

function bucketsOf(spellings: readonly Spelling[]): readonly (readonly Spelling[])[] {
  const highest = Math.max(...spellings.map(({ name }) => bucketOf(name.length, 31)));
  const buckets: Spelling[][] = Array.from({ length: highest + 1 }, () => []);
  for (const spelling of spellings) {
    buckets[bucketOf(spelling.name.length, spelling.name.charCodeAt(0))]?.push(spelling);
  }
  return buckets;
}
