import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  formatSessionDescription,
  parseSessionDescription,
  type SessionDescription,
} from '../../../../src/protocol/sdp/session-description.js';
import { SdpSyntaxError } from '../../../../src/protocol/sdp/syntax-error.js';

const head = ['v=0', 'o=- 1 2 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const sdp = (...lines: readonly string[]): string => [...head, ...lines, ''].join('\r\n');

const word = fc.stringMatching(/^[a-zA-Z0-9.+-]{1,12}$/);
const lower = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/);
const plain = { noNullPrototype: true } as const;
const address = fc.record(
  { type: fc.constantFrom('IP4' as const, 'IP6' as const), address: fc.stringMatching(/^[a-z0-9.:]{1,20}$/) },
  plain,
);
const attributes = fc.array(
  fc.record(
    { name: lower, value: fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/) },
    { requiredKeys: ['name'], ...plain },
  ),
  { maxLength: 4 },
);
const description: fc.Arbitrary<SessionDescription> = fc.record(
  {
    origin: fc.record(
      {
        username: word,
        sessionId: fc.stringMatching(/^\d{1,19}$/),
        sessionVersion: fc.stringMatching(/^\d{1,19}$/),
        address,
      },
      plain,
    ),
    sessionName: word,
    connection: address,
    attributes,
    media: fc.array(
      fc.record(
        {
          media: lower,
          port: fc.integer({ min: 0, max: 65_535 }),
          portCount: fc.integer({ min: 1, max: 9 }),
          protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'udptl'),
          formats: fc.array(word, { minLength: 1, maxLength: 4 }),
          connection: address,
          attributes,
        },
        { requiredKeys: ['media', 'port', 'portCount', 'protocol', 'formats', 'attributes'], ...plain },
      ),
      { maxLength: 3 },
    ),
  },
  { requiredKeys: ['sessionName', 'attributes', 'media'], ...plain },
);

describe('session description (RFC 8866)', () => {
  test('what was formatted parses to the same description', () => {
    fc.assert(
      fc.property(description, (made) => {
        assert.deepEqual(parseSessionDescription(formatSessionDescription(made)), made);
      }),
    );
  });

  test('arbitrary text parses, or throws SdpSyntaxError, and nothing else', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.oneof(fc.string(), fc.constantFrom('v=0', 'm=audio', 'm=audio 1 RTP/AVP 0', 'c=IN', 'a=', 'o=', 'm=')),
        )
        .map((lines) => `v=0\n${lines.join('\n')}`),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseSessionDescription(text);
        } catch (error) {
          assert.ok(error instanceof SdpSyntaxError);
        }
      }),
    );
  });

  test('lines that end with LF alone are read', () => {
    const parsed = parseSessionDescription(sdp('m=audio 4000 RTP/AVP 0').replaceAll('\r\n', '\n'));
    assert.equal(parsed.media[0]?.port, 4_000);
  });

  test('unknown lines, and lines that are none, are passed over', () => {
    const parsed = parseSessionDescription(
      sdp('x=1', 'nonsense', '', 'b=AS:64', 'm=audio 4000 RTP/AVP 0', 'k=clear:no'),
    );
    assert.deepEqual(parsed.media, [
      { media: 'audio', port: 4_000, portCount: 1, protocol: 'RTP/AVP', formats: ['0'], attributes: [] },
    ]);
  });

  test('c= and a= belong to the m= line above them, else to the session', () => {
    const parsed = parseSessionDescription(
      sdp('a=inactive', 'm=audio 1 RTP/AVP 0', 'c=IN IP6 2001:db8::7', 'A=x', 'a=SendOnly', 'm=video 0 RTP/AVP 96'),
    );
    assert.deepEqual(parsed.attributes, [{ name: 'inactive' }]);
    assert.deepEqual(parsed.media[0]?.connection, { type: 'IP6', address: '2001:db8::7' });
    assert.deepEqual(parsed.media[0].attributes, [{ name: 'sendonly' }]);
    assert.equal(parsed.media[1]?.connection, undefined);
  });

  test('m=audio 49170/2 -> two pairs', () => {
    assert.equal(parseSessionDescription(sdp('m=audio 49170/2 RTP/AVP 0')).media[0]?.portCount, 2);
  });

  test('a multicast address loses its TTL', () => {
    const parsed = parseSessionDescription('v=0\r\nc=IN IP4 224.2.1.1/127/3\r\n');
    assert.deepEqual(parsed.connection, { type: 'IP4', address: '224.2.1.1' });
  });

  test('a user name with blanks does not spoil o=', () => {
    const parsed = parseSessionDescription('v=0\no=PBX User Agent 7 9 IN IP4 192.0.2.1\ns=call\n');
    assert.deepEqual(parsed.origin, {
      username: 'PBX User Agent',
      sessionId: '7',
      sessionVersion: '9',
      address: { type: 'IP4', address: '192.0.2.1' },
    });
  });

  test('an unreadable o= is no fault: nothing of ours depends on it', () => {
    assert.equal(parseSessionDescription('v=0\no=-\ns=call\n').origin, undefined);
  });

  for (const [name, text] of [
    ['empty text', ''],
    ['no v= line', 's=-\r\nm=audio 1 RTP/AVP 0\r\n'],
    ['another version', 'v=1\r\n'],
    ['m= without port', sdp('m=audio')],
    ['m= with a word as port', sdp('m=audio x RTP/AVP 0')],
    ['m= with a port above 65535', sdp('m=audio 65536 RTP/AVP 0')],
    ['m= without formats', sdp('m=audio 4000 RTP/AVP')],
    ['c= of another network', sdp('c=ATM NSAP 47')],
    ['c= without address', sdp('c=IN IP4')],
  ] as const) {
    test(`${name} -> SdpSyntaxError`, () => {
      assert.throws(() => parseSessionDescription(text), SdpSyntaxError);
    });
  }
});
