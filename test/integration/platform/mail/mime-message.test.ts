import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { singleLine } from '../../../../src/mailbox/mail-text.js';
import type { StoredMessage } from '../../../../src/mailbox/message.js';
import { type EmailContext, voiceMailEmail } from '../../../../src/mailbox/voice-mail-email.js';
import { mimeMessage } from '../../../../src/platform/mail/mime-message.js';
import {
  decodedHeader,
  parameters,
  type ParsedEntity,
  parseMail,
  parseMailbox,
  rawHeader,
} from '../../../support/mail-parser.js';
import { sampleMessage } from '../../../support/sample-message.js';

const context: EmailContext = {
  mailFrom: 'voicemail@example.test',
  recipient: '1000@example.test',
  recipientName: 'Bob',
  audioCodec: 'Mp3',
  voiceMailText: '',
};
const audio = Uint8Array.from({ length: 1_000 }, (_, k) => (k * 7) & 255);

async function composed(
  differences: Partial<StoredMessage> = {},
  more: Partial<EmailContext> = {},
): Promise<ParsedEntity> {
  return parseMail(await mimeMessage(voiceMailEmail(sampleMessage(differences), { ...context, ...more }), audio));
}

/** Names of the headers that a mail for the sample message has, whoever called. */
const expectedNames = [
  'Auto-Submitted', 'Content-Class', 'Content-Type', 'Date', 'From', 'MIME-Version', 'Message-ID', 'Subject', 'To',
  'X-AttachmentOrder', 'X-CallID', 'X-CallingTelephoneNumber', 'X-VoiceMessageDuration', 'X-VoiceMessageSenderName',
]; // prettier-ignore

test('a voice message -> headers as written, text, HTML and the audio unchanged', async () => {
  const mail = await composed();
  assert.deepEqual(mail.headers.map(([name]) => name).sort(), expectedNames);
  assert.equal(rawHeader(mail, 'Message-ID'), '<00112233445566778899aabbccddeeff@um.example.test>');
  assert.equal(rawHeader(mail, 'Date'), 'Tue, 14 Nov 2023 22:13:20 +0000');
  assert.equal(rawHeader(mail, 'X-CallID'), 'call-1@pbx.example.test');
  const [texts, attached] = mail.parts;
  assert.deepEqual(
    texts?.parts.map((part) => parameters(rawHeader(part, 'Content-Type') ?? '').value),
    ['text/plain', 'text/html'],
  );
  assert.match(
    texts.parts[0]?.content.toString('utf8') ?? '',
    /^You received a voice mail from Ann Smith at 5551234\.\r\n/,
  );
  assert.ok(attached);
  const disposition = parameters(rawHeader(attached, 'Content-Disposition') ?? '');
  assert.equal(disposition.value, 'attachment');
  assert.equal(disposition.parameters.get('filename'), '5551234 (22 seconds) Voice Mail.mp3');
  assert.equal(parameters(rawHeader(attached, 'Content-Type') ?? '').value, 'audio/mpeg');
  assert.deepEqual(Uint8Array.from(attached.content), audio);
});

test('a missed call -> no attachment', async () => {
  const mail = await composed({ kind: 'missed-call', audioFile: undefined });
  assert.equal(parameters(rawHeader(mail, 'Content-Type') ?? '').value, 'multipart/alternative');
});

test('the same message composed twice -> the same bytes', async () => {
  const email = voiceMailEmail(sampleMessage(), context);
  assert.deepEqual(await mimeMessage(email, audio), await mimeMessage(email, audio));
});

const anyName = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 80 }),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: fc.constantFrom('\r', '\n', '\r\nBcc: x@y.test', '"', ';', '\\', ',', '<', '>', '@', '=?utf-8?Q?=0D=0A?=', 'é', '🎈', 'ש', 'a', ' ', ':', '(', ')', '\t'), maxLength: 100 }), // prettier-ignore
  fc.constantFrom('x'.repeat(5_000), 'é'.repeat(5_000), '🎈'.repeat(300)),
);

test('any name, number, Call-ID, display name and policy text -> one clean mail that says just that', async () => {
  await fc.assert(
    fc.asyncProperty(anyName, anyName, anyName, anyName, async (callerName, callerNumber, callId, recipientName) => {
      const mail = await composed({ callerName, callerNumber, callId }, { recipientName, voiceMailText: callerName });
      const names = mail.headers.map(([name]) => name);
      assert.ok(names.every((name) => expectedNames.includes(name)));
      assert.equal(new Set(names).size, names.length);
      const sender = parseMailbox(rawHeader(mail, 'From') ?? '');
      const name = singleLine(callerName, 256);
      const number = singleLine(callerNumber, 128);
      assert.equal(sender.address, 'voicemail@example.test');
      assert.equal(sender.name, (name === number ? '' : name) || number || 'Anonymous');
      const receiver = parseMailbox(rawHeader(mail, 'To') ?? '');
      assert.deepEqual(receiver, { name: singleLine(recipientName, 256), address: '1000@example.test' });
      assert.equal(decodedHeader(mail, 'X-CallingTelephoneNumber') ?? '', number);
      assert.equal(decodedHeader(mail, 'X-CallID') ?? '', singleLine(callId, 512));
      assert.match(decodedHeader(mail, 'Subject') ?? '', /^Voice Mail from .* \(22 seconds\)$/su);
      const attached = mail.parts[1];
      const fileName = parameters((attached && rawHeader(attached, 'Content-Disposition')) ?? '').parameters.get(
        'filename',
      );
      assert.equal(fileName, decodedHeader(mail, 'X-AttachmentOrder'));
      assert.doesNotMatch(fileName ?? '', /[/\\;\p{Cc}]/u);
    }),
    { numRuns: 300 },
  );
});

test('threat: a caller’s name with line breaks adds no header', async () => {
  const mail = await composed({ callerName: 'Ann\r\nBcc: victim@example.test\r\n\r\n<b>hello' });
  assert.equal(rawHeader(mail, 'Bcc'), undefined);
  assert.equal(decodedHeader(mail, 'Subject'), 'Voice Mail from Ann Bcc: victim@example.test <b>hello (22 seconds)');
});

test('threat: a name that looks like an encoded word is not decoded into a line break by the receiver', async () => {
  const mail = await composed({ callerName: '=?utf-8?Q?=0D=0ABcc:_x=40y.test?=' });
  assert.doesNotMatch(decodedHeader(mail, 'Subject') ?? '', /[\r\n]/);
});

test('threat: a right-to-left override does not disguise the name of the attachment', async () => {
  const mail = await composed({ callerNumber: '\u202e3pm.exe' });
  assert.doesNotMatch(decodedHeader(mail, 'X-AttachmentOrder') ?? '', /\u202e/);
});
