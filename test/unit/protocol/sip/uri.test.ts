import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SipSyntaxError } from '../../../../src/protocol/sip/syntax-error.js';
import {
  UnsupportedSchemeError,
  formatHost,
  formatUri,
  parseUri,
  type SipUri,
  type TelUri,
} from '../../../../src/protocol/sip/uri.js';
import { byteString, host, port } from './arbitraries.js';

const userParts = byteString(1).map((user) => ({ user, rawUser: percentEscaped(user) }));
const noUser = fc.constant({ user: undefined, rawUser: undefined, password: undefined });
const pairs = fc
  .array(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/), byteString(0)), { maxLength: 4 })
  .map((entries) => new Map(entries));

function parsedOrNone(text: string): SipUri | TelUri | undefined {
  try {
    return parseUri(text);
  } catch (error) {
    assert.ok(error instanceof SipSyntaxError);
    return undefined;
  }
}

const sipUri: fc.Arbitrary<SipUri> = fc
  .tuple(
    fc.constantFrom('sip' as const, 'sips' as const),
    fc.oneof(
      noUser,
      fc.tuple(userParts, fc.option(byteString(0), { nil: undefined })).map(([u, password]) => ({ ...u, password })),
    ),
    host,
    port,
    fc.tuple(pairs, pairs),
  )
  .map(([scheme, user, hostName, portNumber, [parameters, headers]]) => {
    return { scheme, ...user, host: hostName, port: portNumber, parameters, headers };
  });

