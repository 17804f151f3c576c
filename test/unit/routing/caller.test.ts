import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/base/limits.js';
import { bytesOfText, cleanText, textOfBytes } from '../../../src/routing/byte-text.js';
import { callerOf } from '../../../src/routing/caller.js';
import { requestOf } from './invites.js';

const caller = (from: string, ...headers: readonly string[]): readonly [number: string, name: string] => {
  const { number, name } = callerOf(requestOf({ from, headers }));
  return [number, name];
};

describe('who calls', () => {
  test('P-Asserted-Identity, else Remote-Party-ID, else From', () => {
    const asserted = 'P-Asserted-Identity: "Asserted" <sip:111@x>';
    const remote = 'Remote-Party-ID: "Remote" <sip:222@x>;party=calling;privacy=off';
    assert.deepEqual(caller('"From" <sip:333@x>', asserted, remote), ['111', 'Asserted']);
    assert.deepEqual(caller('"From" <sip:333@x>', remote), ['222', 'Remote']);
    assert.deepEqual(caller('"From" <sip:333@x>'), ['333', 'From']);
  });

  test('of two asserted identities the telephone number counts, and the name of either', () => {
    assert.deepEqual(caller('<sip:1@x>', 'P-Asserted-Identity: "Ann" <sip:ann@x>, <tel:+1-425-555-0100>'), [
      '+14255550100',
      'Ann',
    ]);
  });

  test('an identity that cannot be read is passed over', () => {
    assert.deepEqual(caller('"From" <sip:333@x>', 'P-Asserted-Identity: "broken <sip:1@x>'), ['333', 'From']);
    assert.deepEqual(caller('<sip:333@x>', 'Remote-Party-ID: <sip:5000@x>;party=called'), ['333', '']);
  });

  test('separators and parameters go, a SIP name keeps its host, no user part is no number', () => {
    assert.deepEqual(caller('<sip:+1(425)555-0100;phone-context=x@x;user=phone>'), ['+14255550100', '']);
    assert.deepEqual(caller('<sip:Ann@Example.com>'), ['ann@example.com', '']);
    assert.deepEqual(caller('<sip:*86@x>'), ['*86', '']);
    assert.deepEqual(caller('<sip:192.0.2.5>'), ['', '']);
    assert.deepEqual(caller('<mailto:a@b>'), ['', '']);
  });

  const withheld: readonly (readonly [string, ...string[]])[] = [
    ['"Ann" <sip:1@x>', 'Privacy: id'],
    ['"Ann" <sip:1@x>', 'P-Asserted-Identity: "Ann" <sip:1@x>', 'Privacy: critical; ID'],
    ['"Ann" <sip:1@x>', 'Remote-Party-ID: "Ann" <sip:1@x>;party=calling;privacy=full'],
    ['"Anonymous" <sip:anonymous@anonymous.invalid>'],
    ['"x" <sip:whoever@anonymous.invalid>'],
    ['<sip:Restricted@pbx>'],
    ['"Unavailable" <sip:unavailable@pbx>'],
  ];
  for (const [from, ...headers] of withheld) {
    test(`${[from, ...headers].join(', ')} -> neither number nor name`, () => {
      assert.deepEqual(caller(from, ...headers), ['', '']);
    });
  }

  test('an asserted identity without Privacy counts though From is anonymous; Privacy: none hides nothing', () => {
    const from = '"Anonymous" <sip:anonymous@anonymous.invalid>';
    assert.deepEqual(caller(from, 'P-Asserted-Identity: <sip:111@x>', 'Privacy: none'), ['111', '']);
    assert.deepEqual(caller('"Anonymous" <sip:111@x>'), ['111', '']);
  });

  test('names are UTF-8, else latin1', () => {
    assert.deepEqual(caller(`"${bytesOfText('Zoë 李 📧')}" <sip:1@x>`), ['1', 'Zoë 李 📧']);
    assert.deepEqual(caller('"Zo\xeb" <sip:1@x>'), ['1', 'Zoë']);
  });

  test('threat: control and direction characters are taken out of names and numbers', () => {
    assert.deepEqual(caller(`"${bytesOfText('Ann\u202e\u2066\u0085\u2028 Bob\u0007')}" <sip:1@x>`), ['1', 'Ann Bob']);
    assert.deepEqual(caller('<sip:a%0D%0ABcc%3A%00b@x>'), ['a bcc:b@x', '']);
  });

  test('limits callerNameCharacters and callerNumberCharacters cut between characters', () => {
    const [number, name] = caller(`"${bytesOfText('📧'.repeat(300))}" <sip:${'1'.repeat(1_000)}@x>`);
    assert.equal(name, '📧'.repeat(LIMITS.callerNameCharacters));
    assert.equal(number, '1'.repeat(LIMITS.callerNumberCharacters));
  });
});

describe('bytes and text', () => {
  test('property: text -> bytes -> text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = bytesOfText(text);
        assert.match(bytes, /^[\u0000-\u00ff]*$/);
        assert.equal(bytes, Buffer.from(text, 'utf8').toString('latin1'));
        assert.equal(textOfBytes(bytes), text);
      }),
    );
  });

  test('property: bytes that are no UTF-8 are latin1, as a strict decoder judges', () => {
    const bytes = fc
      .array(fc.oneof(fc.nat(255), fc.constantFrom(0xc0, 0xc3, 0xe0, 0xed, 0xf0, 0xf4, 0x80, 0xbf, 0xa0)))
      .map((codes) => String.fromCharCode(...codes));
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(bytes, (each) => {
        let expected = each;
        try {
          expected = strict.decode(Buffer.from(each, 'latin1'));
        } catch {
          // latin1 it is
        }
        assert.equal(textOfBytes(each), expected);
      }),
    );
  });

  test('property: clean text is one line, within its limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, most) => {
        const clean = cleanText(text, most);
        assert.doesNotMatch(clean, /[\p{Cc}\p{Cs}\u2028-\u202e]/u);
        assert.ok(Array.from(clean).length <= most);
      }),
    );
  });
});
