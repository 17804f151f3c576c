import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LIMITS } from '../../../../src/base/limits.js';
import { endOfWholeMessage } from '../../../../src/protocol/sip/whole-message.js';

function message(headers: readonly string[], body = ''): string {
  return ['OPTIONS sip:um SIP/2.0', ...headers, '', body].join('\r\n');
}

/** A message whose header block has this many bytes, spread over lines well below a limit of their own. */
function ofHeaderBytes(bytes: number): string {
  const shortest = message(['X: ']).length;
  return message([`X: ${'x'.repeat(bytes - shortest)}`]);
}

describe('endOfWholeMessage: the quick way that StreamFramer tries first', () => {
  const whole: Record<string, string> = {
    'no Content-Length': message(['X: y']),
    'no headers at all': message([]),
    'a body': message(['Content-Length: 5'], 'v=0\r\n'),
    'a compact Content-Length, another in the body': message(['L:16', 'X: y'], 'Content-Length: '),
    'names that begin like Content-Length': message(['Call-ID: 5', 'Content-Type: x', 'Contact: y', 'Lx: 3']),
    'as many headers as are allowed': message(Array.from({ length: LIMITS.sipHeaderCount }, () => 'X: y')),
    'as many bytes of headers as are allowed': ofHeaderBytes(LIMITS.sipHeaderBytes),
    'as long a body as is allowed': message([`l: ${String(LIMITS.sipBodyBytes)}`], 'x'.repeat(LIMITS.sipBodyBytes)),
  };
  for (const [name, wire] of Object.entries(whole)) {
    test(`${name} -> the offset behind the message, wherever it stands`, () => {
      assert.equal(endOfWholeMessage(wire, 0), wire.length);
      assert.equal(endOfWholeMessage(`before${wire}INVITE x`, 6), 6 + wire.length);
    });
  }

  const unusual: Record<string, string> = {
    'no end of the headers': message(['X: y']).slice(0, -2),
    'a body that is not all there': message(['l: 5'], 'v=0\r'),
    'a line feed alone': message(['X: y\nZ: 1']),
    'another protocol': message([]).replace('SIP/2.0', 'HTTP/1.1'),
    'a folded header': message(['X: y\r\n z']),
    'a folded Content-Length': message(['l:\r\n 0']),
    'two lengths': message(['l: 0', 'Content-Length: 0']),
    'a Content-Length without colon': message(['l 0']),
    'a Content-Length with white space before its colon': message(['l : 0']),
    'a Content-Length that is no number': message(['l: x']),
    'a Content-Length without value': message(['l:']),
    'a Content-Length without value before a number': message(['l: ', '0: x']),
    'a negative Content-Length': message(['l: -1']),
    'a Content-Length that no number can hold': message([`l: ${'9'.repeat(400)}`]),
    'one header more than is allowed': message(Array.from({ length: LIMITS.sipHeaderCount + 1 }, () => 'X: y')),
    'one byte of headers more than is allowed': ofHeaderBytes(LIMITS.sipHeaderBytes + 1),
    'one byte of body more than is allowed': message(
      [`l: ${String(LIMITS.sipBodyBytes + 1)}`],
      'x'.repeat(LIMITS.sipBodyBytes + 1),
    ),
  };
  for (const [name, wire] of Object.entries(unusual)) {
    test(`${name} -> left to the careful way`, () => {
      assert.equal(endOfWholeMessage(wire, 0), -1);
    });
  }
});
