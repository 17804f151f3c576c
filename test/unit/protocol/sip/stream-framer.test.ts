import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../../src/base/limits.js';
import { indexMessage } from '../../../../src/protocol/sip/message.js';
import { formatResponse } from '../../../../src/protocol/sip/response.js';
import { StreamFramer, type FramedItem } from '../../../../src/protocol/sip/stream-framer.js';
import { byteString } from './arbitraries.js';

function message(headers: readonly string[] = [], body = ''): string {
  return ['OPTIONS sip:um SIP/2.0', 'Via: SIP/2.0/TCP h;branch=z9hG4bK1', ...headers, '', body].join('\r\n');
}

function withBody(body: string): string {
  return message([`Content-Length: ${String(body.length)}`], body);
}

function itemsOf(stream: string, chunkBytes = stream.length): readonly FramedItem[] {
  const framer = new StreamFramer();
  const items: FramedItem[] = [];
  for (let position = 0; position < stream.length; position += chunkBytes) {
    items.push(...framer.push(stream.slice(position, position + chunkBytes)));
  }
  return items;
}

function faultOf(stream: string): FramedItem & { readonly kind: 'fault' } {
  const item = itemsOf(stream).at(-1);
  assert.ok(item?.kind === 'fault');
  return item;
}

describe('StreamFramer (RFC 3261 §18.3)', () => {
  test('many messages in one read, with and without body -> one item each, in order', () => {
    const wires = [message(), withBody('v=0\r\n\r\n\n'), message(['l:0']), withBody('INVITE x SIP/2.0\r\n\r\n')];
    assert.deepEqual(itemsOf(wires.join('')), wires.map((wire) => ({ kind: 'message', wire }))); // prettier-ignore
  });

  test('one byte a read -> the same items', () => {
    const stream = `\r\n${withBody('v=0\r\n')}\r\n\r\n${message()}`;
    const expected = [
      { kind: 'message', wire: withBody('v=0\r\n') },
      { kind: 'keep-alive-ping' },
      { kind: 'message', wire: message() },
    ];
    assert.deepEqual(itemsOf(stream, 1), expected);
    assert.deepEqual(itemsOf(stream), expected);
  });

  test('no Content-Length -> no body', () => {
    assert.deepEqual(itemsOf(message() + message()).length, 2);
  });

  test('Content-Length compact, in any case, folded, with white space, twice the same -> understood', () => {
    for (const header of [
      'l: 3',
      'L\t:3',
      'CONTENT-LENGTH : 3 ',
      'content-length:\r\n 3',
      'l: 3\r\nContent-Length: 3',
    ]) {
      const wire = message([header], 'abc');
      assert.deepEqual(itemsOf(wire + message()), [{ kind: 'message', wire }, { kind: 'message', wire: message() }]); // prettier-ignore
    }
  });

  test('a fold of another header that looks like a Content-Length is none', () => {
    const wire = message(['Subject: x\r\n Content-Length: 9'], '');
    assert.deepEqual(itemsOf(wire), [{ kind: 'message', wire }]);
  });

  test('CRLFCRLF between messages -> ping; a single CRLF, also before a message, is skipped (RFC 5626 §4.4.1)', () => {
    assert.deepEqual(itemsOf('\r\n'), []);
    assert.deepEqual(itemsOf('\r\n\r\n'), [{ kind: 'keep-alive-ping' }]);
    assert.deepEqual(itemsOf('\r\n\r\n\r\n\r\n').length, 2);
    assert.deepEqual(itemsOf(`\r\n${message()}\r\n${message()}\r\n`).map(({ kind }) => kind), ['message', 'message']); // prettier-ignore
  });

  test('hasUnfinished: from the first byte of a message to its last', () => {
    const framer = new StreamFramer();
    assert.equal(framer.hasUnfinished, false);
    const wire = withBody('abc');
    framer.push(wire.slice(0, 1));
    assert.equal(framer.hasUnfinished, true);
    framer.push(wire.slice(1, -1));
    assert.equal(framer.hasUnfinished, true);
    framer.push(wire.slice(-1));
    assert.equal(framer.hasUnfinished, false);
    framer.push('\r');
    assert.equal(framer.hasUnfinished, true);
    framer.push('\n');
    assert.equal(framer.hasUnfinished, false);
  });

  test('any split of the bytes gives the same items', () => {
    const piece = fc.oneof(
      fc.constantFrom(message(), withBody('abc\r\n'), '\r\n', '\r\n\r\n', message(['l: 2'], '\r\n'), message(['l: x'])),
      byteString(0).map((value) => message([`X: ${value.replaceAll(/[\r\n]/g, '.')}`])),
      byteString(0, 4),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), fc.array(fc.nat(400), { maxLength: 20 }), (pieces, cuts) => {
        const stream = pieces.join('');
        const framer = new StreamFramer();
        const items: FramedItem[] = [];
        let rest = stream;
        for (const cut of cuts) {
          items.push(...framer.push(rest.slice(0, cut)));
          rest = rest.slice(cut);
        }
        items.push(...framer.push(rest));
        assert.deepEqual(items, itemsOf(stream));
        assert.deepEqual(itemsOf(stream, 1), items);
      }),
      { numRuns: 500 },
    );
  });
});

