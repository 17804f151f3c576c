import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatNameAddress, parseNameAddress, type NameAddress } from '../../../../src/protocol/sip/name-address.js';
import { SipSyntaxError } from '../../../../src/protocol/sip/syntax-error.js';
import { byteString, parameters, quotable } from './arbitraries.js';

const nameAddress: fc.Arbitrary<NameAddress> = fc.record(
  {
    displayName: fc.option(quotable, { nil: undefined }),
    uri: fc.constantFrom('sip:1000@pbx.example.com', 'sips:a;b@[::1]:5061;lr?x=y', 'tel:+1555', 'isbn:1', '*'),
    parameters,
  },
  { noNullPrototype: true },
);

function parsedOrNone(text: string): NameAddress | undefined {
  try {
    return parseNameAddress(text);
  } catch (error) {
    assert.ok(error instanceof SipSyntaxError);
    return undefined;
  }
}

describe('parseNameAddress (RFC 3261 §20.10, §25.1)', () => {
  const cases: readonly (readonly [text: string, name: string | undefined, uri: string, tag?: string])[] = [
    ['<sip:a@b>;tag=1', undefined, 'sip:a@b', '1'],
    ['"A" <sip:a@b>;tag=ft1', 'A', 'sip:a@b', 'ft1'],
    ['sip:a@b;tag=1', undefined, 'sip:a@b', '1'],
    ['sip:a@b ;   tag    = 1918181833n', undefined, 'sip:a@b', '1918181833n'],
    ['"J Rosenberg \\\\\\""       <sip:j@b>\r\n ;\r\n tag = 98asjd8', 'J Rosenberg \\"', 'sip:j@b', '98asjd8'],
    ['"A \\"x\\" <sip:z@z>;tag=evil" <sip:a@b;x=1>;tag=ft4', 'A "x" <sip:z@z>;tag=evil', 'sip:a@b;x=1', 'ft4'],
    ['caller<sip:a@b>;tag=323', 'caller', 'sip:a@b', '323'],
    ['Bell, Alexander <sip:a@b>;tag=43', 'Bell, Alexander', 'sip:a@b', '43'],
    ['"Watson, Thomas" < sip:t@b >', 'Watson, Thomas', 'sip:t@b'],
    ['"Doe, J" sip:a@b;tag=5', 'Doe, J', 'sip:a@b', '5'],
    ['John "Jack" Doe <sip:a@b>', 'John "Jack" Doe', 'sip:a@b'],
    ['"" <sip:a@b>;tag=1', '', 'sip:a@b', '1'],
    ['<sip:a@b;tag=inuri>', undefined, 'sip:a@b;tag=inuri'],
    ['<sip:a@b>;epid=0A1B;tag=7;epid=other', undefined, 'sip:a@b', '7'],
    ['<sip:a@b>;;tag=7;', undefined, 'sip:a@b', '7'],
    ['<TEL:+1555>;TAG=x', undefined, 'TEL:+1555', 'x'],
    ['Voil\xc3\xa0\t<sip:a@b>', 'Voil\xc3\xa0', 'sip:a@b'],
    ['*', undefined, '*'],
  ];
  for (const [text, displayName, uri, tag] of cases) {
    test(`${JSON.stringify(text)} -> ${displayName ?? 'no name'}, ${uri}, tag ${tag ?? 'none'}`, () => {
      const address = parseNameAddress(text);
      assert.equal(address.displayName, displayName);
      assert.equal(address.uri, uri);
      assert.equal(address.parameters.get('tag'), tag);
    });
  }

  test('quoted parameter values lose quotes and escapes, flags are empty', () => {
    const { parameters: found } = parseNameAddress('<sip:a@b>;reason="a;b,\\"c\\"";privacy=off;flag');
    assert.deepEqual([...found], [['reason', 'a;b,"c"'], ['privacy', 'off'], ['flag', '']]); // prettier-ignore
  });

  const broken = [
    '', ' ', '"Mr. J. User <sip:j@b>', '"Mr J. User <sip:j@b> <sip:r@b>"', '<sip:a@b', '<>', '"A"', ';tag=1', '<sip:a b@c>',
    '<sip:a@b> tag=1', '<sip:a@b>;tag="1', '<sip:a@b>;tag=a b', '<sip:a@b>;x=a"b"', 'sip:a@b;x=<sip:c@d>', '<sip:a@b>, <sip:c@d>',
    '<sip:a\r\n@b>', '<<sip:a@b>>', 'sip:a@b <',
  ]; // prettier-ignore
  for (const text of broken) {
    test(`${JSON.stringify(text)} -> SipSyntaxError`, () => {
      assert.throws(() => parseNameAddress(text), SipSyntaxError);
    });
  }

  test('the quick way for common elements and the walk for all others come to the same', () => {
    // White space in front is never common.
    const rest = fc.stringMatching(/^[ab:;=@ "\\<>,\x80\u0141]{0,16}$/);
    fc.assert(
      fc.property(fc.constantFrom('', '"A" ', '"A" <sip:a@b>', '<sip:a@b>;'), rest, (start, text) => {
        assert.deepEqual(parsedOrNone(start + text), parsedOrNone(` ${start}${text}`));
      }),
      { numRuns: 2_000 },
    );
  });

  test('parse(format(address)) = address', () => {
    fc.assert(fc.property(nameAddress, (address) => { assert.deepEqual(parseNameAddress(formatNameAddress(address)), address); })); // prettier-ignore
  });

  test('threat: arbitrary bytes throw nothing but SipSyntaxError', () => {
    fc.assert(
      fc.property(fc.constantFrom('', '"', '<sip:a@b>', '<sip:a@b>;'), byteString(0), (start, rest) => {
        try {
          parseNameAddress(start + rest);
        } catch (error) {
          assert.ok(error instanceof SipSyntaxError);
        }
      }),
    );
  });
});
