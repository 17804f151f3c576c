import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ERRORS, type ErrorCode } from '../../../src/base/errors.js';
import { LIMITS } from '../../../src/base/limits.js';
import { indexMessage } from '../../../src/protocol/sip/message.js';
import { formatResponse } from '../../../src/protocol/sip/response.js';
import { logRefusal, refusal } from '../../../src/routing/refusal.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { flowOf, requestOf } from './invites.js';

function headersOf(code: ErrorCode, detail = 'd'): ReadonlyMap<string, string> {
  return new Map(refusal(code, detail, 'um.example').headers);
}

describe('refusal', () => {
  test('every code with a SIP status has it, and ms-diagnostics from 15000 to 15999', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      const spec = ERRORS[code];
      if (!('sip' in spec)) continue;
      const parts = refusal(code, 'what was found', 'um.example');
      assert.equal(parts.status, spec.sip.status);
      const text = new Map(parts.headers).get('ms-diagnostics') ?? '';
      assert.equal(
        text,
        `${String(spec.sip.diagnostics)};source="um.example";reason="${spec.summary}: what was found"`,
      );
      assert.match(text, /^15\d{3};/);
    }
  });

  test('headers that a status asks for', () => {
    assert.equal(headersOf('too-many-calls').get('Retry-After'), String(LIMITS.retryAfterSeconds));
    assert.match(headersOf('method-not-allowed').get('Allow') ?? '', /INVITE/);
    assert.equal(headersOf('body-type-unsupported').get('Accept'), 'application/sdp');
    assert.equal(headersOf('extension-unsupported', '100rel, timer').get('Unsupported'), '100rel, timer');
    assert.equal(headersOf('mailbox-unknown').has('Retry-After'), false);
  });

  test('headers of the caller replace ours', () => {
    const { headers } = refusal('extension-unsupported', 'timer', 'um', [['Unsupported', '100rel']]);
    assert.deepEqual(
      (headers ?? []).filter(([name]) => name === 'Unsupported'),
      [['Unsupported', '100rel']],
    );
  });

  test('threat: what a peer sent cannot end the quoted reason or add a header', () => {
    const detail = 'it said "x\\";source="evil"\r\nVia: evil\r\n\r\n';
    const wire = formatResponse(requestOf(), refusal('malformed-message', detail, 'um'), {
      address: '192.0.2.5',
      port: 1,
    });
    const response = indexMessage(wire);
    assert.equal(response.headers('via').length, 1);
    const text = response.header('ms-diagnostics') ?? '';
    assert.match(text, /^15001;source="um";reason="(?:[^"\\]|\\.)*"$/);
  });

  test('a name in the detail is sent as UTF-8 bytes', () => {
    assert.match(headersOf('mailbox-unknown', 'dial plan "Zürich"').get('ms-diagnostics') ?? '', /Z\xc3\xbcrich/);
  });

  test('limit diagnosticsCharacters: kilobytes are not sent back', () => {
    assert.ok((headersOf('mailbox-unknown', 'x'.repeat(10_000)).get('ms-diagnostics') ?? '').length < 600);
  });
});

describe('logRefusal', () => {
  test('one warn line with status, code, peer and Call-ID, that says what to change', () => {
    const log = new RecordingLogger();
    logRefusal(log, { request: requestOf(), flow: flowOf(), code: 'mailbox-unknown', detail: 'Diversion names "9"' });
    assert.equal(log.lines.length, 1);
    const { sentence, ...facts } = log.lines[0] ?? { sentence: '' };
    assert.deepEqual(facts, {
      level: 'warn',
      event: 'call-refused',
      status: 404,
      code: 'mailbox-unknown',
      peer: '192.0.2.5:40000',
      method: 'INVITE',
      requestUri: 'sip:5000@um.example',
      callId: 'call-1@192.0.2.5',
    });
    assert.match(
      sentence,
      /refused: no mailbox has .*: Diversion names "9"\. What to do: enable a mailbox with this extension/,
    );
  });

  test('a message without Call-ID, and with kilobytes of Request-URI, is logged too', () => {
    const log = new RecordingLogger();
    const request = indexMessage(`INVITE sip:${'x'.repeat(5_000)}@y SIP/2.0\r\n\r\n`);
    assert.ok(request.kind === 'request');
    logRefusal(log, { request, flow: flowOf(), code: 'malformed-message', detail: 'a\r\nb' });
    const [line] = log.lines;
    assert.ok(line);
    assert.equal(line['callId'], '');
    assert.equal(String(line['requestUri']).length, LIMITS.diagnosticsCharacters);
    assert.doesNotMatch(line.sentence, /[\r\n]/);
  });
});
