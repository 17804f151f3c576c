import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { isLoopback, isUnspecified, parseIpAddress, parseIpBlock } from '../../../src/base/ip-address.js';

describe('IP addresses', () => {
  test('property: an address is taken exactly when the operating system would take it', () => {
    const part = fc.oneof(
      fc.constantFrom(':', '::', '.', '0', '00', 'ffff', '255', '256', '1'),
      fc.string({ maxLength: 2 }),
    );
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (each) => {
        if (each.includes('%')) return;
        assert.equal(parseIpAddress(each) !== undefined, isIP(each) !== 0, each);
      }),
      { numRuns: 2_000 },
    );
  });

  test('all ways of writing one address are the same', () => {
    const same = (...texts: readonly string[]): void => {
      for (const text of texts) assert.deepEqual(parseIpAddress(text), parseIpAddress(texts[0] ?? ''), text);
    };
    same('2001:db8::1', '2001:0DB8:0:0:0:0:0:1', '2001:db8:0::0.0.0.1', '2001:db8::1%eth0');
    same('192.0.2.5', '::ffff:192.0.2.5', '::FFFF:c000:205', '0:0:0:0:0:ffff:192.0.2.5');
    assert.equal(parseIpAddress('192.0.2.5')?.family, 4);
    assert.equal(parseIpAddress('::192.0.2.5')?.family, 6, 'IPv4-compatible is not IPv4-mapped');
  });

  test('blocks: bits beyond the length are dropped, lengths outside the family are refused', () => {
    assert.deepEqual(parseIpBlock('10.1.2.3/8'), { family: 4, length: 8, value: 10n << 24n });
    assert.deepEqual(parseIpBlock('::/0'), { family: 6, length: 0, value: 0n });
    assert.equal(parseIpBlock('192.0.2.5')?.length, 32);
    assert.equal(parseIpBlock('::ffff:10.0.0.0/104')?.length, 8);
    for (const text of [
      '10.0.0.0/33',
      '::/129',
      '::ffff:10.0.0.0/95',
      '10.0.0.0/',
      '10.0.0.0/8/8',
      '10.0.0.0/-1',
      '/8',
      '10.0.0.0/8.0',
    ]) {
      assert.equal(parseIpBlock(text), undefined, text);
    }
  });

  test('loopback and unspecified addresses', () => {
    const [loopback, unspecified] = [isLoopback, isUnspecified].map((check) =>
      ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '128.0.0.1', '0.0.0.0', '::'].filter((text) => {
        const address = parseIpAddress(text);
        return address !== undefined && check(address);
      }),
    );
    assert.deepEqual(loopback, ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']);
    assert.deepEqual(unspecified, ['0.0.0.0', '::']);
  });
});
