import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isHostName, isLookupName } from '../../../src/base/host-name.js';
import { parseIpBlock } from '../../../src/base/ip-address.js';

describe('host names', () => {
  test('names as machines have them', () => {
    for (const text of [
      'localhost',
      'pbx.example.com',
      'PBX-1.example',
      'a',
      '3com.example',
      'my_pbx.local',
      'pbx.example.',
    ])
      assert.ok(isLookupName(text), text);
  });

  test('what is none', () => {
    const none = [
      '',
      '.',
      'a..b',
      '.a',
      '-a',
      'a-',
      'a b',
      'a/24',
      'a:5060',
      'a%eth0',
      '*.example',
      'é.example',
      'a\n',
    ];
    for (const text of none) assert.ok(!isHostName(text), text);
  });

  test('63 characters of a label, 253 of a name, and no more', () => {
    assert.ok(isHostName('a'.repeat(63)));
    assert.ok(!isHostName('a'.repeat(64)));
    assert.ok(isHostName('ab.'.repeat(84) + 'a'));
    assert.ok(!isHostName('ab.'.repeat(84) + 'ab'));
  });

  test('threat: a number that the resolver would read as an address in disguise is no name', () => {
    const disguised = [
      '10.1',
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '127.0.0.0x1',
      '192.0.2.256',
      '1.2.3.4.',
      'a.1',
      '0X',
    ];
    for (const text of disguised) assert.ok(!isLookupName(text), text);
  });

  test('property: nothing is both an address and a name', () => {
    const text = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain(), fc.string());
    fc.assert(fc.property(text, (each) => !(isLookupName(each) && parseIpBlock(each) !== undefined)));
  });
});
