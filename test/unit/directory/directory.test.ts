import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Directory } from '../../../src/directory/directory.js';
import type { UMMailbox } from '../../../src/directory/objects.js';
import { objectsOf, sampleDirectory, sampleDocument } from './sample-directory.js';

function withGateways(gateways: Readonly<Record<string, readonly string[]>>): Directory {
  const document = sampleDocument();
  document.huntGroups = [];
  document.gateways = Object.entries(gateways).map(([name, addresses]) => ({ name, addresses }));
  return new Directory(1, objectsOf(document));
}

describe('Directory', () => {
  test('the longest block that holds an address names the gateway', () => {
    const directory = withGateways({
      all: ['0.0.0.0/0'],
      net: ['10.0.0.0/8'],
      site: ['10.1.0.0/16', '2001:db8::/32'],
      host: ['10.1.2.3', '2001:db8::3'],
    });
    const found = ['10.1.2.3', '10.1.2.4', '10.2.0.1', '192.0.2.1', '2001:db8::3', '2001:0DB8:0::4', '2001:db9::1'].map(
      (address) => directory.gatewayAt(address)?.name,
    );
    assert.deepEqual(found, ['host', 'site', 'net', 'all', 'host', 'site', undefined]);
  });

  test('an IPv4-mapped address is the IPv4 address, in the directory and on the socket', () => {
    const directory = withGateways({ plain: ['192.0.2.5'], mapped: ['::ffff:192.0.2.64/122'] });
    assert.equal(directory.gatewayAt('::ffff:192.0.2.5')?.name, 'plain');
    assert.equal(directory.gatewayAt('::ffff:c000:205')?.name, 'plain');
    assert.equal(directory.gatewayAt('192.0.2.100')?.name, 'mapped');
    assert.equal(directory.gatewayAt('192.0.2.128'), undefined);
  });

  test('a zone is passed over, and what is no address matches nothing', () => {
    const directory = withGateways({ link: ['fe80::/10'], four: ['0.0.0.0/0'] });
    assert.equal(directory.gatewayAt('fe80::1%eth0')?.name, 'link');
    for (const text of [
      '',
      'pbx',
      '1.2.3',
      '01.2.3.4',
      '1.2.3.4.5',
      'fe80:::1',
      ':',
      '1::2::3',
      '::1.2.3',
      '12345::',
    ]) {
      assert.equal(directory.gatewayAt(text), undefined, text);
    }
  });

  test('a name matches the addresses that it has now, and nothing before they are known', () => {
    const unknown = withGateways({ named: ['PBX.example'] });
    assert.deepEqual(unknown.gatewayNames, ['pbx.example']);
    assert.equal(unknown.gatewayAt('192.0.2.5'), undefined);
    const known = unknown.withGatewayNames(new Map([['pbx.example', ['192.0.2.5', '2001:db8::5']]]));
    assert.equal(known.gatewayAt('192.0.2.5')?.name, 'named');
    assert.equal(known.gatewayAt('2001:db8:0::5')?.name, 'named');
    assert.equal(known.gatewayAt('192.0.2.6'), undefined);
    const moved = known.withGatewayNames(new Map([['pbx.example', ['192.0.2.6']]]));
    assert.equal(moved.gatewayAt('192.0.2.5'), undefined);
    assert.equal(moved.gatewayAt('192.0.2.6')?.name, 'named');
  });

  test("a name's address ranks as an exact one: above every block, below one that is written down; the first name wins", () => {
    const named = new Map([
      ['pbx.example', ['10.1.2.3', '10.1.2.4', '10.1.2.5']],
      ['other.example', ['10.1.2.5', '10.1.2.6']],
    ]);
    const directory = withGateways({
      block: ['10.1.2.0/31', '10.1.2.2/31', '10.0.0.0/8'],
      pbx: ['pbx.example'],
      other: ['other.example'],
      written: ['10.1.2.4'],
    }).withGatewayNames(named);
    const found = ['10.1.2.2', '10.1.2.3', '10.1.2.4', '10.1.2.5', '10.1.2.6', '10.9.9.9'].map(
      (address) => directory.gatewayAt(address)?.name,
    );
    assert.deepEqual(found, ['block', 'pbx', 'written', 'pbx', 'other', 'block']);
  });

  test('IPv4-mapped addresses of a name, and of the socket, are the IPv4 address; an answer that is none matches nothing', () => {
    const directory = withGateways({ named: ['pbx.example'] }).withGatewayNames(
      new Map([['pbx.example', ['::ffff:192.0.2.5', '192.0.2.0/24', 'pbx', '']]]),
    );
    assert.equal(directory.gatewayAt('192.0.2.5')?.name, 'named');
    assert.equal(directory.gatewayAt('::ffff:192.0.2.5')?.name, 'named');
    assert.equal(directory.gatewayAt('192.0.2.6'), undefined);
  });

  test('with names it is the same directory otherwise', () => {
    const before = sampleDirectory();
    const after = before.withGatewayNames(new Map());
    assert.deepEqual([after.version, after.objects, after.settings], [before.version, before.objects, before.settings]);
    assert.equal(after.findMailbox('1000'), before.findMailbox('1000'));
    assert.equal(after.gatewayAt('192.0.2.5'), before.gatewayAt('192.0.2.5'));
  });

  test('a mailbox is found by extension within its dial plan, by id, by address without case', () => {
    const directory = sampleDirectory();
    const mailbox = directory.findMailbox('1000');
    assert.ok(mailbox);
    const dialPlan = directory.dialPlanOf(mailbox);
    assert.equal(directory.mailboxOf(dialPlan.id, '1000'), mailbox);
    assert.equal(directory.mailboxOf('another', '1000'), undefined);
    assert.equal(directory.mailboxById(mailbox.id), mailbox);
    assert.equal(directory.findMailbox(mailbox.id), mailbox);
    assert.equal(directory.findMailbox('1000@EXAMPLE.com'), mailbox);
    assert.equal(directory.findMailbox('9999'), undefined);
    assert.equal(directory.policyOf(mailbox).name, 'Default');
    assert.equal(directory.dialPlan(dialPlan.id), dialPlan);
  });

  test('an extension that two dial plans have finds nobody', () => {
    const document = sampleDocument();
    document.dialPlans.push({ name: 'Branch', numberOfDigitsInExtension: 4 });
    document.mailboxPolicies.push({ name: 'Branch', dialPlan: 'Branch' });
    document.mailboxes.push({ address: 'b@example.com', extensions: ['1000'], mailboxPolicy: 'Branch' });
    const directory = new Directory(1, objectsOf(document));
    assert.equal(directory.findMailbox('1000'), undefined);
    assert.equal(directory.findMailbox('1001')?.address, '1001@example.com');
  });

  test('a delta makes the next version and leaves this one as it is', () => {
    const directory = sampleDirectory();
    const [first, second] = directory.objects.filter((object): object is UMMailbox => object.kind === 'mailbox');
    assert.ok(first && second);
    const changed: UMMailbox = { ...first, extensions: ['1010'] };
    const added: UMMailbox = { ...first, id: 'new', address: 'new@example.com', extensions: ['1011'] };
    const settings = { kind: 'settings', id: 'settings', maxCallsAllowed: 7 } as const;
    const next = directory.apply({ version: 2, put: [changed, added, settings], removed: [second.id] });
    assert.deepEqual([next.version, next.settings.maxCallsAllowed], [2, 7]);
    assert.deepEqual(
      ['1000', '1001', '1010', '1011'].map((each) => next.findMailbox(each)?.address),
      [undefined, undefined, '1000@example.com', 'new@example.com'],
    );
    assert.deepEqual([directory.version, directory.settings.maxCallsAllowed], [1, 100]);
    assert.equal(directory.findMailbox('1001'), second);
  });

  test('an empty directory has the default settings and knows nobody', () => {
    const directory = new Directory(0, []);
    assert.equal(directory.settings.maxCallsAllowed, 100);
    assert.equal(directory.gatewayAt('127.0.0.1'), undefined);
    assert.deepEqual(directory.huntGroups('x'), []);
  });
});
