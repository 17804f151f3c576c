import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { indexMessage, messageFault, type SipMessage } from '../../../../src/protocol/sip/message.js';
import { formatResponse } from '../../../../src/protocol/sip/response.js';
import { SipSyntaxError } from '../../../../src/protocol/sip/syntax-error.js';
import { byteString } from './arbitraries.js';

const lines = {
  via: 'Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bKa1',
  from: 'From: "A" <sip:a@b>;tag=ft1',
  to: 'To: <sip:1000@um>',
  callId: 'Call-ID: cid1@x',
  cseq: 'CSeq: 1 INVITE',
  maxForwards: 'Max-Forwards: 70',
  contentLength: 'Content-Length: 0',
};

/** A request of which some lines are others; undefined leaves a line out. */
function invite(
  changes: Partial<Record<keyof typeof lines, string | undefined>> = {},
  more: readonly string[] = [],
): string {
  const all = Object.values({ ...lines, ...changes }).filter((line) => line !== undefined);
  return ['INVITE sip:1000@um SIP/2.0', ...all, ...more, '', ''].join('\r\n');
}

function faultOf(wire: string): string | undefined {
  return messageFault(indexMessage(wire))?.code;
}

describe('indexMessage (RFC 3261 §7)', () => {
  test('a request -> method, Request-URI, version, body', () => {
    const message = indexMessage('INVITE sip:1000@um SIP/2.0\r\nl: 3\r\n\r\nabcdef');
    assert.ok(message.kind === 'request');
    assert.equal(message.method, 'INVITE');
    assert.equal(message.requestUri, 'sip:1000@um');
    assert.equal(message.version, 'SIP/2.0');
    assert.equal(message.body, 'abc');
  });

  test('a response -> status and reason phrase, which may be empty or absent', () => {
    const status = (line: string): unknown => {
      const message = indexMessage(`${line}\r\n\r\n`);
      return message.kind === 'response' ? [message.status, message.reasonPhrase] : message.kind;
    };
    assert.deepEqual(status('SIP/2.0 200 OK then'), [200, 'OK then']);
    assert.deepEqual(status('SIP/2.0 100 '), [100, '']);
    assert.deepEqual(status('sip/2.0 486'), [486, '']);
  });

  test('extra spaces in the request line are passed over', () => {
    const message = indexMessage('INVITE  sip:1000@um  SIP/2.0  \r\n\r\n');
    assert.ok(message.kind === 'request');
    assert.equal(message.requestUri, 'sip:1000@um');
  });

  for (const line of [
    '',
    'INVITE',
    'GET / HTTP/1.1',
    'INVITE sip:a@b',
    ' SIP/2.0',
    'SIP/2.0 99 x',
    'SIP/2.0 2000 x',
    'SIP/2.0 abc',
    'INVITE sip:a@b SIP/x.0',
  ]) {
    test(`start line ${JSON.stringify(line)} -> SipSyntaxError`, () => {
      assert.throws(() => indexMessage(`${line}\r\n\r\n`), SipSyntaxError);
    });
  }

  test('names in any case, compact, with white space before the colon, are found by the long form', () => {
    const message = indexMessage(
      'OPTIONS sip:um SIP/2.0\r\nv: SIP/2.0/TCP a\r\nVIA : SIP/2.0/TCP b\r\nf:<sip:a@b>\r\nTO\t:  <sip:c@d>  \r\n' +
        'i: cid\r\nx-Custom-HEADER: one\r\nX-custom-header :two\r\nk: timer\r\n\r\n',
    );
    assert.deepEqual(message.headers('via'), ['SIP/2.0/TCP a', 'SIP/2.0/TCP b']);
    assert.equal(message.header('from'), '<sip:a@b>');
    assert.equal(message.header('to'), '<sip:c@d>');
    assert.equal(message.header('call-id'), 'cid');
    assert.equal(message.header('supported'), 'timer');
    assert.deepEqual(message.headers('x-custom-header'), ['one', 'two']);
    assert.equal(message.count('x-custom-header'), 2);
    assert.equal(message.header('x-custom'), undefined);
    assert.deepEqual(message.headers('v'), []);
  });

  test('a folded value -> one line, the raw line as received', () => {
    const message = indexMessage(
      invite({ from: 'From: "A"\r\n  <sip:a@b>\r\n\t;tag=ft3', cseq: 'CSeq: 9\r\n INVITE' }),
    );
    assert.equal(message.header('from'), '"A" <sip:a@b> ;tag=ft3');
    assert.equal(message.fromTag, 'ft3');
    assert.deepEqual(message.cseq, { number: 9, method: 'INVITE' });
    assert.deepEqual(message.rawLines('from'), ['From: "A"\r\n  <sip:a@b>\r\n\t;tag=ft3']);
    assert.equal(message.rawLine('cseq'), 'CSeq: 9\r\n INVITE');
    assert.equal(messageFault(message), undefined);
  });

  test('list() -> all elements of all lines, commas in quotes, escapes and brackets kept', () => {
    const message = indexMessage(
      invite({}, [
        'Diversion: "Doe, \\"J, K\\"" <sip:1,2@b>;reason=no-answer , <sip:c@d>',
        'Diversion:',
        'Diversion: sip:e@f,,',
      ]),
    );
    assert.deepEqual(message.list('diversion'), [
      '"Doe, \\"J, K\\"" <sip:1,2@b>;reason=no-answer',
      '<sip:c@d>',
      'sip:e@f',
    ]);
    assert.deepEqual(message.list('history-info'), []);
  });

  test('the top Via is the first element of the first line', () => {
    const message = indexMessage(
      invite({ via: 'Via: SIP/2.0/TCP p1;x="a,b";branch=z9hG4bKq1, SIP/2.0/UDP p2' }, [lines.via]),
    );
    assert.equal(message.topVia.sentBy, 'p1');
    assert.equal(message.topVia.branch, 'z9hG4bKq1');
    assert.equal(message.list('via').length, 3);
  });

  test('only() -> the value of a header that is there once', () => {
    const message = indexMessage(invite({}, ['Subject: a', 's: b']));
    assert.equal(message.only('max-forwards'), '70');
    assert.equal(message.only('route'), undefined);
    assert.throws(() => message.only('subject'), SipSyntaxError);
  });

  test('uri -> the Request-URI parsed', () => {
    const [good, bad] = [invite(), invite().replace('sip:1000@um', 'sip:')].map(indexMessage);
    assert.ok(good?.kind === 'request' && bad?.kind === 'request');
    assert.equal(good.uri.scheme === 'sip' && good.uri.user, '1000');
    assert.throws(() => bad.uri, SipSyntaxError);
  });

  test('a byte 0xA0 at the end of a value is part of it', () => {
    assert.equal(indexMessage(invite({}, ['Subject: voil\xc3\xa0'])).header('subject'), 'voil\xc3\xa0');
  });

  test('cut off within a line -> the whole lines count', () => {
    const message = indexMessage('INVITE sip:1000@um SIP/2.0\r\nCall-ID: cid\r\nFrom: <sip:a');
    assert.equal(message.callId, 'cid');
    assert.equal(message.header('from'), undefined);
    assert.equal(message.body, '');
  });
});

