import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { comparableNumber, comparablePilot, isTelephoneNumber } from '../../../src/directory/number.js';

const written = fc.stringMatching(/^[+0-9*#\-.() ;axZ]{0,12}$/);

describe('numbers of the directory', () => {
  test('a telephone number is digits behind one + or none', () => {
    fc.assert(fc.property(written, (text) => isTelephoneNumber(text) === /^\+?\d+$/.test(text)));
    for (const text of ['', '+', '1+', '++1', '1\n']) assert.equal(isTelephoneNumber(text), false);
  });

  test('separators and parameters are dropped, a + is kept, names are compared without case', () => {
    const forms = ['+1 (425) 555-0100', '5000', '*97#', '10-00;phone-context=x', ' Ann.Example '].map(comparableNumber);
    assert.deepEqual(forms, ['+14255550100', '5000', '*97#', '1000', 'ann.example']);
  });

  test('a pilot is the same with and without its scheme', () => {
    assert.deepEqual(['tel:+1 555', 'SIP:5000', 'sips:Ann@host', '5000'].map(comparablePilot), ['+1555', '5000', 'ann@host', '5000']); // prettier-ignore
  });

  test('a comparable form is its own comparable form', () => {
    fc.assert(
      fc.property(written, (text) => {
        const comparable = comparableNumber(text);
        assert.equal(comparableNumber(comparable), comparable);
      }),
    );
  });
});
