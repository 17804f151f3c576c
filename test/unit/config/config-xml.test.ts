import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/base/limits.js';
import { readConfigXml } from '../../../src/config/config-xml.js';

const one = (element: string): string => `<configuration>\n${element}\n</configuration>`;
const faultsOf = (text: string): readonly string[] =>
  readConfigXml(text).faults.map(({ line, what }) => `${String(line)}: ${what}`);

describe('configuration file as XML', () => {
  test('entries come with the line on which their element begins', () => {
    const text = [
      '\uFEFF<?xml version="1.0" encoding="utf-8"?>',
      '<!-- <add key="Hidden" value="1"/> -->',
      '<configuration>',
      '  <appSettings>',
      '    <add key="A" value="1"/>',
      '    <add',
      "      key='B'",
      '      value="  two  "></add>',
      '  </appSettings>',
      '  <add key="C" value=""/>',
      '</configuration>',
    ].join('\r\n');
    assert.deepEqual(readConfigXml(text), {
      entries: [
        { key: 'A', value: '1', line: 5 },
        { key: 'B', value: 'two', line: 6 },
        { key: 'C', value: '', line: 10 },
      ],
      faults: [],
    });
  });

  test('numbers and words stay text: nothing is guessed', () => {
    const read = readConfigXml(one('<add key="A" value="007"/><add key="B" value="1e3"/><add key="C" value="true"/>'));
    assert.deepEqual(
      read.entries.map(({ value }) => value),
      ['007', '1e3', 'true'],
    );
  });

  test('the five entities and character references are decoded', () => {
    const [entry] = readConfigXml(
      one('<add key="A" value="&quot;x&quot; &lt;a&#64;b&gt; &amp;amp; &#x1F4E7;"/>'),
    ).entries;
    assert.equal(entry?.value, '"x" <a@b> &amp; \u{1F4E7}');
  });

  const broken: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    ['an empty file', '', /^1: not well-formed XML/],
    ['text that is no XML', 'MinimumRtpPort = 20000', /^1: not well-formed XML/],
    [
      'an element that is not closed',
      '<configuration>\n<appSettings>\n</configuration>',
      /^[23]: not well-formed XML.*appSettings/,
    ],
    ['a value without quotes', one('<add key="A" value=1/>'), /^2: not well-formed XML.*value/],
    ['an attribute twice', one('<add key="A" key="B" value="1"/>'), /^2: not well-formed XML.*key/],
    ['another outermost element', '<settings/>', /^1: the outermost element must be <configuration>/],
    ['two outermost elements', '<configuration/>\n<configuration/>', /^2: <configuration> stands after/],
    ['an unknown element', one('<clear/>'), /^2: <clear> is not known/],
    ['a misspelt attribute', one('<add key="A" value="1" vlaue="2"/>'), /^2: <add> has an attribute vlaue/],
    ['no key', one('<add value="1"/>'), /^2: <add> lacks its key/],
    ['no value', one('<add key="A"/>'), /^2: <add> lacks its value \(key A\)/],
    ['text between elements', one('20000'), /^1: the text "20000" in <configuration> has no meaning/],
    ['an unknown entity', one('<add key="A" value="a&nbsp;b"/>'), /^2: A has "&nbsp;" in its value/],
    ['a bare ampersand', one('<add key="A" value="a & b"/>'), /^2: A has "&" in its value/],
    ['a reference to no character', one('<add key="A" value="&#xD800;"/>'), /^2: A has "&#xD800;" in its value/],
    ['a name of JavaScript', one('<__proto__ key="A"/>'), /^1: not well-formed XML/],
  ];
  for (const [name, text, fault] of broken) {
    test(`${name} -> a fault with its line`, () => {
      const faults = faultsOf(text);
      assert.equal(faults.length, 1, faults.join('\n'));
      assert.match(faults[0] ?? '', fault);
    });
  }

  test('all faults are named at once, in the order of their lines', () => {
    const text = one('<clear/>\n<add key="A"/>\n<remove key="B"/>');
    assert.deepEqual(
      readConfigXml(text).faults.map(({ line }) => line),
      [2, 3, 4],
    );
  });

  test('threat: entities that grow without end (a billion laughs) are refused before parsing', () => {
    const text = '<?xml version="1.0"?>\n<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<configuration/>';
    assert.deepEqual(faultsOf(text), ['2: a DOCTYPE is refused: remove it']);
  });

  test('threat: an external entity that reads a file is refused, in whatever case it is written', () => {
    const text = '<!doctype x SYSTEM "file:///etc/shadow"><configuration/>';
    assert.deepEqual(faultsOf(text), ['1: a DOCTYPE is refused: remove it']);
  });

  test('limit configBytes: a larger file is refused unread', () => {
    assert.match(
      faultsOf(' '.repeat(LIMITS.configBytes + 1))[0] ?? '',
      new RegExp(`larger than ${String(LIMITS.configBytes)} bytes`),
    );
  });

  test('property: any text is read or refused with lines that exist, never thrown at', () => {
    const piece = fc.constantFrom(
      '<configuration>',
      '</configuration>',
      '<add key="A" value="1"/>',
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '&',
      '"',
      '\n',
      '<?',
      '?>',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(piece, fc.string()), { maxLength: 12 }), (pieces) => {
        const text = pieces.join('');
        const lines = text.split(/\r\n?|\n/).length;
        for (const { line } of readConfigXml(text).faults)
          assert.ok(line >= 1 && line <= lines, `line ${String(line)}`);
      }),
    );
  });

  test('property: every value that is escaped is read back', () => {
    const text = fc.string({ unit: 'grapheme' }).map((value) => value.replaceAll(/[\u0000-\u001f]/g, ' ').trim());
    fc.assert(
      fc.property(text, (value) => {
        const escaped = value
          .replaceAll('&', '&amp;')
          .replaceAll('<', '&lt;')
          .replaceAll('>', '&gt;')
          .replaceAll('"', '&quot;');
        assert.equal(readConfigXml(one(`<add key="A" value="${escaped}"/>`)).entries[0]?.value, value);
      }),
    );
  });
});