describe('messageFault (RFC 3261 §8.1.1, §8.2.1)', () => {
  test('a plain INVITE -> none', () => {
    assert.equal(faultOf(invite()), undefined);
  });

  test('threat: what was read before the check does not hide a second header from it', () => {
    const message = indexMessage(invite({}, ['f: <sip:other@b>;tag=x']));
    assert.equal(message.fromTag, 'ft1');
    assert.equal(messageFault(message)?.detail, 'header from is there more than once');
  });

  const fine: Record<string, string> = {
    'no Max-Forwards': invite({ maxForwards: undefined }),
    'no Content-Length': invite({ contentLength: undefined }),
    'no From tag': invite({ from: 'From: <sip:a@b>' }),
    'the same Content-Length twice': invite({}, ['l: 0']),
    'the highest CSeq': invite({ cseq: 'CSeq: 2147483647 INVITE' }),
    'leading zeros': invite({ cseq: 'CSeq: 0009 INVITE', maxForwards: 'MaX-fOrWaRdS: 0068' }),
    'a lower-case version': invite().replace('SIP/2.0\r\n', 'sip/2.0\r\n'),
    'a tel Request-URI in upper case': invite().replace('sip:1000@um', 'TEL:+1555'),
    'an epid parameter': invite({ from: 'From: "A" <sip:a@b>;tag=1;epid=00AABB' }),
    'a From without angle brackets': invite({ from: 'From: sip:a@b;tag=1' }),
  };
  for (const [name, wire] of Object.entries(fine)) {
    test(`${name} -> no fault`, () => {
      assert.equal(messageFault(indexMessage(wire)), undefined);
    });
  }

  const malformed: Record<string, string> = {
    'no Via': invite({ via: undefined }),
    'no From': invite({ from: undefined }),
    'no To': invite({ to: undefined }),
    'no Call-ID': invite({ callId: undefined }),
    'no CSeq': invite({ cseq: undefined }),
    'two From': invite({}, ['f: <sip:x@y>']),
    'two To': invite({}, [lines.to]),
    'two Call-ID': invite({}, ['i: other']),
    'two CSeq': invite({}, [lines.cseq]),
    'two Max-Forwards': invite({}, ['Max-Forwards: 5']),
    'Max-Forwards that is no number': invite({ maxForwards: 'Max-Forwards: many' }),
    'an empty Call-ID': invite({ callId: 'Call-ID:' }),
    'a Call-ID of two words': invite({ callId: 'Call-ID: a b' }),
    'a Call-ID with a control character': invite({ callId: 'Call-ID: a\x07b' }),
    'CSeq of another method': invite({ cseq: 'CSeq: 1 BYE' }),
    'CSeq method in lower case': invite({ cseq: 'CSeq: 1 invite' }),
    'CSeq of 2^31': invite({ cseq: 'CSeq: 2147483648 INVITE' }),
    'CSeq without method': invite({ cseq: 'CSeq: 1' }),
    'CSeq without number': invite({ cseq: 'CSeq: INVITE' }),
    'a negative CSeq': invite({ cseq: 'CSeq: -1 INVITE' }),
    'threat: CSeq of a thousand digits': invite({ cseq: `CSeq: ${'9'.repeat(1000)} INVITE` }),
    'a broken top Via': invite({ via: 'Via: SIP/2.0/TCP' }),
    'an empty tag of To': invite({ to: 'To: <sip:1000@um>;tag=' }),
    'an empty tag of From': invite({ from: 'From: <sip:a@b>;tag=' }),
    'an unterminated quote in From': invite({ from: 'From: "A <sip:a@b>;tag=1' }),
    'Content-Length that is no number': invite({ contentLength: 'Content-Length: five' }),
    'a negative Content-Length': invite({ contentLength: 'Content-Length: -999' }),
    'two Content-Length that differ': invite({}, ['Content-Length: 5']),
    'Content-Length above the body': invite({ contentLength: 'Content-Length: 1' }),
    'threat: Content-Length of a thousand digits': invite({ contentLength: `Content-Length: ${'9'.repeat(1000)}` }),
    'a line without colon': invite({}, ['this is no header']),
    'a header without name': invite({}, [': value']),
    'a blank in a header name': invite({}, ['Call ID: x']),
    'a first line that begins with a blank': invite({ via: ' Via: SIP/2.0/TCP a' }, [lines.via]),
    'threat: a line feed alone, which others take for a line end': invite({}, ['X: a\nCall-ID: evil']),
    'threat: a carriage return alone': invite({}, ['X: a\rCall-ID: evil']),
    'an empty Request-URI': 'INVITE SIP/2.0\r\n' + invite().slice(invite().indexOf('\r\n') + 2),
    'a Request-URI in brackets': invite().replace('sip:1000@um', '<sip:1000@um>'),
    'a Request-URI of two words': invite().replace('sip:1000@um', 'sip:1000@um; lr'),
    'a method that is no token': invite({ cseq: 'CSeq: 1 IN(VITE' }).replace('INVITE', 'IN(VITE'),
  };
  for (const [name, wire] of Object.entries(malformed)) {
    test(`${name} -> malformed-message`, () => {
      assert.equal(faultOf(wire), 'malformed-message');
    });
  }

  test('another version -> version-unsupported, before all else', () => {
    assert.equal(faultOf(invite({ via: undefined }).replace('SIP/2.0', 'SIP/7.0')), 'version-unsupported');
  });

  test('another scheme -> uri-scheme-unsupported', () => {
    assert.equal(faultOf(invite().replace('sip:1000@um', 'isbn:12345')), 'uri-scheme-unsupported');
  });

  test('a response with two Vias was not for us (RFC 3261 §8.1.3.3)', () => {
    const response = (more: readonly string[]): string => invite({}, more).replace(/^.*/, 'SIP/2.0 200 OK');
    assert.equal(faultOf(response([])), undefined);
    assert.equal(faultOf(response([lines.via])), 'malformed-message');
  });

  test('the detail is one printable line whatever the peer sent', () => {
    const fault = messageFault(indexMessage(invite({ callId: `Call-ID: "\x07\x1b[31m\xe9 ${'x'.repeat(500)}` })));
    assert.match(fault?.detail ?? '', /^[\x20-\x7e]{1,120}$/);
  });

  const property = fc.oneof(
    byteString(0, 200),
    fc
      .array(fc.oneof(fc.constantFrom(...Object.values(lines)), byteString(0)), { maxLength: 12 })
      .map((some) => some.join('\r\n')),
  );
  test('threat: arbitrary bytes throw nothing but SipSyntaxError, and no getter throws after no fault was found', () => {
    fc.assert(
      fc.property(fc.constantFrom('INVITE sip:a@b SIP/2.0\r\n', 'SIP/2.0 200 OK\r\n', ''), property, (start, rest) => {
        let message: SipMessage;
        try {
          message = indexMessage(`${start}${rest}\r\n\r\n`);
        } catch (error) {
          assert.ok(error instanceof SipSyntaxError);
          return;
        }
        for (const name of ['via', 'from', 'content-length', 'x-other']) {
          assert.equal(message.headers(name).length, message.count(name));
          assert.ok(message.list(name).every((element) => element !== ''));
        }
        if (messageFault(message) !== undefined) return;
        const { callId, fromTag, toTag, cseq, topVia } = message;
        assert.ok(callId !== '' && fromTag !== '' && toTag !== '' && cseq.number >= 0 && topVia.host !== '');
      }),
      { numRuns: 500 },
    );
  });

  test('threat: kilobytes of blanks, folds and commas are read in linear time', () => {
    // A quadratic search of these takes minutes: the test would run into the runner's limit.
    const blanks = ' '.repeat(60_000);
    const message = indexMessage(
      invite({ from: `From: "A"${blanks}<sip:a@b>${blanks};tag=1`, cseq: `CSeq: 1${'\r\n '.repeat(20_000)}INVITE` }, [
        `Diversion: ${','.repeat(60_000)}`,
        `Subject: ${blanks}x${blanks}y`,
      ]),
    );
    assert.equal(message.fromTag, '1');
    assert.equal(message.list('diversion').length, 0);
    assert.equal(messageFault(message), undefined);
  });

  test('threat: kilobytes of colons where an IPv6 address should stand are refused in linear time', () => {
    const colons = `[${':'.repeat(60_000)}g]`;
    for (const wire of [
      invite({ via: `Via: SIP/2.0/TCP ${colons};branch=z9hG4bK1` }),
      invite({}).replace('sip:1000@um', `sip:1000@${colons}`),
    ]) {
      const message = indexMessage(wire);
      assert.equal(messageFault(message)?.code, 'malformed-message');
      assert.ok(message.kind === 'request');
      formatResponse(message, { status: 400 }, { address: '192.0.2.9', port: 5060 });
    }
  });
});
