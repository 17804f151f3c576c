import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { indexMessage, messageFault, type SipRequest } from '../../../../src/protocol/sip/message.js';
import { formatResponse, reasonPhrase, type ResponseParts } from '../../../../src/protocol/sip/response.js';
import { byteString } from './arbitraries.js';

const peer = { address: '192.0.2.9', port: 40_000 };

function request(...lines: readonly string[]): SipRequest {
  const message = indexMessage(['INVITE sip:1000@um SIP/2.0', ...lines, '', ''].join('\r\n'));
  assert.ok(message.kind === 'request');
  return message;
}

const usual = ['From: "A" <sip:a@b>;tag=f', 'To: <sip:1000@um>', 'Call-ID: cid', 'CSeq: 1 INVITE'];

function viasOf(...lines: readonly string[]): readonly string[] {
  const wire = formatResponse(request(...lines, ...usual), { status: 200 }, peer);
  return indexMessage(wire).rawLines('via');
}

describe('formatResponse (RFC 3261 §8.2.6)', () => {
  test('a 302 -> the lines of the request, To tag, our headers', () => {
    const invite = request('Via: SIP/2.0/TCP 192.0.2.9:5060;branch=z9hG4bK1', ...usual, 'Record-Route: <sip:p;lr>');
    const parts: ResponseParts = { status: 302, toTag: 'ours', headers: [['Contact', '<sip:1000@um:5062>']] };
    assert.equal(
      formatResponse(invite, parts, peer),
      'SIP/2.0 302 Moved Temporarily\r\nVia: SIP/2.0/TCP 192.0.2.9:5060;branch=z9hG4bK1\r\n' +
        'From: "A" <sip:a@b>;tag=f\r\nTo: <sip:1000@um>;tag=ours\r\nCall-ID: cid\r\nCSeq: 1 INVITE\r\n' +
        'Contact: <sip:1000@um:5062>\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('compact, folded and comma-joined lines go back as they came', () => {
    const lines = [
      'v: SIP/2.0/TCP p1;branch=z9hG4bKq1,\r\n SIP/2.0/UDP p2',
      'Via: SIP/2.0/UDP p3',
      'f: "A, \\"B\\""\r\n <sip:a@b>;tag=1',
    ];
    const wire = formatResponse(
      request(...lines, 'T : <sip:1000@um>', 'i:cid', 'CSEQ: 1\r\n INVITE'),
      { status: 180, toTag: 't' },
      peer,
    );
    assert.equal(
      wire,
      'SIP/2.0 180 Ringing\r\nv: SIP/2.0/TCP p1;branch=z9hG4bKq1;received=192.0.2.9,\r\n SIP/2.0/UDP p2\r\n' +
        'Via: SIP/2.0/UDP p3\r\nf: "A, \\"B\\""\r\n <sip:a@b>;tag=1\r\nT : <sip:1000@um>;tag=t\r\ni:cid\r\n' +
        'CSEQ: 1\r\n INVITE\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('Timestamp is in 100 Trying and in nothing else (§8.2.6.1)', () => {
    const invite = request('Via: SIP/2.0/TCP h', ...usual, 'Timestamp: 54.2');
    assert.match(formatResponse(invite, { status: 100 }, peer), /\r\nTimestamp: 54\.2\r\n/);
    for (const status of [180, 200, 404]) assert.doesNotMatch(formatResponse(invite, { status }, peer), /Timestamp/);
  });

  test('Record-Route is in what can make a dialog, 101 to 299, and in nothing else', () => {
    const invite = request(
      'Via: SIP/2.0/TCP h',
      ...usual,
      'Record-Route: <sip:p1;lr>, <sip:p2;lr>',
      'Record-Route: <sip:p3>',
    );
    for (const [status, count] of [
      [100, 0],
      [101, 2],
      [180, 2],
      [200, 2],
      [299, 2],
      [300, 0],
      [486, 0],
    ] as const) {
      // prettier-ignore
      assert.equal(indexMessage(formatResponse(invite, { status }, peer)).count('record-route'), count, String(status));
    }
  });

  test('a To tag of the request stays; without one of ours none is added', () => {
    const tagged = request('Via: SIP/2.0/TCP h', 'To: "x;tag=no" <sip:1000@um;tag=no>;TAG=theirs');
    assert.match(formatResponse(tagged, { status: 200, toTag: 'ours' }, peer), /\r\nTo: .*>;TAG=theirs\r\n/);
    const inUri = request('Via: SIP/2.0/TCP h', 'To: "x;tag=no" <sip:1000@um;tag=no>  ');
    assert.match(formatResponse(inUri, { status: 200, toTag: 'ours' }, peer), /\r\nTo: .*;tag=no>;tag=ours\r\n/);
    assert.match(formatResponse(inUri, { status: 100 }, peer), /\r\nTo: .*;tag=no> {2}\r\n/);
  });

  test('a body and a reason of our own', () => {
    const wire = formatResponse(
      request('Via: SIP/2.0/TCP h', ...usual),
      { status: 200, reason: 'Fine', toTag: 't', body: { type: 'application/sdp', content: 'v=0\r\n' } },
      peer,
    );
    const response = indexMessage(wire);
    assert.equal(response.kind === 'response' && response.reasonPhrase, 'Fine');
    assert.equal(response.body, 'v=0\r\n');
    assert.equal(messageFault(response), undefined);
  });

  test('reasonPhrase: the standard one, else that of the class', () => {
    assert.equal(reasonPhrase(488), 'Not Acceptable Here');
    assert.equal(reasonPhrase(499), 'Request Failure');
    assert.equal(reasonPhrase(999), 'Unknown');
  });
});

describe('formatResponse: received and rport in the top Via (RFC 3261 §18.2.1, RFC 3581 §4)', () => {
  const cases: Record<string, readonly [via: string, expected: string]> = {
    'the address it came from': ['SIP/2.0/TCP 192.0.2.9:5060;branch=x', 'SIP/2.0/TCP 192.0.2.9:5060;branch=x'],
    'another address': ['SIP/2.0/TCP 10.0.0.1;branch=x', 'SIP/2.0/TCP 10.0.0.1;branch=x;received=192.0.2.9'],
    'a name': ['SIP/2.0/TCP gw.example.com', 'SIP/2.0/TCP gw.example.com;received=192.0.2.9'],
    'rport asked for': [
      'SIP/2.0/TCP 192.0.2.9;rport;branch=x',
      'SIP/2.0/TCP 192.0.2.9;rport=40000;branch=x;received=192.0.2.9',
    ],
    'rport at the end, with white space': [
      'SIP / 2.0 / TCP gw : 5060 ; branch = x ; RPORT ',
      'SIP / 2.0 / TCP gw : 5060 ; branch = x ; RPORT=40000;received=192.0.2.9 ',
    ],
    'received and rport that the peer made up': [
      'SIP/2.0/TCP gw;received=203.0.113.1;rport=1;branch=x',
      'SIP/2.0/TCP gw;rport=40000;branch=x;received=192.0.2.9',
    ],
    'a quoted parameter with marks in it': [
      'SIP/2.0/TCP gw;x="a;rport,b";alias, SIP/2.0/UDP p2;rport',
      'SIP/2.0/TCP gw;x="a;rport,b";alias;received=192.0.2.9, SIP/2.0/UDP p2;rport',
    ],
    'an IPv6 host': [
      'SIP/2.0/TCP [2001:db8::1]:5060;branch=x',
      'SIP/2.0/TCP [2001:db8::1]:5060;branch=x;received=192.0.2.9',
    ],
  };
  for (const [name, [via, expected]] of Object.entries(cases)) {
    test(name, () => {
      assert.deepEqual(viasOf(`Via: ${via}`), [`Via: ${expected}`]);
    });
  }

  test('only the top line is amended', () => {
    assert.deepEqual(viasOf('Via: SIP/2.0/TCP gw;rport', 'Via: SIP/2.0/TCP other;rport'), [
      'Via: SIP/2.0/TCP gw;rport=40000;received=192.0.2.9',
      'Via: SIP/2.0/TCP other;rport',
    ]);
  });

  test('an IPv6 peer -> received without brackets (RFC 5118 §4.5)', () => {
    const wire = formatResponse(
      request('Via: SIP/2.0/TCP gw', ...usual),
      { status: 200 },
      { address: '2001:db8::9', port: 1 },
    );
    assert.match(wire, /\r\nVia: SIP\/2\.0\/TCP gw;received=2001:db8::9\r\n/);
  });
});

describe('formatResponse: malformed requests are answered with what they have', () => {
  test('no header at all -> a status line and Content-Length', () => {
    assert.equal(
      formatResponse(request(), { status: 400, toTag: 't' }, peer),
      'SIP/2.0 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('a broken Via and a broken To go back unchanged', () => {
    const broken = request('Via: SIP/2.0/TCP', 'To: "open <sip:1000@um>', 'Call-ID: a b');
    assert.equal(
      formatResponse(broken, { status: 400, toTag: 't' }, peer),
      'SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/TCP\r\nTo: "open <sip:1000@um>\r\nCall-ID: a b\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('threat: any request that can be indexed is answered without an exception, in one message', () => {
    const line = fc.tuple(
      fc.constantFrom('Via: SIP/2.0/TCP ', 'v:', 'To: ', 'From:', 'Call-ID: ', 'CSeq: ', ''),
      byteString(0),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const wire = `INVITE sip:a@b SIP/2.0\r\n${lines.map((parts) => parts.join('')).join('\r\n')}\r\n\r\n`;
        const message = indexMessage(wire);
        assert.ok(message.kind === 'request');
        const answer = formatResponse(message, { status: 400, toTag: 't' }, peer);
        assert.ok(answer.endsWith('\r\nContent-Length: 0\r\n\r\n'));
        assert.equal(answer.indexOf('\r\n\r\n'), answer.length - 4);
      }),
      { numRuns: 500 },
    );
  });

  test('threat: header injection by our own parts, made from what a peer sent -> no line more than asked for', () => {
    const evil = 'x\r\nX-Evil: 1\n\u010a\u010dX-Evil: 2\r\n\r\n';
    const parts = { status: 400, reason: evil, toTag: evil, headers: [['Warning', evil]] as const };
    const wire = formatResponse(request('Via: SIP/2.0/TCP h', ...usual), parts, peer);
    assert.equal(wire.split('\r\n').length, 8 + 2);
    assert.equal(/[^\0-\xff]/.test(wire), false);
    assert.equal(indexMessage(wire).count('x-evil'), 0);
  });
});
