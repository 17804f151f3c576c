import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { afterEach } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { type RelayConfig, sendToRelay } from '../../../../src/platform/mail/smtp-relay.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { type PeerScript, SmtpPeer } from '../../../support/smtp-peer.js';
import { VirtualTime } from '../../../support/virtual-time.js';

const address = ownLoopbackAddress(3);
const content = Buffer.from('Subject: x\r\n\r\n.a line with a dot\r\n..two\r\nend\r\n');
const mail = { from: 'voicemail@example.test', to: '1000@example.test', content };

let peer: SmtpPeer | undefined;
afterEach(async () => {
  await peer?.close();
  peer = undefined;
});

function configFor(port: number, differences: Partial<RelayConfig> = {}): RelayConfig {
  return {
    smtpHost: address,
    smtpPort: port,
    smtpTls: 'none',
    smtpProtocol: 'smtp',
    smtpUser: undefined,
    smtpPasswordFile: undefined,
    serverName: 'um.example.test',
    ...differences,
  };
}

async function send(script: PeerScript, differences: Partial<RelayConfig> = {}): Promise<string> {
  peer = await SmtpPeer.listen(address, { script, lmtp: differences.smtpProtocol === 'lmtp' });
  return sendToRelay(mail, configFor(peer.port, differences), {
    timers: new VirtualTime(),
    signal: new AbortController().signal,
  });
}

async function refusal(script: PeerScript, differences: Partial<RelayConfig> = {}): Promise<UmError> {
  const fault: unknown = await send(script, differences).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(fault instanceof UmError, String(fault));
  return fault;
}

for (const [name, extensions] of [
  ['one command at a time', []],
  ['pipelined', ['PIPELINING', '8BITMIME']],
] as const) {
  test(`SMTP, ${name} -> the relay has the mail byte for byte, for this recipient, and is left with QUIT`, async () => {
    assert.equal(await send({ extensions }), '250 2.0.0 taken');
    assert.deepEqual(peer?.mails, [{ from: mail.from, to: mail.to, content }]);
    assert.equal(peer.commands[0], 'EHLO um.example.test');
    await peer.until(() => peer?.open === 0);
    assert.equal(peer.commands.at(-1), 'QUIT');
  });
}

test('LMTP -> LHLO, and the answer for the recipient decides', async () => {
  await send({}, { smtpProtocol: 'lmtp' });
  assert.equal(peer?.commands[0], 'LHLO um.example.test');
  assert.deepEqual(peer.mails[0]?.content, content);
});

const final: readonly (readonly [name: string, script: PeerScript, lmtp: boolean])[] = [
  ['5xx to RCPT', { recipient: () => '550 5.1.1 no such user' }, false],
  ['5xx to RCPT, pipelined', { extensions: ['PIPELINING'], recipient: () => '550 5.1.1 no such user' }, false],
  ['5xx to DATA', { data: '550 5.1.1 no such user' }, false],
  ['5xx after the data', { taken: () => '550 5.1.1 no such user' }, false],
  ['LMTP: 5xx to RCPT', { recipient: () => '550 5.1.1 no such user' }, true],
  ['LMTP: 5xx after the data', { taken: () => '550 5.1.1 no such user' }, true],
];
for (const [name, script, lmtp] of final) {
  test(`${name} -> refused for good, with the relay's words`, async () => {
    const fault = await refusal(script, { smtpProtocol: lmtp ? 'lmtp' : 'smtp' });
    assert.equal(fault.code, 'mail-refused');
    assert.match(fault.detail, /^550 5\.1\.1 no such user \(to (RCPT TO|DATA)\)$/);
    assert.equal(peer?.mails.length, 0);
  });
}

const passing: readonly (readonly [name: string, script: PeerScript, words: RegExp])[] = [
  ['4xx to RCPT', { recipient: () => '450 4.2.1 try later' }, /^450 4\.2\.1 try later/],
  [
    '4xx to RCPT, pipelined',
    { extensions: ['PIPELINING'], recipient: () => '450 4.2.1 try later' },
    /^450 4\.2\.1 try/,
  ],
  ['4xx after the data', { taken: () => '452 4.3.1 no room' }, /^452 4\.3\.1 no room/],
  ['421 in place of an answer', { mail: '421 4.3.2 shutting down' }, /^421 4\.3\.2 shutting down/],
  ['5xx greeting', { greeting: '554 5.3.2 not now' }, /^554 5\.3\.2 not now/],
  ['5xx to EHLO and HELO', { hello: '550 go away' }, /^5\d\d /],
  ['5xx to MAIL', { mail: '530 5.7.0 log in first' }, /^530 5\.7\.0 log in first/],
  ['log-in demanded at RCPT', { recipient: () => '530 5.7.0 log in first' }, /^530 5\.7\.0 log in first/],
  ['wrong order', { data: '503 5.5.1 RCPT first' }, /^503 5\.5\.1 RCPT first/],
  ['closed before the greeting', { greeting: 'close' }, /closed/],
  ['closed in mid-DATA', { closeAfterDataBytes: 10 }, /closed|ECONNRESET/],
  ['closed in place of the last answer', { taken: () => 'close' }, /closed|ECONNRESET/],
];
for (const [name, script, words] of passing) {
  test(`${name} -> not yet, to be tried again`, async () => {
    const fault = await refusal(script);
    assert.equal(fault.code, 'mail-unreachable');
    assert.match(fault.detail, words);
    assert.equal(peer?.mails.length, 0);
  });
}

