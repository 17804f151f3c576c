import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { escapeHtml, fileNamePart, plainLines, singleLine } from '../../../src/mailbox/mail-text.js';

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\r', '\n', '\0', ' ', '=', '?', ';', '"', '\\', '/', '<', 'é', '🎈', '\u202e', '\u200e', '\ud800', '\u2028', '\x7f', '\x85', '.', '-') }), // prettier-ignore
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
);

test('any text -> one line without controls, direction marks, halves of pairs or encoded words, within its limit', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 1, max: 300 }), (text, most) => {
      const line = singleLine(text, most);
      assert.doesNotMatch(line, /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]|=\?/u);
      assert.ok(Array.from(line).length <= most);
      assert.equal(line, line.trim());
      assert.equal(singleLine(line, most), line, 'doing it twice changes nothing');
    }),
  );
});

test('a name in any script, with emoji made of several characters, stays as it is', () => {
  for (const name of ['Zoë O’Neil', 'שלום עולם', '山田 太郎', '👩‍👩‍👧 Family', 'a;b "c" <d>'])
    assert.equal(singleLine(name, 256), name);
});

test('threat: a name of megabytes costs no more than its beginning', () => {
  assert.equal(singleLine('x'.repeat(50_000_000), 256).length, 256);
});

test('plain lines: line ends become LF, controls become spaces', () => {
  assert.equal(plainLines('a\r\nb\rc\u2028d\0e  \n'), 'a\nb\nc\nd e\n');
});

test('any text in HTML -> no character that opens or closes anything is left', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      assert.doesNotMatch(escapeHtml(text), /[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/);
    }),
  );
});

test('any line as part of a file name -> no separator, no reserved character, no hidden file', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const part = fileNamePart(singleLine(text, 256), 64);
      assert.doesNotMatch(part, /[\\/:*?"'<>|;%&$`\p{Cc}]|^[.\-\s]|\s$/u);
    }),
  );
});
