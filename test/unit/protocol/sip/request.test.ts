import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { indexMessage, messageFault } from '../../../../src/protocol/sip/message.js';
import { formatRequest, type HeaderLine } from '../../../../src/protocol/sip/request.js';
import { byteString, token } from './arbitraries.js';

const via = 'SIP/2.0/TCP 192.0.2.1:5065;branch=z9hG4bKx';
const dialogHeaders: readonly HeaderLine[] = [
  ['From', '<sip:um@192.0.2.1>;tag=1'],
  ['To', '<sip:a@b>;tag=2'],
  ['Call-ID', 'cid'],
  ['CSeq', '7 BYE'],
];

describe('formatRequest (RFC 3261 §8.1.1)', () => {
  test('a BYE -> start line, Via, Max-Forwards, headers, Content-Length 0', () => {
    assert.equal(
      formatRequest({ method: 'BYE', uri: 'sip:a@b', headers: dialogHeaders }, via),
      `BYE sip:a@b SIP/2.0\r\nVia: ${via}\r\nMax-Forwards: 70\r\nFrom: <sip:um@192.0.2.1>;tag=1\r\n` +
        'To: <sip:a@b>;tag=2\r\nCall-ID: cid\r\nCSeq: 7 BYE\r\nContent-Length: 0\r\n\r\n',
    );
  });

  test('a Max-Forwards of the caller is not doubled', () => {
    const headers: readonly HeaderLine[] = [...dialogHeaders, ['max-forwards', '10']];
    const message = indexMessage(formatRequest({ method: 'BYE', uri: 'sip:a@b', headers }, via));
    assert.deepEqual(message.headers('max-forwards'), ['10']);
  });

  test('a body -> its type and its length in bytes', () => {
    const body = { type: 'application/sdp', content: 'v=0\r\ns=\xc3\xa9\r\n' };
    const message = indexMessage(formatRequest({ method: 'BYE', uri: 'sip:a@b', headers: dialogHeaders, body }, via));
    assert.equal(message.header('content-type'), 'application/sdp');
    assert.equal(message.header('content-length'), String(body.content.length));
    assert.equal(message.body, body.content);
    assert.equal(messageFault(message), undefined);
  });

  test('parse(format(request)) = request', () => {
    const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
    const extra = fc.array(fc.tuple(token.map((name) => `X-${name}`), value), { maxLength: 5 }); // prettier-ignore
    fc.assert(
      fc.property(token, extra, byteString(0, 100), (method, more, content) => {
        const headers: readonly HeaderLine[] = [...dialogHeaders.slice(0, 3), ['CSeq', `7 ${method}`], ...more];
        const parts = { method, uri: 'sip:a@b;lr', headers, body: { type: 'a/b', content } };
        const message = indexMessage(formatRequest(parts, via));
        assert.equal(messageFault(message), undefined);
        assert.ok(message.kind === 'request');
        assert.equal(message.method, method);
        assert.equal(message.requestUri, parts.uri);
        assert.equal(message.body, content);
        assert.equal(message.header('via'), via);
        for (const [name, text] of headers) assert.ok(message.headers(name.toLowerCase()).includes(text));
      }),
    );
  });

  test('threat: header injection by any part -> no line more than asked for', () => {
    const evil = 'a\r\nX-Evil: 1\r\n\r\nINVITE sip:x SIP/2.0\r\n\u010d\u010aX-Evil: 2\0';
    const wire = formatRequest(
      {
        method: `BYE${evil}`,
        uri: `sip:${evil}@b`,
        headers: [[`X-Name${evil}`, evil]],
        body: { type: evil, content: 'ab' },
      },
      via + evil,
    );
    const written = String.fromCharCode(...Array.from(wire, (character) => character.charCodeAt(0) & 0xff));
    assert.equal(written, wire);
    const head = wire.slice(0, -4 - 'ab'.length).split('\r\n');
    assert.equal(head.length, 6);
    assert.ok(head.every((line) => !/[\0\r\n]/.test(line)));
    assert.equal(head.filter((line) => line.startsWith('X-Evil')).length, 0);
    assert.match(head[0] ?? '', /^\S+[^]* SIP\/2\.0$/);
  });

  test('threat: characters that are no bytes cannot make a body longer than its Content-Length', () => {
    const body = { type: 'text/plain', content: '\u010d\u010a\u{1f600}' };
    const message = indexMessage(formatRequest({ method: 'BYE', uri: 'sip:a@b', headers: [], body }, via));
    assert.equal(message.body, '????');
  });
});
