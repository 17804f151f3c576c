import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advertisedHost, redirectContact } from '../../../src/routing/redirect.js';
import { flowOf, requestOf } from './invites.js';

const contact = (uri: string, local?: string, host?: string): string =>
  redirectContact(requestOf({ uri }), flowOf(local === undefined ? {} : { local }), {
    port: 5062,
    ...(host === undefined ? {} : { host }),
  });

describe('Contact of a redirect', () => {
  const cases: readonly (readonly [uri: string, expected: string])[] = [
    ['sip:5000@um.example:5060', '<sip:5000@192.0.2.10:5062;transport=tcp>'],
    ['sip:5000@um;user=phone;transport=udp;maddr=x;lr', '<sip:5000@192.0.2.10:5062;user=phone;transport=tcp>'],
    ['sip:5000@um;user=ip', '<sip:5000@192.0.2.10:5062;transport=tcp>'],
    [
      'sip:5000@um;cause=486;target=sip:1000%40example.com',
      '<sip:5000@192.0.2.10:5062;target=sip:1000%40example.com;cause=486;transport=tcp>',
    ],
    [
      'sip:%2B1%3B2;phone-context=x:secret@um?Subject=x',
      '<sip:%2B1%3B2;phone-context=x@192.0.2.10:5062;transport=tcp>',
    ],
    ['sips:5000@um', '<sips:5000@192.0.2.10:5062;transport=tcp>'],
    ['sip:um.example', '<sip:192.0.2.10:5062;transport=tcp>'],
    ['tel:+1-425-555-0100', '<sip:+14255550100@192.0.2.10:5062;user=phone;transport=tcp>'],
  ];
  for (const [uri, expected] of cases) {
    test(`${uri} -> ${expected}`, () => {
      assert.equal(contact(uri), expected);
    });
  }

  test('the host is the address that was reached, in brackets for IPv6, without zone, never IPv4-mapped', () => {
    assert.match(contact('sip:1@um', '2001:db8::1'), /@\[2001:db8::1\]:5062;/);
    assert.match(contact('sip:1@um', 'fe80::1%eth0'), /@\[fe80::1\]:5062;/);
    assert.match(contact('sip:1@um', '::ffff:192.0.2.7'), /@192\.0\.2\.7:5062;/);
    assert.match(contact('sip:1@um', '::ffff:c000:207'), /@192\.0\.2\.7:5062;/);
  });

  test('an advertised address or name comes first', () => {
    assert.match(contact('sip:1@um', '192.0.2.10', 'um.example.com'), /@um\.example\.com:5062;/);
    assert.match(contact('sip:1@um', '192.0.2.10', '2001:db8::2'), /@\[2001:db8::2\]:5062;/);
    assert.equal(advertisedHost(flowOf(), '203.0.113.1'), '203.0.113.1');
  });

  test('an address that means any is never told to a peer', () => {
    for (const local of ['0.0.0.0', '::', '::ffff:0.0.0.0'])
      assert.throws(() => advertisedHost(flowOf({ local }), undefined));
  });

  test('over TLS the Contact says so', () => {
    const flow = flowOf({ transport: 'tls' });
    assert.equal(
      redirectContact(requestOf(), flow, { port: 5063, host: 'um.example' }),
      '<sip:5000@um.example:5063;transport=tls>',
    );
  });
});
