import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { counted, printable, shellWord, textTable } from '../../../src/cli/text-table.js';

describe('textTable', () => {
  test('columns are as wide as their widest cell, without trailing spaces', () => {
    assert.equal(textTable(['A', 'LONGER'], [['first', 'x']]), 'A      LONGER\nfirst  x');
  });

  test('a caller named by escape sequences cannot steer the terminal', () => {
    assert.equal(printable('\u001b[2Jgone\u009b1m\u007f'), '?[2Jgone?1m?');
    assert.doesNotMatch(textTable(['NAME'], [['\u001b]0;title\u0007']]), /[\u0000-\u0009\u000b-\u001f]/u);
  });

  test('other scripts and emoji stay', () => {
    assert.equal(printable('Jürgen 東京 📞'), 'Jürgen 東京 📞');
  });
});

describe('words for people', () => {
  test('one thing, several things', () => {
    assert.deepEqual(
      [0, 1, 2].map((count) => counted(count, 'call')),
      ['0 calls', '1 call', '2 calls'],
    );
  });

  test('a command that is shown can be pasted into a shell', () => {
    assert.deepEqual(['/var/lib/openum', 'a b', "it's", ''].map(shellWord), [
      '/var/lib/openum',
      "'a b'",
      "'it'\\''s'",
      "''",
    ]);
  });
});
