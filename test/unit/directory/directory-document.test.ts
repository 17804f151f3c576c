import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../../src/base/limits.js';
import { DEFAULT_SETTINGS, Directory } from '../../../src/directory/directory.js';
import { fromDocument, toDocument } from '../../../src/directory/directory-document.js';
import { demonstrationDirectory } from '../../../src/directory/demonstration.js';
import type { DirectoryObject } from '../../../src/directory/objects.js';
import { arbitraryDocument } from './arbitrary-document.js';
import { countingRandom, objectsOf, sampleDocument, type SampleDocument } from './sample-directory.js';

function faultsOf(document: unknown): readonly string[] {
  const result = fromDocument(document, [], countingRandom());
  return 'faults' in result ? result.faults : [];
}

/** Faults of the sample after a change to it. */
function faultsAfter(change: (document: SampleDocument) => void): readonly string[] {
  const document = sampleDocument();
  change(document);
  return faultsOf(document);
}

/** Sets fields of the first object of a section. */
function faultsWith(
  section: 'dialPlans' | 'mailboxPolicies' | 'gateways' | 'huntGroups' | 'mailboxes',
  fields: object,
): readonly string[] {
  return faultsAfter((document) => Object.assign(document[section][0] ?? {}, fields));
}

const pin = { salt: 'aa', hash: 'bb', cost: 14 };

