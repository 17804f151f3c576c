import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { describeJsonFault, jsonFaultAt } from '../../../src/cli/json-fault.js';

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('where a text stops being JSON', () => {
  for (const [text, where] of [
    ['{\n  "a": 1,\n  }', 'line 3, column 3: unexpected "}"'],
    ['{"a": 1\n "b": 2}', 'line 2, column 2: unexpected "\\""'],
    ['[1, 2', 'line 1, column 6: the text ends too early'],
    ['', 'line 1, column 1: the text ends too early'],
    ['[1,]', 'line 1, column 4: unexpected "]"'],
    ['{"a" 1}', 'line 1, column 6: unexpected "1"'],
    ['[012]', 'line 1, column 3: unexpected "1"'],
    ['{a: 1}', 'line 1, column 2: unexpected "a"'],
    ['["a\nb"]', 'line 1, column 4: unexpected "\\n"'],
    ['["\\x"]', 'line 1, column 3: unexpected "\\\\"'],
    ['["abc', 'line 1, column 6: the text ends too early'],
    ['{} {}', 'line 1, column 4: unexpected "{"'],
    ['\r\n\t📞', 'line 2, column 2: unexpected "📞"'],
    ['[tru]', 'line 1, column 2: unexpected "t"'],
  ] as const) {
    test(`${JSON.stringify(text)} -> ${where}`, () => {
      assert.equal(describeJsonFault(text), where);
    });
  }

  test('it finds a fault where JSON.parse does, and only there', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '\n',
      '\t',
      '"a"',
      '1',
      '-',
      '0.5e+3',
      'true',
      'null',
      '\\u00e9',
      'é',
      '\u0001',
    );
    const scraps = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const cut = fc.tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '}', '"', 'x')).map(([json, at, put]) => {
      const index = at % (json.length + 1);
      return json.slice(0, index) + put + json.slice(index + 1);
    });
    fc.assert(
      fc.property(fc.oneof(scraps, cut, fc.json()), (text) => {
        assert.equal(jsonFaultAt(text) === undefined, isJson(text), text);
      }),
      { numRuns: 2_000 },
    );
  });

  test('what could still become JSON is not at fault: the place is behind it', () => {
    fc.assert(
      fc.property(fc.json(), fc.nat(), (json, at) => {
        const prefix = json.slice(0, at % (json.length + 1));
        const fault = jsonFaultAt(`${prefix}\u0001`);
        // A token cut short (`tru`, `-`) is at fault from its beginning.
        assert.ok(fault !== undefined && fault <= prefix.length && /^[-\w.+\\]*$/.test(prefix.slice(fault)));
      }),
    );
  });
});
