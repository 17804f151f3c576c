import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { indexMessage, type SipRequest } from '../../../src/protocol/sip/message.js';
import { statelessTag } from '../../../src/protocol/sip/stateless-tag.js';
import { answerStateless, type StatelessAnswer } from '../../../src/routing/stateless-server.js';
import { sampleDirectory } from '../directory/sample-directory.js';
import { flowOf, type InviteFacts, requestOf } from './invites.js';

const directory = sampleDirectory();
const diverted = { headers: ['Diversion: <sip:1000@pbx>'] };

const answerTo = (request: SipRequest, peer = '192.0.2.5'): StatelessAnswer =>
  answerStateless(request, flowOf({ peer }), directory);

/** `redirect`, `none`, `respond STATUS` or `refuse CODE`. */
function answer(facts: InviteFacts, peer?: string): string {
  const found = answerTo(requestOf(facts), peer);
  if (found.kind === 'refuse') return `refuse ${found.code}`;
  return found.kind === 'respond' ? `respond ${String(found.parts.status)}` : found.kind;
}

describe('answerStateless (RFC 3261 §8.2.7)', () => {
  test('an INVITE for a mailbox -> redirect; else what the resolution says', () => {
    assert.equal(answer(diverted), 'redirect');
    assert.equal(answer({}), 'refuse sign-in-not-implemented');
    assert.equal(answer(diverted, '192.0.2.6'), 'refuse peer-not-a-gateway');
    assert.equal(answerStateless(requestOf(diverted), flowOf(), undefined).kind, 'refuse');
  });

  test('ACK and CANCEL are ignored, also broken ones', () => {
    assert.equal(answer({ method: 'ACK', to: '<sip:x@y>;tag=1' }), 'none');
    assert.equal(answer({ method: 'CANCEL' }), 'none');
    assert.equal(answer({ method: 'ACK', uri: 'x:' }), 'none');
    const bare = indexMessage('ACK sip:5000@um SIP/2.0\r\nno header\r\n\r\n');
    assert.ok(bare.kind === 'request');
    assert.equal(answerTo(bare).kind, 'none');
  });

  test('a To tag of ours is a new call, another one a call that is not ours', () => {
    const ours = statelessTag('call-1@192.0.2.5');
    assert.equal(answer({ ...diverted, to: `<sip:5000@um>;tag=${ours}` }), 'redirect');
    assert.equal(answer({ ...diverted, to: '<sip:5000@um>;tag=other' }), 'refuse dialog-unknown');
  });

  test('OPTIONS -> 200 from anybody, also with Max-Forwards 0 and no user part', () => {
    const facts = { method: 'OPTIONS', uri: 'sip:192.0.2.10:5060', to: '<sip:192.0.2.10>', maxForwards: '0' };
    const found = answerTo(requestOf(facts), '203.0.113.1');
    assert.ok(found.kind === 'respond');
    const headers = new Map(found.parts.headers);
    assert.deepEqual([found.parts.status, found.parts.toTag], [200, statelessTag('call-1@192.0.2.5')]);
    assert.equal(headers.get('Allow'), 'INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE');
    assert.equal(headers.get('Accept'), 'application/sdp');
    assert.ok(headers.has('Supported') && headers.has('Server'));
  });

  test('in-dialog requests -> dialog-unknown, unknown methods -> method-not-allowed', () => {
    for (const method of ['BYE', 'UPDATE']) {
      assert.equal(answer({ method, to: '<sip:5000@um>;tag=1' }), 'refuse dialog-unknown');
      assert.equal(answer({ method }), 'refuse dialog-unknown');
    }
    assert.equal(answer({ method: 'OPTIONS', to: '<sip:5000@um>;tag=1' }), 'refuse dialog-unknown');
    for (const method of ['REGISTER', 'SUBSCRIBE', 'INFO', 'invite', 'X']) {
      assert.equal(answer({ method }), 'refuse method-not-allowed');
    }
  });

  test('Max-Forwards 0 -> taken: the request is where it was to go', () => {
    assert.equal(answer({ ...diverted, maxForwards: '0' }), 'redirect');
  });

  test('Require with what we lack -> 420 with its names; with what we have it is taken', () => {
    const found = answerTo(
      requestOf({ headers: ['Require: histinfo, 100rel', 'Require: timer', ...diverted.headers] }),
    );
    assert.deepEqual(found, { kind: 'refuse', code: 'extension-unsupported', detail: '100rel, timer' });
    assert.equal(answer({ headers: ['Require: histinfo', ...diverted.headers] }), 'redirect');
  });

  test('a malformed message is refused before anything else is looked at', () => {
    const wire = requestOf({ method: 'BYE' }).wire.replace('CSeq: 1 BYE', 'CSeq: 1 INVITE');
    const request = indexMessage(wire);
    assert.ok(request.kind === 'request');
    const found = answerTo(request, '203.0.113.1');
    assert.equal(found.kind === 'refuse' && found.code, 'malformed-message');
  });

  test('the same request has the same answer: nothing is remembered', () => {
    const request = requestOf(diverted);
    assert.deepEqual(answerTo(request), answerTo(request));
  });
});