describe('directory document', () => {
  test('fields that are left out get their defaults', () => {
    const [dialPlan, policy, gateway, huntGroup, mailbox, , settings] = objectsOf(sampleDocument());
    assert.deepEqual(dialPlan, {
      kind: 'dial-plan',
      id: dialPlan?.id,
      name: 'HQ',
      numberOfDigitsInExtension: 4,
      uriType: 'TelExtn',
      voipSecurity: 'Unsecured',
      audioCodec: 'Mp3',
      maxCallDurationMinutes: 30,
      maxRecordingDurationMinutes: 20,
      recordingIdleTimeoutSeconds: 5,
      accessTelephoneNumbers: [],
      diversionPreference: 'OriginalCalled',
      defaultLanguage: 'en-US',
    });
    assert.deepEqual(policy, {
      kind: 'mailbox-policy',
      id: policy?.id,
      name: 'Default',
      dialPlan: dialPlan.id,
      allowMissedCallNotifications: true,
      minPinLength: 6,
      voiceMailText: '',
    });
    assert.equal(gateway?.kind === 'ip-gateway' && gateway.status, 'Enabled');
    assert.deepEqual(huntGroup?.kind === 'hunt-group' && [huntGroup.dialPlan, huntGroup.gateway], [
      dialPlan.id,
      gateway?.id,
    ]);
    assert.deepEqual(mailbox?.kind === 'mailbox' && [mailbox.displayName, mailbox.emailAddresses], [
      '1000@example.com',
      [],
    ]);
    assert.deepEqual(settings, DEFAULT_SETTINGS);
  });

  test('references are by name, without case', () => {
    const faults = faultsWith('huntGroups', { dialPlan: 'hq', gateway: 'pbx' });
    assert.deepEqual(faults, []);
  });

  test('all faults at once, each with path, value and rule', () => {
    const faults = faultsAfter((document) => {
      document.dialPlans[0] = { name: '', numberOfDigitsInExtension: 0, uriType: 'telextn' };
      document.gateways[0] = { name: 'PBX', addresses: ['192.0.2.256', '10.0.0.0/8', '10.0.0.0/8'], colour: 'blue' };
      document.mailboxes[0] = { address: 'nobody', extensions: [1000], mailboxPolicy: 'Default', displayName: null };
      document['settings'] = { maxCallsAllowed: 30_001 };
    });
    assert.deepEqual(
      faults.map((fault) => fault.replace(/; .*/, '')),
      [
        'dialPlans[0].name is ""',
        'dialPlans[0].numberOfDigitsInExtension is 0',
        'dialPlans[0].uriType is "telextn"',
        'mailboxPolicies[0].dialPlan is "HQ"',
        'gateways[0].addresses[0] is "192.0.2.256"',
        'gateways[0].addresses[2] is "10.0.0.0/8"',
        'gateways[0].colour is "blue"',
        'huntGroups[0].dialPlan is "HQ"',
        'mailboxes[0].address is "nobody"',
        'mailboxes[0].displayName is null',
        'mailboxes[0].extensions[0] is 1000',
        'settings.maxCallsAllowed is 30001',
      ],
    );
  });

  const wrong: readonly (readonly [name: string, faults: () => readonly string[], fault: RegExp])[] = [
    ['no object', () => faultsOf([]), /^the document is \[\]; must be an object/],
    [
      'a missing section',
      () => faultsAfter((d) => delete (d as { gateways?: unknown }).gateways),
      /^gateways is missing; write \[\] for none/,
    ],
    [
      'a section that is no list',
      () => faultsAfter((d) => Object.assign(d, { mailboxes: {} })),
      /^mailboxes is \{\}; must be a list of objects/,
    ],
    [
      'an unknown section',
      () => faultsAfter((d) => (d['autoAttendants'] = [])),
      /^autoAttendants is \[\]; there is no such field; there are formatVersion, dialPlans/,
    ],
    [
      'a newer format',
      () => faultsAfter((d) => (d['formatVersion'] = 2)),
      /^formatVersion is 2; must be a whole number, 1 to 1/,
    ],
    [
      'an extension too short',
      () => faultsWith('mailboxes', { extensions: ['100'] }),
      /^mailboxes\[0\]\.extensions\[0\] is "100"; must be 4 digits, as dial plan "HQ" says/,
    ],
    ['an extension with letters', () => faultsWith('mailboxes', { extensions: ['10a0'] }), /"10a0"; must be 4 digits/],
    [
      'no extension',
      () => faultsWith('mailboxes', { extensions: [] }),
      /extensions is \[\]; must be a list of 1 to 64/,
    ],
    [
      'an extension of another mailbox',
      () => faultsWith('mailboxes', { extensions: ['1001'] }),
      /^mailboxes\[1\]\.extensions\[0\] is "1001"; the same stands at mailboxes\[0\]\.extensions\[0\]/,
    ],
    [
      'the pilot as extension',
      () => faultsWith('mailboxes', { extensions: ['5000'] }),
      /it is the pilot of huntGroups\[0\] too/,
    ],
    [
      'an address of another mailbox',
      () => faultsWith('mailboxes', { address: '1001@EXAMPLE.com' }),
      /^mailboxes\[1\]\.address is "1001@example.com"; the same stands at/,
    ],
    [
      'an unknown policy',
      () => faultsWith('mailboxes', { mailboxPolicy: 'Other' }),
      /mailboxPolicy is "Other"; there is none of this name/,
    ],
    [
      'an address twice',
      () => faultsWith('mailboxes', { emailAddresses: ['a@b.c', 'a@b.c'] }),
      /emailAddresses\[1\] is "a@b.c"; stands in this list twice/,
    ],
    [
      'a port out of range',
      () => faultsWith('gateways', { port: 65_536 }),
      /^gateways\[0\]\.port is 65536; must be a whole number, 0 to 65535/,
    ],
    [
      'an unknown status',
      () => faultsWith('gateways', { status: 'enabled' }),
      /must be one of Enabled, Disabled, NoNewCalls/,
    ],
    [
      'a host name with a blank',
      () => faultsWith('gateways', { addresses: ['pbx example'] }),
      /must be an IP address, a CIDR block or a host name/,
    ],
    [
      'one host name in two gateways',
      () =>
        faultsAfter((d) => {
          Object.assign(d.gateways[0] ?? {}, { addresses: ['pbx.example'] });
          d.gateways.push({ name: 'B', addresses: ['PBX.example'] });
        }),
      /^gateways\[1\]\.addresses\[0\] is "PBX.example"; the same stands at gateways\[0\]\.addresses\[0\]/,
    ],
    [
      'threat: more host names than can be looked up each minute',
      () =>
        faultsAfter((d) => {
          d.gateways = Array.from({ length: LIMITS.gatewayNames + 1 }, (_, index) => {
            const name = index === 0 ? 'PBX' : `PBX ${String(index)}`;
            return { name, addresses: [`pbx${String(index)}.example`] };
          });
        }),
      /^gateways have 1001 host names; at most 1000 are taken/,
    ],
    ['a flag as text', () => faultsWith('gateways', { strictMedia: 'yes' }), /must be true or false/],
    [
      'two gateways of one block',
      () => faultsAfter((d) => d.gateways.push({ name: 'B', addresses: ['192.0.2.5/32'] })),
      /^gateways\[1\]\.addresses\[0\] is "192.0.2.5\/32"; the same stands at gateways\[0\]\.addresses\[0\]/,
    ],
    [
      'two names alike but for case',
      () => faultsAfter((d) => d.gateways.push({ name: 'pbx', addresses: ['192.0.2.6'] })),
      /^gateways\[1\]\.name is "pbx"; the same stands at/,
    ],
    [
      'a pilot twice',
      () => faultsAfter((d) => d.huntGroups.push({ ...d.huntGroups[0], name: 'B', pilotIdentifier: '50-00' })),
      /^huntGroups\[1\]\.pilotIdentifier is "50-00"; huntGroups\[0\] has the same pilot/,
    ],
    [
      'an access number as extension',
      () => faultsWith('dialPlans', { accessTelephoneNumbers: ['1001'] }),
      /it is an access number of dialPlans\[0\] too/,
    ],
    [
      'text too long',
      () => faultsWith('mailboxPolicies', { voiceMailText: 'x'.repeat(513) }),
      /must be at most 512 characters/,
    ],
    [
      'a fraction',
      () => faultsWith('dialPlans', { maxRecordingDurationMinutes: 1.5 }),
      /must be a whole number, 1 to 100/,
    ],
  ];
  for (const [name, faults, fault] of wrong) {
    test(`${name} -> a fault`, () => {
      const found = faults();
      assert.ok(
        found.some((line) => fault.test(line)),
        found.join('\n') || 'no fault',
      );
    });
  }

  test('E164 and SipName plans take extensions, and their own kind of name', () => {
    const check = (uriType: string, extension: string): boolean =>
      faultsAfter((document) => {
        Object.assign(document.dialPlans[0] ?? {}, { uriType });
        Object.assign(document.mailboxes[0] ?? {}, { extensions: [extension] });
      }).length === 0;
    assert.deepEqual(
      ['1000', '+14255551000', '14255551000', 'ann@example.com'].map((each) => check('E164', each)),
      [true, true, false, false],
    );
    assert.deepEqual(
      ['1000', 'ann@example.com', 'ann', '+14255551000'].map((each) => check('SipName', each)),
      [true, true, false, false],
    );
  });

  test('threat: an address that adds a header, a recipient or an SMTP command is refused', () => {
    const hostile = [
      'a@b.c\r\nBcc: x@y.z',
      'a@b.c\nDATA',
      'a@b.c, x@y.z',
      '<a@b.c>',
      'a@b.c>',
      'a b@c.d',
      'a@b.c\u0000',
      '"a@b"@c.d',
      'a@@b.c',
      '@b.c',
      'a@-b',
      'a@b..c',
      `${'a'.repeat(65)}@b.c`,
    ];
    for (const address of hostile) {
      assert.equal(faultsWith('mailboxes', { emailAddresses: [address] }).length, 1, address);
      assert.ok(faultsWith('mailboxes', { address }).length > 0, address);
    }
    for (const address of ['a@b', "o'hara+vm@mail.example.com", 'jürgen@bücher.example', '1000@pbx_7']) {
      assert.deepEqual(faultsWith('mailboxes', { emailAddresses: [address] }), [], address);
    }
  });

  test('threat: a display name with line ends is refused', () => {
    assert.equal(faultsWith('mailboxes', { displayName: 'Ann\r\nBcc: x@y.z' }).length, 1);
  });

  test('threat: names of JavaScript are unknown fields like any other', () => {
    const document: unknown = JSON.parse(
      '{"dialPlans":[],"mailboxPolicies":[],"gateways":[],"huntGroups":[],"mailboxes":[],"__proto__":{"x":1},"constructor":1}',
    );
    assert.equal(faultsOf(document).length, 2);
  });

  test('limit directoryListEntries: more extensions than a mailbox can have are refused', () => {
    const extensions = Array.from({ length: LIMITS.directoryListEntries + 1 }, (_, index) => String(2000 + index));
    assert.match(faultsWith('mailboxes', { extensions })[0] ?? '', /must be a list of 1 to 64 texts/);
    assert.deepEqual(faultsWith('mailboxes', { extensions: extensions.slice(1) }), []);
  });

  test('limit directoryObjects: a section that is larger is refused unread', () => {
    const faults = faultsAfter(
      (document) => (document.mailboxes = Array.from({ length: LIMITS.directoryObjects + 1 }, () => ({}))),
    );
    assert.deepEqual(faults, ['mailboxes has 200001 entries; at most 200000 are taken']);
  });

  test('limit directoryFaults: a document of another kind is not answered with a fault for each line', () => {
    const faults = faultsAfter((document) => (document.mailboxes = Array.from({ length: 1_000 }, () => ({ x: 1 }))));
    assert.equal(faults.length, LIMITS.directoryFaults + 1);
    assert.match(faults.at(-1) ?? '', /^and \d+ more faults$/);
  });

  test('objects that stay keep id and PIN; new ones get an id; the rest is gone', () => {
    const before = objectsOf(sampleDocument()).map((object): DirectoryObject =>
      object.kind === 'mailbox' ? { ...object, pin } : object,
    );
    const document = sampleDocument();
    Object.assign(document.mailboxes[0] ?? {}, { address: '1000@Example.com', displayName: 'Ann' });
    document.mailboxes[1] = { address: 'new@example.com', extensions: ['1002'], mailboxPolicy: 'Default' };
    const random = countingRandom();
    random.hex(100);
    for (let used = 0; used < 20; used += 1) random.hex(16);
    const result = fromDocument(document, before, random);
    assert.ok('objects' in result);
    const [old, added] = result.objects.filter((object) => object.kind === 'mailbox');
    const [was] = before.filter((object) => object.kind === 'mailbox');
    assert.deepEqual([old?.id, old?.pin, old?.displayName], [was?.id, pin, 'Ann']);
    assert.equal(added?.pin, undefined);
    assert.ok(!before.some(({ id }) => id === added?.id));
    assert.deepEqual(
      result.objects.slice(0, 4).map(({ id }) => id),
      before.slice(0, 4).map(({ id }) => id),
    );
  });

  test('threat: no PIN is ever exported', () => {
    const objects = demonstrationDirectory('um.example', new Map([['1000', pin]]), countingRandom());
    assert.doesNotMatch(JSON.stringify(toDocument(objects)), /pin"|hash|salt/i);
  });

  test('the demonstration can be exported and imported, and trusts this machine only', () => {
    const pins = new Map([
      ['1000', pin],
      ['1001', pin],
    ]);
    const objects = demonstrationDirectory('um.example', pins, countingRandom());
    assert.deepEqual(objectsOf(JSON.parse(JSON.stringify(toDocument(objects))), objects), objects);
    const directory = new Directory(1, objects);
    assert.equal(directory.findMailbox('1001')?.address, '1001@um.example');
    assert.deepEqual(directory.findMailbox('1000')?.pin, pin);
    for (const address of ['127.0.0.1', '127.200.3.4', '::1', '::ffff:127.0.0.1'])
      assert.ok(directory.gatewayAt(address), address);
    for (const address of ['192.0.2.1', '::', '0.0.0.0', 'fe80::1'])
      assert.equal(directory.gatewayAt(address), undefined, address);
  });

  test('property: what is exported is imported as it was', () => {
    fc.assert(
      fc.property(arbitraryDocument(), (document) => {
        const objects = objectsOf(document);
        assert.deepEqual(objectsOf(JSON.parse(JSON.stringify(toDocument(objects))), objects), objects);
      }),
    );
  });

  test('property: any JSON is taken or refused, never thrown at', () => {
    const section = fc.oneof(
      fc.jsonValue(),
      fc.array(
        fc.record({
          name: fc.jsonValue(),
          addresses: fc.jsonValue(),
          extensions: fc.jsonValue(),
          dialPlan: fc.jsonValue(),
        }),
      ),
    );
    const document = fc.oneof(
      fc.jsonValue(),
      fc.record({
        dialPlans: section,
        mailboxPolicies: section,
        gateways: section,
        huntGroups: section,
        mailboxes: section,
        settings: fc.jsonValue(),
      }),
    );
    fc.assert(
      fc.property(document, (value) => {
        const result = fromDocument(value, [], countingRandom());
        if ('faults' in result) assert.ok(result.faults.length > 0);
        else new Directory(1, result.objects);
      }),
    );
  });
});
