import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SipSyntaxError } from '../../../../src/protocol/sip/syntax-error.js';
import { formatVia, parseVia, type Via } from '../../../../src/protocol/sip/via.js';
import { blank, byteString, host, parameters, port } from './arbitraries.js';

function parsedOrNone(text: string): Via | undefined {
  try {
    return parseVia(text);
  } catch (error) {
    assert.ok(error instanceof SipSyntaxError);
    return undefined;
  }
}

describe('parseVia (RFC 3261 §20.42)', () => {
  test('white space and folds wherever the grammar has them', () => {
    const via = parseVia(
      'SIP  /\r\n 2.0 / tcp     Spindle.example.com : 5060  ;\r\n  branch  =   z9hG4bK9ikj8  ; RPORT',
    );
    assert.equal(via.transport, 'TCP');
    assert.equal(via.host, 'spindle.example.com');
    assert.equal(via.port, 5060);
    assert.equal(via.branch, 'z9hG4bK9ikj8');
    assert.equal(via.sentBy, 'spindle.example.com:5060');
    assert.equal(via.parameters.get('rport'), '');
  });

  test('an IPv6 host, and received with and without brackets (RFC 5118 §4.5)', () => {
    const bracketed = parseVia('SIP/2.0/UDP [2001:db8::9:1]:5070;received=[2001:db8::9:255];branch=z9hG4bKas3');
    assert.equal(bracketed.host, '2001:db8::9:1');
    assert.equal(bracketed.sentBy, '[2001:db8::9:1]:5070');
    assert.equal(bracketed.parameters.get('received'), '[2001:db8::9:255]');
    const bare = parseVia('SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3');
    assert.equal(bare.parameters.get('received'), '2001:db8::9:255');
    assert.equal(bare.branch, 'z9hG4bKas3');
  });

  test('no branch, no port -> undefined', () => {
    const via = parseVia('SIP/2.0/UDP iftgw.example.com');
    assert.equal(via.branch, undefined);
    assert.equal(via.port, undefined);
    assert.equal(via.sentBy, 'iftgw.example.com');
  });

  const broken = [
    '', 'SIP/2.0', 'SIP/2.0/', 'SIP/2.0/TCP', 'SIP/2.0/TCP ', 'SIP//TCP host', 'HTTP/1.1/TCP host', 'SIP/2.0/TCPhost',
    'SIP/2.0/TCP ;branch=x', 'SIP/2.0/TCP host:0', 'SIP/2.0/TCP host:65536', 'SIP/2.0/TCP host:abc',
    'SIP/2.0/TCP [::1', 'SIP/2.0/TCP h;;branch=x', 'SIP/2.0/TCP h;branch=x;', 'SIP/2.0/TCP a, SIP/2.0/TCP b',
    'SIP/2.0/TCP h;x="unterminated', 'SIP/2.0/TCP h branch=x',
  ]; // prettier-ignore
  for (const text of broken) {
    test(`${JSON.stringify(text)} -> SipSyntaxError`, () => {
      assert.throws(() => parseVia(text), SipSyntaxError);
    });
  }

  test('the quick way for common elements and the walk for all others come to the same', () => {
    // A protocol in small letters is never common.
    const rest = fc.stringMatching(/^[ab1.\-:;=[\]/ ",]{0,16}$/);
    fc.assert(
      fc.property(fc.constantFrom('', 'h', 'h:5060;', 'h;branch=z9hG4bK1'), rest, (start, text) => {
        assert.deepEqual(parsedOrNone(`SIP/2.0/TCP ${start}${text}`), parsedOrNone(`sip/2.0/TCP ${start}${text}`));
      }),
      { numRuns: 2_000 },
    );
  });

  test('parse(format(via)) = via, with white space anywhere', () => {
    const transport = fc.constantFrom('TCP', 'TLS', 'UDP', 'WS');
    fc.assert(
      fc.property(transport, host, port, parameters, (name, hostName, portNumber, parameterMap) => {
        const via = { transport: name, host: hostName, port: portNumber, parameters: parameterMap };
        const { branch, sentBy, ...parsed } = parseVia(formatVia(via));
        assert.deepEqual(parsed, via);
        assert.equal(branch, parameterMap.get('branch'));
        assert.ok(sentBy.includes(hostName));
      }),
    );
    fc.assert(
      fc.property(fc.tuple(blank, blank, blank, blank, blank, blank), ([a, b, c, d, e, f]) => {
        const text = `SIP${a}/${b}2.0${c}/${d}TCP ${e}h${f}:${a}5060${b};${c}branch${d}=${e}z9hG4bKx${f}`;
        assert.deepEqual(parseVia(text), parseVia('SIP/2.0/TCP h:5060;branch=z9hG4bKx'));
      }),
    );
  });

  test('threat: arbitrary bytes throw nothing but SipSyntaxError', () => {
    fc.assert(
      fc.property(fc.constantFrom('', 'SIP/2.0/TCP ', 'SIP/2.0/TCP host;'), byteString(0), (start, rest) => {
        try {
          parseVia(start + rest);
        } catch (error) {
          assert.ok(error instanceof SipSyntaxError);
        }
      }),
    );
  });
});
