import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Directory } from '../../../src/directory/directory.js';
import { indexMessage, messageFault } from '../../../src/protocol/sip/message.js';
import { resolveCall } from '../../../src/routing/call-resolution.js';
import { objectsOf, sampleDirectory, sampleDocument } from '../directory/sample-directory.js';
import { flowOf, type InviteFacts, requestOf } from './invites.js';

/** `extension` of the mailbox, or `code: detail`. */
function resolve(facts: InviteFacts, directory: Directory | undefined = sampleDirectory(), flow = flowOf()): string {
  const request = requestOf(facts);
  assert.equal(messageFault(request), undefined, 'the request is well-formed');
  const resolution = resolveCall(request, flow, directory);
  return resolution.kind === 'refuse' ? `${resolution.code}: ${resolution.detail}` : resolution.extension;
}

const diversion = (...values: readonly string[]): InviteFacts => ({
  headers: values.map((value) => `Diversion: ${value}`),
});

/** The sample with another hunt group, which has no pilot. */
function withoutPilot(change: Readonly<Record<string, unknown>> = {}): Directory {
  const document = sampleDocument();
  Object.assign(document.dialPlans[0] ?? {}, change);
  Object.assign(document.huntGroups[0] ?? {}, { pilotIdentifier: '' });
  return new Directory(1, objectsOf(document));
}

describe('resolveCall: the gateway', () => {
  test('no directory yet -> directory-unavailable', () => {
    const resolution = resolveCall(requestOf(), flowOf(), undefined);
    assert.equal(resolution.kind === 'refuse' && resolution.code, 'directory-unavailable');
  });

  test('a stranger is refused, whatever the call is for', () => {
    const answer = resolve(diversion('<sip:1000@pbx>'), sampleDirectory(), flowOf({ peer: '192.0.2.6' }));
    assert.equal(answer, 'peer-not-a-gateway: 192.0.2.6 is in the addresses of no gateway');
  });

  test('a gateway that is disabled, or takes no new calls, is refused with a word on why', () => {
    const disabled = sampleDirectory({}, { status: 'Disabled' });
    assert.equal(resolve({}, disabled), 'peer-not-a-gateway: gateway "PBX" (192.0.2.5) is disabled');
    const quiet = sampleDirectory({}, { status: 'NoNewCalls' });
    assert.equal(resolve({}, quiet), 'peer-not-a-gateway: gateway "PBX" (192.0.2.5) takes no new calls (NoNewCalls)');
  });
});

describe('resolveCall: the number that was dialled', () => {
  const toMailbox = diversion('<sip:1000@pbx>').headers ?? [];
  for (const uri of [
    'sip:5000@um.example',
    'sip:50-00@um.example:5060;user=phone',
    'sip:%35000@um.example',
    'sip:5000;phone-context=example.com@um.example;user=phone',
    'SIP:5000@UM.example',
    'sips:5000@um.example',
    'tel:5000;phone-context=example.com',
    'tel:(50)00',
  ]) {
    test(`the pilot as ${uri}`, () => {
      assert.equal(resolve({ uri, headers: toMailbox }), '1000');
    });
  }

  test('a + counts, and an unknown pilot is refused with those there are', () => {
    const answer = resolve({ uri: 'sip:+5000@um.example', headers: toMailbox });
    assert.equal(answer, 'pilot-unknown: "+5000" was dialled, gateway "PBX" has the pilots 5000');
    assert.match(resolve({ uri: 'sip:um.example', headers: toMailbox }), /^pilot-unknown: "" was dialled/);
  });

  test('an exact pilot comes before the hunt group without one', () => {
    const document = sampleDocument();
    document.dialPlans.push({ name: 'Branch', numberOfDigitsInExtension: 4 });
    document.mailboxPolicies.push({ name: 'Branch', dialPlan: 'Branch' });
    document.mailboxes.push({ address: 'b@example.com', extensions: ['2000'], mailboxPolicy: 'Branch' });
    document.huntGroups.unshift({ name: 'Rest', gateway: 'PBX', dialPlan: 'Branch' });
    const directory = new Directory(1, objectsOf(document));
    assert.equal(resolve({ uri: 'sip:5000@um', headers: toMailbox }, directory), '1000');
    assert.equal(resolve({ uri: 'sip:5001@um', ...diversion('<sip:2000@pbx>') }, directory), '2000');
    assert.match(resolve({ uri: 'sip:5001@um', headers: toMailbox }, directory), /^mailbox-unknown/);
  });

  test('a pilot of another gateway does not count', () => {
    const document = sampleDocument();
    document.gateways.push({ name: 'Other', addresses: ['192.0.2.6'] });
    document.huntGroups.push({ name: 'B', gateway: 'Other', dialPlan: 'HQ', pilotIdentifier: '6000' });
    const directory = new Directory(1, objectsOf(document));
    assert.match(resolve({ uri: 'sip:6000@um', headers: toMailbox }, directory), /^pilot-unknown/);
    assert.equal(resolve({ uri: 'sip:6000@um', headers: toMailbox }, directory, flowOf({ peer: '192.0.2.6' })), '1000');
  });

  test('a gateway without hunt group -> pilot-unknown', () => {
    const document = sampleDocument();
    document.huntGroups = [];
    const answer = resolve({}, new Directory(1, objectsOf(document)));
    assert.equal(answer, 'pilot-unknown: "5000" was dialled, gateway "PBX" has no hunt group');
  });

  test('an access number asks for sign-in, unless the call was diverted', () => {
    const directory = sampleDirectory({ accessTelephoneNumbers: ['7000'] });
    assert.match(resolve({ uri: 'sip:7000@um' }, directory), /^sign-in-not-implemented: "7000" is an access number/);
    assert.equal(resolve({ uri: 'sip:7000@um', headers: toMailbox }, directory), '1000');
  });
});

