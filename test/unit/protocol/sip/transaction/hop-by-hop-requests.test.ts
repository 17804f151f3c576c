import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatRequest, type RequestParts } from '../../../../../src/protocol/sip/request.js';
import { ackOfRefusal, cancelOf } from '../../../../../src/protocol/sip/transaction/hop-by-hop-requests.js';

const invite: RequestParts = {
  method: 'INVITE',
  uri: 'sip:bob@biloxi.example',
  headers: [
    ['Route', '<sip:proxy1.example;lr>'],
    ['Route', '<sip:proxy2.example;lr>'],
    ['Max-Forwards', '70'],
    ['To', 'Bob <sip:bob@biloxi.example>'],
    ['From', 'Alice <sip:alice@atlanta.example>;tag=88sja8x'],
    ['Call-ID', '987asjd97y7atg'],
    ['CSeq', '986759 INVITE'],
    ['Contact', '<sip:alice@192.0.2.9>'],
    ['Require', '100rel'],
    ['Diversion', '<sip:1000@pbx.example>'],
  ],
  body: { type: 'application/sdp', content: 'v=0\r\n' },
};

describe('requests that follow an INVITE hop by hop', () => {
  test('the ACK of a refusal is the one of RFC 3261 §17.1.1.3', () => {
    const via = 'SIP/2.0/TCP 192.0.2.9:5065;branch=z9hG4bKkjshdyff';
    const ack = formatRequest(ackOfRefusal(invite, 'Bob <sip:bob@biloxi.example>;tag=99sa0xk'), via);
    const lines = ack.split('\r\n');
    assert.equal(lines[0], 'ACK sip:bob@biloxi.example SIP/2.0');
    assert.deepEqual(
      lines.slice(1, -2).toSorted(),
      [
        `Via: ${via}`,
        'Route: <sip:proxy1.example;lr>',
        'Route: <sip:proxy2.example;lr>',
        'Max-Forwards: 70',
        'To: Bob <sip:bob@biloxi.example>;tag=99sa0xk',
        'From: Alice <sip:alice@atlanta.example>;tag=88sja8x',
        'Call-ID: 987asjd97y7atg',
        'CSeq: 986759 ACK',
        'Content-Length: 0',
      ].toSorted(),
    );
  });

  test('the CANCEL has the To, Route and CSeq number of its INVITE, and no Require, Contact or body (§9.1)', () => {
    const cancel = cancelOf(invite);
    assert.equal(cancel.method, 'CANCEL');
    assert.equal(cancel.uri, invite.uri);
    assert.equal(cancel.body, undefined);
    assert.deepEqual(
      cancel.headers.map(([name]) => name),
      ['Route', 'Route', 'Max-Forwards', 'To', 'From', 'Call-ID', 'CSeq'],
    );
    assert.deepEqual(cancel.headers.at(-1), ['CSeq', '986759 CANCEL']);
    assert.deepEqual(cancel.headers[3], ['To', 'Bob <sip:bob@biloxi.example>']);
  });
});
