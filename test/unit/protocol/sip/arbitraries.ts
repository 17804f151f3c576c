import fc from 'fast-check';

/** Strings of which every character is a byte, of any value. */
export function byteString(minLength: number, maxLength = 24): fc.Arbitrary<string> {
  return fc
    .array(
      fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...'"\\;,<>:@=% \r\n\t[]/'.split('').map(codeOf))),
      {
        minLength,
        maxLength,
      },
    )
    .map((codes) => String.fromCharCode(...codes));
}

function codeOf(character: string): number {
  return character.charCodeAt(0);
}

/** What a quoted-string can say: bytes without line ends. */
export const quotable = byteString(1).map((text) => text.replaceAll(/[\r\n]/g, '.'));

export const token = fc.stringMatching(/^[A-Za-z0-9.!%*_+`'~-]{1,12}$/);

export const host = fc.oneof(
  fc.constantFrom('pbx.example.com', 'gw_1', '192.0.2.1', '2001:db8::9:1', '::ffff:192.0.2.10'),
  fc.stringMatching(/^[a-z0-9]{1,10}(\.[a-z0-9]{1,5}){0,2}$/),
);

export const port = fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined });

/** Parameters of a header as they are after parsing: lower-case names, any value. */
export const parameters = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), fc.oneof(fc.constant(''), token, host, quotable)), {
    maxLength: 4,
  })
  .map((entries): ReadonlyMap<string, string> => new Map(entries));

/** White space wherever the grammar allows LWS: none, some, or a fold. */
export const blank = fc.constantFrom('', '', ' ', '\t', '\r\n ', '  \r\n\t');
