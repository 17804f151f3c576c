import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { indexMessage, type SipRequest } from '../../../../src/protocol/sip/message.js';
import { clientTransactionKey, serverTransactionKey } from '../../../../src/protocol/sip/transaction-key.js';

interface Sent {
  readonly method?: string;
  readonly via?: string;
  readonly to?: string;
  readonly cseq?: number;
  readonly callId?: string;
  readonly uri?: string;
}

const modern = 'SIP/2.0/TCP gw:5060;branch=z9hG4bKx1';
const old = 'SIP/2.0/TCP gw:5060;branch=1';

function request({
  method = 'INVITE',
  via = modern,
  to = '<sip:b>',
  cseq = 1,
  callId = 'cid',
  uri = 'sip:b',
}: Sent): SipRequest {
  const message = indexMessage(
    `${method} ${uri} SIP/2.0\r\nVia: ${via}\r\nFrom: <sip:a>;tag=f\r\nTo: ${to}\r\nCall-ID: ${callId}\r\n` +
      `CSeq: ${String(cseq)} ${method}\r\n\r\n`,
  );
  assert.ok(message.kind === 'request');
  return message;
}

const key = (sent: Sent): string => serverTransactionKey(request(sent));

describe('serverTransactionKey (RFC 3261 §17.2.3)', () => {
  test('a retransmission, however its Via is written, and the ACK -> the key of the INVITE', () => {
    assert.equal(key({ via: 'SIP / 2.0 / TCP GW : 5060 ; branch = z9hG4bKx1;rport' }), key({}));
    assert.equal(key({ method: 'ACK', to: '<sip:b>;tag=ours' }), key({}));
  });

  test('another branch, sent-by or method -> another key', () => {
    assert.notEqual(key({ via: 'SIP/2.0/TCP gw:5060;branch=z9hG4bKx2' }), key({}));
    assert.notEqual(key({ via: 'SIP/2.0/TCP gw:5061;branch=z9hG4bKx1' }), key({}));
    assert.notEqual(key({ method: 'CANCEL' }), key({}));
  });

  test('a CANCEL finds its INVITE (§9.2)', () => {
    assert.equal(serverTransactionKey(request({ method: 'CANCEL' }), 'INVITE'), key({}));
  });

  test('no magic cookie, no branch, or a bare cookie (badbranch of RFC 4475 §3.2.1) -> matched as RFC 2543 did', () => {
    for (const via of [old, 'SIP/2.0/TCP gw', 'SIP/2.0/TCP gw;branch=z9hG4bK']) {
      assert.equal(key({ via, method: 'ACK', to: '<sip:b>;tag=ours' }), key({ via }));
      assert.notEqual(key({ via, cseq: 2 }), key({ via }));
      assert.notEqual(key({ via, callId: 'other' }), key({ via }));
      assert.notEqual(key({ via, uri: 'sip:c' }), key({ via }));
      assert.notEqual(key({ via, method: 'BYE' }), key({ via }));
    }
    assert.notEqual(key({ via: old }), key({ via: 'SIP/2.0/TCP gw:5060;branch=2' }));
  });
});

describe('clientTransactionKey (RFC 3261 §17.1.3)', () => {
  test('branch and CSeq method: the response to a CANCEL is not one to its INVITE', () => {
    const response = (method: string): string => {
      const message = indexMessage(`SIP/2.0 200 OK\r\nVia: ${modern};received=192.0.2.1\r\nCSeq: 1 ${method}\r\n\r\n`);
      assert.ok(message.kind === 'response');
      return clientTransactionKey(message);
    };
    assert.equal(response('INVITE'), 'z9hG4bKx1 INVITE');
    assert.notEqual(response('CANCEL'), response('INVITE'));
  });
});