describe('resolveCall: security of the dial plan', () => {
  for (const voipSecurity of ['SIPSecured', 'Secured'] as const) {
    test(`${voipSecurity} over TCP -> security-mismatch, over TLS the call goes on`, () => {
      const directory = sampleDirectory({ voipSecurity });
      const facts = diversion('<sip:1000@pbx>');
      assert.equal(
        resolve(facts, directory),
        `security-mismatch: dial plan "HQ" is ${voipSecurity}, the call came by TCP`,
      );
      assert.equal(resolve(facts, directory, flowOf({ transport: 'tls' })), '1000');
    });
  }
});

describe('resolveCall: who is called', () => {
  const forms: readonly string[] = [
    '<tel:1000>;reason=no-answer',
    '<Tel:1000>',
    'Tel:1000',
    'tel:+1-425-555-1000;reason=unconditional',
    '"Doe, Jane" <sip:1000@pbx>;privacy=off;reason=no-answer;screen=yes',
    '<sip:+14255551000@pbx;user=phone>',
    '<sip:14255551000@pbx>',
    '<sips:1000@[2001:db8::1]:5061;transport=tls>;reason=user-busy;counter=1',
    '<sip:10-00@pbx>',
    'sip:1000@pbx;reason=no-answer',
    '1000@192.0.2.5',
    '<sip:1000;phone-context=pbx@pbx>',
  ];
  for (const form of forms) {
    test(`Diversion: ${form}`, () => {
      assert.equal(resolve(diversion(form)), '1000');
    });
  }

  test('compact layouts: one line with commas, several lines, any case of the name', () => {
    assert.equal(resolve({ headers: ['diversion: <sip:9@x>, "a,b" <sip:1001@x>', 'DIVERSION: <sip:8@x>'] }), '1001');
  });

  test('OriginalCalled takes the bottom-most mailbox, LastRedirecting the top-most', () => {
    const facts = diversion('<sip:9999@x>', '<sip:1001@x>, <sip:1000@x>', '<sip:8888@x>');
    assert.equal(resolve(facts), '1000');
    assert.equal(resolve(facts, sampleDirectory({ diversionPreference: 'LastRedirecting' })), '1001');
  });

  test('our own pilots and access numbers are passed over, with + or without', () => {
    const document = sampleDocument();
    Object.assign(document.huntGroups[0] ?? {}, { pilotIdentifier: '+14255551001' });
    const directory = new Directory(1, objectsOf(document));
    const facts = diversion('<sip:1000@x>', '<sip:14255551001@x>', '<tel:+14255551001>');
    assert.equal(
      resolve({ uri: 'sip:+14255551001@um', ...facts }, directory),
      '1000',
      'not 1001, which its last digits are',
    );
    const access = sampleDirectory({ accessTelephoneNumbers: ['+1 425 555 1001'] });
    assert.equal(resolve(diversion('<sip:1000@x>', '<sip:4255551001@x>', '<sip:14255551001@x>'), access), '1001');
    assert.equal(resolve(diversion('<sip:1000@x>', '<sip:14255551001@x>'), access), '1000');
  });

  test('diversions of which none is a mailbox -> 404 with what they named', () => {
    const answer = resolve(diversion('<sip:9999@x>', '<sip:ann@x>', '<tel:8>'));
    assert.equal(answer, 'mailbox-unknown: Diversion names "9999", "ann@x", "8", no mailbox of dial plan "HQ"');
  });

  test('a malformed entry is passed over; when nothing is left its reason is told', () => {
    assert.equal(resolve(diversion('"unclosed <sip:1001@x>', '<sip:1000@x>')), '1000');
    assert.match(
      resolve(diversion('"unclosed <sip:1000@x>')),
      /^mailbox-unknown: an entry of Diversion was passed over: /,
    );
    assert.match(
      resolve(diversion('<mailto:1000@x>', '<sip:9@x>')),
      /"9".*; an entry of Diversion was passed over: .*mailto/,
    );
  });

  test('a Diversion that names no mailbox is not overruled by History-Info', () => {
    const headers = ['Diversion: <sip:9999@x>', 'History-Info: <sip:1000@x>;index=1, <sip:5000@x>;index=1.1'];
    assert.match(resolve({ headers }), /^mailbox-unknown: Diversion names "9999"/);
  });

  test('the last digits of a longer number count in a TelExtn plan only', () => {
    const document = sampleDocument();
    Object.assign(document.dialPlans[0] ?? {}, { uriType: 'E164' });
    document.mailboxes.push({ address: 'e@example.com', extensions: ['+14255551002'], mailboxPolicy: 'Default' });
    const directory = new Directory(1, objectsOf(document));
    assert.equal(resolve(diversion('<tel:+14255551002>'), directory), '+14255551002');
    assert.equal(resolve(diversion('<sip:14255551002@x>'), directory), '+14255551002');
    assert.match(resolve(diversion('<tel:+14255551000>'), directory), /^mailbox-unknown/);
    assert.equal(resolve(diversion('<sip:1000@x>'), directory), '1000');
  });

  test('a SipName plan finds user@host, and the user alone as extension', () => {
    const document = sampleDocument();
    Object.assign(document.dialPlans[0] ?? {}, { uriType: 'SipName' });
    document.mailboxes.push({ address: 's@example.com', extensions: ['Ann@example.com'], mailboxPolicy: 'Default' });
    const directory = new Directory(1, objectsOf(document));
    assert.equal(resolve(diversion('<sip:ann@EXAMPLE.com:5060>'), directory), 'ann@example.com');
    assert.match(resolve(diversion('<sip:ann@other.com>'), directory), /^mailbox-unknown/);
    assert.equal(resolve(diversion('<sip:1000@anything>'), directory), '1000');
  });

  test('threat: a user part with escaped line ends is no extension and stays on one line', () => {
    const answer = resolve(diversion('<sip:1000%0d%0aX@x>'));
    assert.match(answer, /^mailbox-unknown/);
  });
});

