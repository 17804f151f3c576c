import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { indexMessage, messageFault, type SipRequest } from '../../../../src/protocol/sip/message.js';
import { parseNameAddress } from '../../../../src/protocol/sip/name-address.js';
import { formatResponse } from '../../../../src/protocol/sip/response.js';
import { StreamFramer } from '../../../../src/protocol/sip/stream-framer.js';
import { SipSyntaxError } from '../../../../src/protocol/sip/syntax-error.js';
import { parseUri } from '../../../../src/protocol/sip/uri.js';

const fixtures = new URL('../../../fixtures/sip/', import.meta.url);

function torture(rfc: 'rfc4475' | 'rfc5118', name: string): string {
  return readFileSync(new URL(`${rfc}/${name}.dat`, fixtures), 'latin1');
}

function requestOf(wire: string): SipRequest {
  const message = indexMessage(wire);
  assert.ok(message.kind === 'request');
  return message;
}

const valid4475 = [
  'wsinv', 'intmeth', 'esc01', 'escnull', 'esc02', 'lwsdisp', 'longreq', 'dblreq', 'semiuri', 'transports', 'mpart01',
  'unreason', 'noreason', 'unksm2', 'bext01', 'invut', 'regaut01', 'zeromf', 'cparam01', 'cparam02', 'regescrt', 'sdp01',
  'inv2543', 'badbranch',
]; // prettier-ignore

/** Errors that the RFC lets a receiver pass over, as we do: what is meant is plain. */
const tolerated4475 = ['lwsstart', 'trws', 'escruri', 'baddate', 'regbadct', 'badaspec', 'baddn'];

const faulty4475: Record<string, string> = {
  badinv01: 'malformed-message',
  clerr: 'malformed-message',
  ncl: 'malformed-message',
  scalar02: 'malformed-message',
  scalarlg: 'malformed-message',
  quotbal: 'malformed-message',
  ltgtruri: 'malformed-message',
  lwsruri: 'malformed-message',
  badvers: 'version-unsupported',
  mismatch01: 'malformed-message',
  mismatch02: 'malformed-message',
  insuf: 'malformed-message',
  unkscm: 'uri-scheme-unsupported',
  novelsc: 'uri-scheme-unsupported',
  multi01: 'malformed-message',
  mcl01: 'malformed-message',
  bcast: 'malformed-message',
};

const valid5118 = [
  'ipv6-good', 'port-ambiguous', 'port-unambiguous', 'via-received-param-with-delim', 'via-received-param-no-delim',
  'ipv6-in-sdp', 'mult-ip-in-header', 'mult-ip-in-sdp', 'ipv4-mapped-ipv6', 'ipv6-bug-abnf-3-colons',
  'ipv6-correct-abnf-2-colons',
]; // prettier-ignore

