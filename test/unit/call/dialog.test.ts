import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Dialog } from '../../../src/call/dialog.js';
import { indexMessage, SipResponse } from '../../../src/protocol/sip/message.js';
import { SipSyntaxError } from '../../../src/protocol/sip/syntax-error.js';
import { requestOf } from '../../support/scripted-signalling.js';

const server = (...headers: readonly string[]): Dialog =>
  Dialog.asServer(requestOf({ method: 'INVITE', headers }), 'ours');

function client(...headers: readonly string[]): Dialog {
  const wire = [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/TCP 198.51.100.1;branch=z9hG4bK1',
    'From: <sip:5551234@198.51.100.1>;tag=ours',
    'To: <sip:5000@um>;tag=theirs',
    'Call-ID: call-1',
    'CSeq: 3 INVITE',
    'Contact: <sip:192.0.2.1:5065;transport=tcp>',
    ...headers,
    'Content-Length: 0',
    '',
    '',
  ].join('\r\n');
  const response = indexMessage(wire);
  assert.ok(response instanceof SipResponse);
  return Dialog.asClient(response);
}

function headersOf(dialog: Dialog, method = 'BYE'): Readonly<Record<string, string>> {
  return Object.fromEntries(dialog.request(method).headers);
}

describe('Dialog (RFC 3261 §12)', () => {
  test('UAS: From and To change places, tags stay', () => {
    const headers = headersOf(server());
    assert.equal(headers['From'], '<sip:5000@198.51.100.1>;tag=ours');
    assert.equal(headers['To'], '"Ann" <sip:5551234@192.0.2.10>;tag=from-1');
    assert.equal(headers['Call-ID'], 'call-1@pbx');
  });

  test('UAS: a To tag that the INVITE had already is not doubled', () => {
    const dialog = Dialog.asServer(requestOf({ method: 'INVITE', toTag: 'kept' }), 'kept');
    assert.equal(headersOf(dialog)['From'], '<sip:5000@198.51.100.1>;tag=kept');
  });

  test('no route set -> Request-URI and destination are the Contact', () => {
    const dialog = server('Contact: <sip:gw@192.0.2.77:5080;transport=tcp>');
    const bye = dialog.request('BYE');
    assert.equal(bye.uri, 'sip:gw@192.0.2.77:5080;transport=tcp');
    assert.deepEqual(dialog.route('flow-1'), {
      preferredFlowId: 'flow-1',
      transport: 'tcp',
      destination: { address: '192.0.2.77', port: 5_080 },
    });
  });

  test('UAS: the route set is the Record-Route as it came; loose routing', () => {
    const dialog = server('Record-Route: <sip:p2;lr>, <sip:p1:5070;lr;x=1>', 'Record-Route: <sip:p0;lr>');
    assert.equal(headersOf(dialog)['Route'], '<sip:p2;lr>, <sip:p1:5070;lr;x=1>, <sip:p0;lr>');
    assert.equal(dialog.request('BYE').uri, 'sip:gw@192.0.2.10:5060;transport=tcp');
    assert.deepEqual(dialog.route(undefined), { transport: 'tcp', destination: { address: 'p2', port: 5_060 } });
  });

  test('UAC: the route set is the Record-Route turned round', () => {
    const dialog = client('Record-Route: <sip:p2;lr>, <sip:p1;lr>');
    assert.equal(headersOf(dialog)['Route'], '<sip:p1;lr>, <sip:p2;lr>');
  });

  test('strict routing (§12.2.1.1): the proxy becomes the Request-URI, the Contact the last Route', () => {
    const dialog = server('Record-Route: <sip:proxy1;method=INVITE?x=1>, <sip:proxy2>, <sip:proxy3;lr>, <sip:proxy4>');
    const bye = dialog.request('BYE');
    assert.equal(bye.uri, 'sip:proxy1');
    assert.equal(
      new Map(bye.headers).get('Route'),
      '<sip:proxy2>, <sip:proxy3;lr>, <sip:proxy4>, <sip:gw@192.0.2.10:5060;transport=tcp>',
    );
  });

  test('sips and transport=tls lead to TLS and its port, maddr to another host', () => {
    assert.deepEqual(server('Contact: <sips:gw@pbx>').route(undefined), {
      transport: 'tls',
      destination: { address: 'pbx', port: 5_061 },
    });
    assert.equal(server('Contact: <sip:gw@pbx;transport=TLS>').route(undefined).transport, 'tls');
    assert.equal(server('Contact: <sip:gw@pbx;maddr=192.0.2.9>').route(undefined).destination.address, '192.0.2.9');
  });

  test('requests of ours count up, each direction by itself', () => {
    const uas = server();
    assert.equal(headersOf(uas)['CSeq'], '1 BYE');
    assert.equal(headersOf(uas, 'OPTIONS')['CSeq'], '2 OPTIONS');
    assert.equal(headersOf(client())['CSeq'], '4 BYE');
  });

  test('ACK has the number of its INVITE', () => {
    assert.equal(new Map(client().ack(3).headers).get('CSeq'), '3 ACK');
  });

  test('a CSeq below the last one is out of order; gaps are none (§12.2.2)', () => {
    const dialog = Dialog.asServer(requestOf({ method: 'INVITE', cseq: 5 }), 'ours');
    const take = (cseq: number): boolean => dialog.takeSequence(requestOf({ method: 'UPDATE', cseq }));
    assert.deepEqual([take(4), take(9), take(8), take(10)], [false, true, false, true]);
  });

  test('UAC: the first request of the peer sets its sequence', () => {
    const dialog = client();
    assert.equal(dialog.takeSequence(requestOf({ method: 'BYE', cseq: 1 })), true);
  });

  test('a target refresh moves the peer; without Contact, or with a broken one, it stays', () => {
    const dialog = server();
    dialog.refreshTarget(requestOf({ method: 'INVITE', headers: ['Contact: <sip:new@192.0.2.11>'] }));
    assert.equal(dialog.remoteTarget, 'sip:new@192.0.2.11');
    assert.throws(() => {
      dialog.refreshTarget(requestOf({ method: 'INVITE', headers: ['Contact: <sip:>'] }));
    }, SipSyntaxError);
    assert.equal(dialog.remoteTarget, 'sip:new@192.0.2.11');
  });

  for (const header of ['Contact: ', 'Contact: *', 'Contact: <http://x>', 'Record-Route: <sip:']) {
    test(`INVITE with "${header}" makes no dialog`, () => {
      assert.throws(() => server(header), SipSyntaxError);
    });
  }
});