describe('StreamFramer: what breaks the framing ends the stream', () => {
  const cases: Record<string, string> = {
    'Content-Length that is no number': message(['Content-Length: five']),
    'Content-Length without value': message(['Content-Length:']),
    'a negative Content-Length': message(['Content-Length: -999']),
    'two Content-Length that differ': message(['Content-Length: 3', 'l: 5'], 'abcde'),
    'two numbers in one Content-Length': message(['Content-Length: 3, 3'], 'abc'),
    'Content-Length without colon': message(['Content-Length 5']),
  };
  for (const [name, wire] of Object.entries(cases)) {
    test(`threat: ${name} -> malformed-message with the whole header block`, () => {
      const fault = faultOf(wire);
      assert.equal(fault.code, 'malformed-message');
      assert.equal(fault.wire, wire.slice(0, wire.indexOf('\r\n\r\n') + 4));
    });
  }

  test('threat: Content-Length of gigabytes, or of a thousand digits -> message-too-large, nothing is waited for', () => {
    for (const digits of ['4294967296', '9'.repeat(1000)]) {
      assert.equal(faultOf(message([`Content-Length: ${digits}`])).code, 'message-too-large');
    }
  });

  test('lines that end in LF alone -> malformed-message', () => {
    assert.equal(faultOf(message().replaceAll('\r\n', '\n')).code, 'malformed-message');
    assert.equal(faultOf(message(['X: a\nContent-Length: 5'])).code, 'malformed-message');
  });

  test('threat: HTTP, TLS and noise on a SIP port are seen at their first line, none of their bytes becomes SIP', () => {
    const smuggled = `POST / HTTP/1.1\r\nHost: um\r\nContent-Length: 400\r\n\r\n${message()}`;
    for (const stream of [smuggled, '\x16\x03\x01\x02\x00', '\0', '\r\r', '\n', ' OPTIONS sip:um SIP/2.0\r\n']) {
      assert.deepEqual(itemsOf(stream).map(({ kind }) => kind), ['fault']); // prettier-ignore
    }
  });

  test('after a fault nothing comes any more, and nothing is unfinished', () => {
    const framer = new StreamFramer();
    assert.equal(framer.push(`${message(['l: x'])}${message()}`).length, 1);
    assert.deepEqual(framer.push(message()), []);
    assert.equal(framer.hasUnfinished, false);
  });

  test('limit sipHeaderBytes: a header block of exactly so many bytes passes, one more does not', () => {
    const filled = (bytes: number): string => message([`X: ${'x'.repeat(bytes - message(['X: ']).length)}`]);
    assert.equal(itemsOf(filled(LIMITS.sipHeaderBytes))[0]?.kind, 'message');
    const fault = faultOf(filled(LIMITS.sipHeaderBytes + 1));
    assert.equal(fault.code, 'message-too-large');
    assert.equal(fault.wire.length, LIMITS.sipHeaderBytes);
  });

  test('limit sipHeaderBytes: headers without end fault while they arrive, and 513 can be answered', () => {
    const stream = `${message().slice(0, -2)}X: ${'x'.repeat(LIMITS.sipHeaderBytes)}`;
    const fault = faultOf(stream);
    assert.deepEqual(itemsOf(stream, 1_000), [fault]);
    const request = indexMessage(fault.wire);
    assert.ok(request.kind === 'request');
    const answer = formatResponse(request, { status: 513 }, { address: '192.0.2.9', port: 5060 });
    assert.match(
      answer,
      /^SIP\/2\.0 513 Message Too Large\r\nVia: SIP\/2\.0\/TCP h;branch=z9hG4bK1;received=192\.0\.2\.9\r\n/,
    );
  });

  test('limit sipHeaderCount: so many lines pass, one more does not; a fold counts', () => {
    const counted = (count: number, line: string): string => message(Array.from({ length: count - 1 }, () => line));
    assert.equal(itemsOf(counted(LIMITS.sipHeaderCount, 'x:'))[0]?.kind, 'message');
    assert.equal(faultOf(counted(LIMITS.sipHeaderCount + 1, 'x:')).code, 'message-too-large');
    assert.equal(faultOf(counted(LIMITS.sipHeaderCount + 1, ' x')).code, 'message-too-large');
  });

  test('limit sipBodyBytes: so many bytes pass, one more does not', () => {
    const wire = withBody('b'.repeat(LIMITS.sipBodyBytes));
    assert.deepEqual(itemsOf(wire, 10_000), [{ kind: 'message', wire }]);
    assert.equal(faultOf(message([`l: ${String(LIMITS.sipBodyBytes + 1)}`])).code, 'message-too-large');
  });

  test('threat: the largest message, one byte a read, costs time in proportion to its size', () => {
    // Rescanning or copying what is held at every byte would be 50,000,000,000 steps: the runner's limit would end it.
    const filler = `X: ${'x'.repeat(LIMITS.sipHeaderBytes - 200)}`;
    const wire = message([filler, `l: ${String(LIMITS.sipBodyBytes)}`], 'b'.repeat(LIMITS.sipBodyBytes));
    assert.deepEqual(itemsOf(wire, 1), [{ kind: 'message', wire }]);
  });

  test('threat: arbitrary bytes never throw, whatever their split', () => {
    fc.assert(
      fc.property(byteString(0, 200), fc.integer({ min: 1, max: 7 }), (noise, chunkBytes) => {
        assert.deepEqual(itemsOf(`OPTIONS${noise}`, chunkBytes), itemsOf(`OPTIONS${noise}`));
      }),
    );
  });
});