describe('resolveCall: History-Info (RFC 7044, RFC 4244)', () => {
  const history = (...entries: readonly string[]): InviteFacts => ({
    headers: entries.map((entry) => `History-Info: ${entry}`),
  });

  test('the entry with an escaped Reason was left', () => {
    const facts = history(
      '<sip:1000@pbx?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1, <sip:5000@um>;index=1.1',
    );
    assert.equal(resolve(facts), '1000');
  });

  test('the entry before one with a cause was left', () => {
    assert.equal(
      resolve(history('<sip:1001@pbx>;index=1', '<sip:1000@pbx>;index=1.1', '<sip:5000@um;cause=408>;index=1.1.1')),
      '1000',
    );
  });

  test('the first is the original, the last before ours the latest', () => {
    const facts = history(
      '<sip:1000@x?Reason=SIP%3Bcause%3D302>;index=1,<sip:1001@x;cause=302?Reason=SIP%3Bcause%3D408>;index=1.1',
      '<sip:5000@x;cause=408>;index=1.2',
    );
    assert.equal(resolve(facts), '1000');
    assert.equal(resolve(facts, sampleDirectory({ diversionPreference: 'LastRedirecting' })), '1001');
  });

  test('a last entry that says why the call left it counts', () => {
    assert.equal(resolve(history('<sip:1000@x?Reason=Q.850%3Bcause%3D19>;index=1')), '1000');
  });

  test('where no entry says why, those before the last count', () => {
    assert.equal(resolve(history('<sip:1000@pbx>;index=1', '<tel:5000>;index=1.1')), '1000');
  });

  test('the one entry that is the call itself is no diversion', () => {
    assert.match(resolve(history('<sip:5000@um>;index=1')), /^sign-in-not-implemented/);
  });
});