test('LMTP: 4xx after the data -> not yet', async () => {
  const fault = await refusal({ taken: () => '452 4.2.2 mailbox full' }, { smtpProtocol: 'lmtp' });
  assert.equal(fault.code, 'mail-unreachable');
  assert.match(fault.detail, /^452 4\.2\.2 mailbox full/);
});

test('nobody listens -> not yet', async () => {
  const signal = new AbortController().signal;
  const unbound = createServer().listen(0, address);
  await once(unbound, 'listening');
  const bound = unbound.address();
  unbound.close();
  await once(unbound, 'close');
  const port = bound !== null && typeof bound === 'object' ? bound.port : 0;
  await assert.rejects(sendToRelay(mail, configFor(port), { timers: new VirtualTime(), signal }), /ECONNREFUSED/);
});

test('a relay that falls silent -> the attempt ends at its deadline, and its connection with it', async () => {
  for (const script of [{ greeting: 'stall' }, { mail: 'stall' }, { taken: () => 'stall' }]) {
    const silent = await SmtpPeer.listen(address, { script });
    const time = new VirtualTime();
    const { signal } = new AbortController();
    const attempt = sendToRelay(mail, configFor(silent.port), { timers: time, signal });
    attempt.catch(() => undefined);
    await silent.until(() => silent.connections === 1 && ('greeting' in script || silent.commands.length >= 2));
    await time.pass(600_000);
    await assert.rejects(attempt, /did not take the mail within 10 minutes/);
    await silent.until(() => silent.open === 0);
    await silent.close();
  }
});

test('broken off -> the connection is closed at once', async () => {
  peer = await SmtpPeer.listen(address, { script: { taken: () => 'stall' } });
  const abort = new AbortController();
  const attempt = sendToRelay(mail, configFor(peer.port), { timers: new VirtualTime(), signal: abort.signal });
  await peer.until(() => peer?.commands.includes('DATA') === true);
  abort.abort();
  await assert.rejects(attempt, { code: 'mail-unreachable' });
  await peer.until(() => peer?.open === 0);
});

test('no timer is left once an attempt is over and the relay has said goodbye', async () => {
  peer = await SmtpPeer.listen(address);
  const time = new VirtualTime();
  await sendToRelay(mail, configFor(peer.port), { timers: time, signal: new AbortController().signal });
  await peer.until(() => peer?.open === 0);
  await time.pass(0);
  assert.equal(time.waiting, 0);
});

test('SmtpUser and SmtpPasswordFile -> AUTH, the first line read as the password at each attempt', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openum-relay-'));
  const smtpPasswordFile = join(directory, 'password');
  try {
    for (const [password, rest] of [
      ['first', '\n'],
      ['second', '\r\na note below it\n'],
    ] as const) {
      writeFileSync(smtpPasswordFile, `${password}${rest}`);
      await send({ extensions: ['AUTH PLAIN'] }, { smtpUser: 'um', smtpPasswordFile });
      const expected = Buffer.from(`\0um\0${password}`).toString('base64');
      const used: SmtpPeer | undefined = peer;
      assert.ok(used?.commands.includes(`AUTH PLAIN ${expected}`));
      await used?.close();
    }
    const fault = await refusal(
      { extensions: ['AUTH PLAIN'], auth: '535 5.7.8 wrong' },
      { smtpUser: 'um', smtpPasswordFile },
    );
    assert.equal(fault.code, 'mail-unreachable');
    assert.match(fault.detail, /^535 5\.7\.8 wrong/);
    assert.doesNotMatch(fault.detail, /second/);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a password file that cannot be read -> not yet, and no connection is made', async () => {
  const fault = await refusal({}, { smtpUser: 'um', smtpPasswordFile: '/nonexistent/password' });
  assert.equal(fault.code, 'mail-unreachable');
  assert.match(fault.detail, /SmtpPasswordFile cannot be read: ENOENT/);
  assert.equal(peer?.connections, 0);
});

test('threat: a relay that stops offering STARTTLS gets neither password nor mail in clear', async () => {
  const fault = await refusal({ extensions: ['AUTH PLAIN'] }, { smtpTls: 'starttls', smtpUser: 'um' });
  assert.equal(fault.code, 'mail-unreachable');
  assert.ok(peer?.commands.every((command) => /^(EHLO|STARTTLS)/.test(command)));
});

test('threat: a recipient with a line break or a bracket sends no command of its own', async () => {
  for (const to of ['a@b>\r\nRCPT TO:<evil@x.test', 'a@b> NOTIFY=NEVER', '']) {
    const attempt = sendToRelay({ ...mail, to }, configFor(9), {
      timers: new VirtualTime(),
      signal: new AbortController().signal,
    });
    await assert.rejects(attempt, { code: 'mail-refused' });
  }
});

test('threat: an answer without end is not kept', async () => {
  const fault = await refusal({ mail: `250-${'x'.repeat(2_000_000)}` });
  assert.equal(fault.code, 'mail-unreachable');
  assert.ok(fault.detail.length < 500);
});

test('threat: the words of a relay are kept as one short line', async () => {
  const fault = await refusal({ recipient: () => `550-${'a'.repeat(3_000)}\r\n550 \x1b[31m\x07end` });
  assert.equal(fault.code, 'mail-refused');
  assert.ok(fault.detail.length < 450);
  assert.doesNotMatch(fault.detail, /\p{Cc}/u);
});