const telUri: fc.Arbitrary<TelUri> = fc
  .tuple(fc.stringMatching(/^\+?[0-9A-F*#]{1,15}$/), pairs)
  .map(([number, parameters]) => ({ scheme: 'tel', number, parameters }));

function percentEscaped(text: string): string {
  return text.replaceAll(/[^]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function sip(text: string): SipUri {
  const uri = parseUri(text);
  assert.ok(uri.scheme !== 'tel');
  return uri;
}

describe('parseUri (RFC 3261 §19.1, RFC 3966)', () => {
  test('a full SIP URI -> all its parts', () => {
    const uri = sip('sips:alice:secret@Atlanta.example.com:5061;transport=TLS;lr?Subject=x%20y&priority=urgent');
    assert.deepEqual(uri, {
      scheme: 'sips',
      user: 'alice',
      rawUser: 'alice',
      password: 'secret',
      host: 'atlanta.example.com',
      port: 5061,
      parameters: new Map([
        ['transport', 'TLS'],
        ['lr', ''],
      ]),
      headers: new Map([
        ['subject', 'x y'],
        ['priority', 'urgent'],
      ]),
    });
  });

  test('no user part -> undefined', () => {
    assert.equal(sip('sip:gateway.example.com').user, undefined);
    assert.equal(sip('sip:gateway.example.com').rawUser, undefined);
  });

  test('an IPv6 reference -> the address without brackets, in lower case', () => {
    const uri = sip('sip:1000@[2001:DB8::10]:5070;transport=tcp');
    assert.equal(uri.host, '2001:db8::10');
    assert.equal(uri.port, 5070);
    assert.equal(formatHost(uri.host), '[2001:db8::10]');
  });

  test('escapes are undone once, in the user part and in parameters', () => {
    const uri = sip('sip:sips%3Auser%40example.com@example.net;n%61me=v%61lue%25%34%31');
    assert.equal(uri.user, 'sips:user@example.com');
    assert.equal(uri.rawUser, 'sips%3Auser%40example.com');
    assert.equal(uri.parameters.get('name'), 'value%41');
  });

  test('an escaped NUL stays in the user part and shortens nothing', () => {
    assert.equal(sip('sip:null-%00-null@example.com').user, 'null-\0-null');
  });

  test('parameters within the user part belong to the user', () => {
    const uri = sip('sip:user;par=u%40example.net@example.com');
    assert.equal(uri.user, 'user;par=u@example.net');
    assert.equal(uri.parameters.size, 0);
  });

  test('the target of RFC 4458 unescaped, as gateways send it -> one parameter', () => {
    const uri = sip('sip:vm@um.example.com;target=sip:1000@pbx.example.com;cause=486');
    assert.equal(uri.host, 'um.example.com');
    assert.equal(uri.parameters.get('target'), 'sip:1000@pbx.example.com');
    assert.equal(uri.parameters.get('cause'), '486');
  });

  test('scheme and parameter names in any case -> lower case', () => {
    assert.equal(sip('SIP:1000@pbx;USER=phone').parameters.get('user'), 'phone');
    assert.equal(parseUri('TEL:+15551000').scheme, 'tel');
  });

  test('a tel URI -> the number without visual separators', () => {
    assert.deepEqual(parseUri('tel:+1-201-555-0123;Phone-Context=example.com'), {
      scheme: 'tel',
      number: '+12015550123',
      parameters: new Map([['phone-context', 'example.com']]),
    });
    assert.deepEqual(parseUri('tel:(555).1000'), { scheme: 'tel', number: '5551000', parameters: new Map() });
  });

  test('a # in the user part, escaped or not -> the same user', () => {
    assert.equal(sip('sip:*97#@pbx').user, '*97#');
    assert.equal(sip('sip:*97%23@pbx').user, '*97#');
  });

  test('another scheme -> UnsupportedSchemeError', () => {
    for (const text of ['isbn:2983792873', 'soap.beep://192.0.2.103:3002', 'http://www.example.com']) {
      assert.throws(() => parseUri(text), UnsupportedSchemeError, text);
    }
  });

  const broken = [
    '', 'sip', 'sip:', ':1000', 'sip:@host', 'sip:user@', 'sip:2001:db8::10', 'sip:[2001:db8::10', 'sip:[::zz]',
    'sip:[1234]', 'sip:host:', 'sip:host:0', 'sip:host:65536', 'sip:host:99999999999999999999', 'sip:host:5060x',
    'sip:host/path', 'sip:user@ho st', 'sip:a b@host', '<sip:host>', 'sip:user@host>', 'sip:"a"@host', 'sip:a@b@host',
    'sip:host;a=\r\nX: y', 'tel:', 'tel:abcxyz', 'tel:+', 'sip:\u0141@host',
  ]; // prettier-ignore
  for (const text of broken) {
    test(`${JSON.stringify(text)} -> SipSyntaxError`, () => {
      assert.throws(() => parseUri(text), SipSyntaxError);
    });
  }

  test('the quick way for common URIs and the walk for all others come to the same', () => {
    // A scheme in capitals is never common.
    const rest = fc.stringMatching(/^[ab1.\-_:;=@?%[\]/&#+ "<\x80\u0141]{0,16}$/);
    fc.assert(
      fc.property(rest, (text) => {
        assert.deepEqual(parsedOrNone(`sip:${text}`), parsedOrNone(`SIP:${text}`));
      }),
      { numRuns: 2_000 },
    );
    for (const text of ['a@h:5060', 'a@h;x=y;user=phone', 'h', 'h;lr', 'a,b/c@h', 'h;t=sip:a@b', 'a@h:05060']) {
      assert.deepEqual(parsedOrNone(`sip:${text}`), parsedOrNone(`SIP:${text}`), text);
    }
  });

  test('parse(format(uri)) = uri for every SIP and tel URI', () => {
    fc.assert(fc.property(fc.oneof(sipUri, telUri), (uri) => { assert.deepEqual(parseUri(formatUri(uri)), uri); })); // prettier-ignore
  });

  test('format(parse(text)) changes nothing that was written canonically', () => {
    const text = 'sip:%2B1555;ext=1@[::1]:5062;transport=tcp;lr?subject=a%20b';
    assert.equal(formatUri(parseUri(text)), text);
  });

  test('threat: arbitrary bytes throw nothing but SipSyntaxError', () => {
    fc.assert(
      fc.property(fc.constantFrom('sip:', 'sips:', 'tel:', ''), byteString(0), (scheme, rest) => {
        try {
          parseUri(scheme + rest);
        } catch (error) {
          assert.ok(error instanceof SipSyntaxError);
        }
      }),
    );
  });

  test('threat: line ends in a URI of ours are escaped, not written', () => {
    const user = { user: 'a\r\nX: y', rawUser: undefined };
    const uri = { ...sip('sip:host'), ...user, parameters: new Map([['p', '\r\n']]), headers: new Map([['h', '\n']]) };
    assert.equal(formatUri(uri), 'sip:a%0D%0AX%3A%20y@host;p=%0D%0A?h=%0A');
    assert.equal(formatUri({ ...uri, rawUser: 'b\r\n\u010d' }), 'sip:b%0D%0A%3F@host;p=%0D%0A?h=%0A');
  });
});