describe('resolveCall: the voice-mail URI (RFC 4458)', () => {
  test('target names the mailbox', () => {
    for (const target of ['sip:1000%40example.com', 'sip%3A%2B14255551000%40example.com', 'tel:1000', '1000']) {
      assert.equal(resolve({ uri: `sip:5000@um;target=${target};cause=486` }), '1000', target);
    }
  });

  test('Diversion comes before it', () => {
    assert.equal(resolve({ uri: 'sip:5000@um;target=sip:1000%40x', ...diversion('<sip:1001@x>') }), '1001');
  });

  test('a target that is no mailbox -> 404', () => {
    assert.equal(
      resolve({ uri: 'sip:5000@um;target=9999' }),
      'mailbox-unknown: target names "9999", no mailbox of dial plan "HQ"',
    );
  });
});

describe('resolveCall: a call that nobody diverted', () => {
  test('to an extension, through a hunt group without pilot -> call answering for it', () => {
    assert.equal(resolve({ uri: 'sip:1000@um' }, withoutPilot()), '1000');
    assert.equal(resolve({ uri: 'tel:+14255551001' }, withoutPilot()), '1001');
  });

  test('by the owner of that extension -> sign-in, which comes later', () => {
    const answer = resolve({ uri: 'sip:1000@um', from: '"Ann" <sip:1000@pbx>' }, withoutPilot());
    assert.equal(answer, 'sign-in-not-implemented: the owner of mailbox "1000" calls his own extension');
    assert.equal(resolve({ uri: 'sip:1000@um', from: '<sip:1001@pbx>' }, withoutPilot()), '1000');
  });

  test('by a stranger whose number ends like the extension -> his message is taken', () => {
    assert.equal(resolve({ uri: 'sip:1000@um', from: '<tel:+49301231000>' }, withoutPilot()), '1000');
  });

  test('to the pilot, or to a number that is no extension -> sign-in, with what would be needed', () => {
    const answer = resolve({});
    assert.equal(
      answer,
      'sign-in-not-implemented: the call has no Diversion, and "5000" is no extension of dial plan "HQ"',
    );
    assert.match(resolve({ uri: 'sip:77@um' }, withoutPilot()), /^sign-in-not-implemented: .*"77" is no extension/);
    assert.match(resolve({ uri: 'sip:um' }, withoutPilot()), /^sign-in-not-implemented: .*"" is no extension/);
  });
});

describe('resolveCall: what it hands out', () => {
  test('gateway, dial plan, policy, mailbox, extension and caller', () => {
    const directory = sampleDirectory();
    const request = requestOf({ from: '"Bob" <sip:+1-425-555-0123@x>', ...diversion('<tel:+14255551000>') });
    const resolution = resolveCall(request, flowOf(), directory);
    assert.ok(resolution.kind === 'call-answering');
    const { gateway, dialPlan, policy, mailbox } = resolution;
    assert.deepEqual(
      [gateway.name, dialPlan.name, policy.name, mailbox.address],
      ['PBX', 'HQ', 'Default', '1000@example.com'],
    );
    assert.deepEqual(
      [resolution.extension, resolution.callerNumber, resolution.callerName],
      ['1000', '+14255550123', 'Bob'],
    );
  });

  test('property: any message that passes the checks is resolved, never thrown at', () => {
    const directory = withoutPilot();
    const piece = fc.constantFrom(
      '<',
      '>',
      '"',
      ';',
      ',',
      '@',
      '%',
      '?',
      '=',
      ':',
      'sip:',
      'tel:',
      '1000',
      'Reason=SIP%3Bcause%3D302',
      'cause=486',
      '\\',
      ' ',
    );
    const value = fc
      .array(fc.oneof(piece, fc.string()), { maxLength: 12 })
      .map((pieces) => pieces.join('').replaceAll(/[^\x20-\xff]/g, '?'));
    const name = fc.constantFrom('Diversion', 'History-Info', 'P-Asserted-Identity', 'Remote-Party-ID', 'Privacy');
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 5 }), value, (headers, target) => {
        const uri = `sip:1000@um;target=${target.replaceAll(/[\s<>"]/g, '')}`;
        const { wire } = requestOf({ uri, headers: headers.map(([each, text]) => `${each}: ${text}`) });
        const request = indexMessage(wire);
        if (request.kind !== 'request' || messageFault(request)) return;
        resolveCall(request, flowOf(), directory);
      }),
    );
  });
});
