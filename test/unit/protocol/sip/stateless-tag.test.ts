import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { statelessTag } from '../../../../src/protocol/sip/stateless-tag.js';
import { byteString } from './arbitraries.js';

describe('statelessTag (RFC 3261 §8.2.7)', () => {
  test('the same Call-ID -> the same tag in every version of this program', () => {
    assert.equal(statelessTag('a84b4c76e66710@pc33.atlanta.example.com'), 'cc2d9eb03bab8cc6');
  });

  test('any Call-ID -> 16 hexadecimal digits', () => {
    fc.assert(fc.property(byteString(0, 100), (callId) => { assert.match(statelessTag(callId), /^[0-9a-f]{16}$/); })); // prettier-ignore
  });

  test('20,000 Call-IDs that differ little -> as many tags', () => {
    const tags = new Set(Array.from({ length: 20_000 }, (_, k) => statelessTag(`call-${String(k)}@192.0.2.1`)));
    assert.equal(tags.size, 20_000);
  });
});