describe('RFC 4475 torture messages', () => {
  for (const name of [...valid4475, ...tolerated4475]) {
    test(`${name} -> no fault`, () => {
      assert.equal(messageFault(indexMessage(torture('rfc4475', name))), undefined);
    });
  }

  for (const [name, code] of Object.entries(faulty4475)) {
    test(`${name} -> ${code}, and a request can be answered`, () => {
      const message = indexMessage(torture('rfc4475', name));
      assert.equal(messageFault(message)?.code, code);
      if (message.kind !== 'request') return;
      const wire = formatResponse(message, { status: 400, toTag: 't' }, { address: '192.0.2.9', port: 5060 });
      assert.match(wire, /^SIP\/2\.0 400 Bad Request\r\n(.+\r\n)+\r\n$/);
    });
  }

  test('bigcode -> no SIP message at all', () => {
    assert.throws(() => indexMessage(torture('rfc4475', 'bigcode')), SipSyntaxError);
  });

  test('wsinv: folds and white space everywhere -> every header is understood', () => {
    const message = requestOf(torture('rfc4475', 'wsinv'));
    assert.equal(message.toTag, '1918181833n');
    assert.equal(message.from.displayName, 'J Rosenberg \\"');
    assert.equal(message.fromTag, '98asjd8');
    assert.deepEqual(message.cseq, { number: 9, method: 'INVITE' });
    assert.equal(message.topVia.sentBy, '192.0.2.2');
    assert.equal(message.topVia.branch, '390skdjuw');
    assert.equal(message.list('via').length, 3);
    assert.equal(message.header('subject'), '');
    assert.equal(message.header('newfangledheader'), 'newfangled value continued newfangled value');
    const contact = parseNameAddress(message.list('contact')[0] ?? '');
    assert.equal(contact.displayName, 'Quoted string ""');
    assert.equal(contact.parameters.get('newparam'), 'newvalue');
    assert.equal(contact.parameters.get('q'), '0.33');
    assert.equal(message.body.length, 150);
  });

  test('intmeth: the widest range of characters', () => {
    const message = requestOf(torture('rfc4475', 'intmeth'));
    assert.equal(message.method, "!interesting-Method0123456789_*+`.%indeed'~");
    assert.equal(message.fromTag, "_token~1'+`*%!-.");
    assert.equal(message.to.displayName, 'BEL:\x07 NUL:\x00 DEL:\x7f');
    assert.equal(message.callId, 'intmeth.word%ZK-!.*_+\'@word`~)(><:\\/"][?}{');
    const uri = parseUri(message.requestUri);
    assert.ok(uri.scheme === 'sip');
    assert.equal(uri.user, "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*");
    assert.equal(uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    assert.equal(uri.host, 'example.com');
  });

  test('esc02: a % in a header name is no escape', () => {
    const message = requestOf(torture('rfc4475', 'esc02'));
    assert.equal(message.method, 'RE%47IST%45R');
    assert.equal(message.from.displayName, '%Z%45');
    assert.equal(message.list('contact').length, 2);
  });

  test('longreq: 34 Vias in every spelling', () => {
    const message = requestOf(torture('rfc4475', 'longreq'));
    assert.equal(message.count('via'), 34);
    assert.equal(message.topVia.host, 'sip33.example.com');
  });

  test('semiuri, cparam01, cparam02: a semicolon belongs to user, header or URI by its place', () => {
    const semiuri = parseUri(requestOf(torture('rfc4475', 'semiuri')).requestUri);
    assert.equal(semiuri.scheme === 'sip' && semiuri.user, 'user;par=u@example.net');
    const contact = (name: string): ReadonlyMap<string, string> =>
      parseNameAddress(requestOf(torture('rfc4475', name)).header('contact') ?? '').parameters;
    assert.equal(contact('cparam01').has('unknownparam'), true);
    assert.equal(contact('cparam02').has('unknownparam'), false);
  });

  test('dblreq over a stream: the bytes behind the first message are the second one', () => {
    const items = new StreamFramer().push(torture('rfc4475', 'dblreq'));
    // The RFC's second Content-Length is too small: what is left over begins no message.
    const kinds = items.map(({ kind }) => kind).join(', ');
    assert.equal(kinds, 'message, message, fault');
  });

  test('ncl and mcl01 over a stream -> a fault with the whole header block', () => {
    for (const name of ['ncl', 'mcl01']) {
      const [item, ...rest] = new StreamFramer().push(torture('rfc4475', name));
      assert.ok(item?.kind === 'fault');
      assert.equal(item.code, 'malformed-message');
      assert.match(item.wire, /^[A-Z]+ sip:[^]*\r\n\r\n$/);
      assert.deepEqual(rest, []);
    }
  });

  test('clerr over a stream -> waits for the rest', () => {
    const framer = new StreamFramer();
    assert.deepEqual(framer.push(torture('rfc4475', 'clerr')), []);
    assert.equal(framer.hasUnfinished, true);
  });

  test('mpart01: a binary body with NULs goes through byte for byte', () => {
    const wire = torture('rfc4475', 'mpart01');
    assert.deepEqual(new StreamFramer().push(wire), [{ kind: 'message', wire }]);
    assert.equal(indexMessage(wire).body.length, 553);
  });
});

describe('RFC 5118 torture messages for IPv6', () => {
  for (const name of valid5118) {
    test(`${name} -> no fault`, () => {
      // The RFC says 268 for a body of 251 bytes.
      const wire = torture('rfc5118', name).replace('Content-Length: 268', 'Content-Length: 251');
      assert.equal(messageFault(indexMessage(wire)), undefined);
    });
  }

  test('ipv6-bad: no brackets -> malformed-message', () => {
    assert.equal(messageFault(indexMessage(torture('rfc5118', 'ipv6-bad')))?.code, 'malformed-message');
  });

  test('port-ambiguous and port-unambiguous: a port stands behind the bracket', () => {
    const uriOf = (name: string): unknown => {
      const uri = parseUri(requestOf(torture('rfc5118', name)).requestUri);
      return uri.scheme === 'sip' && [uri.host, uri.port];
    };
    assert.deepEqual(uriOf('port-ambiguous'), ['2001:db8::10:5070', undefined]);
    assert.deepEqual(uriOf('port-unambiguous'), ['2001:db8::10', 5070]);
  });

  test('ipv6-bug-abnf-3-colons: the third colon is passed over', () => {
    const uri = parseUri(requestOf(torture('rfc5118', 'ipv6-bug-abnf-3-colons')).requestUri);
    assert.equal(uri.scheme === 'sip' && uri.host, '2001:db8::192.0.2.1');
  });
});
