import assert from 'node:assert/strict';
import test from 'node:test';
import { type EmailContext, voiceMailEmail } from '../../../src/mailbox/voice-mail-email.js';
import { sampleMessage } from '../../support/sample-message.js';

const context: EmailContext = {
  mailFrom: 'voicemail@example.test',
  recipient: '1000@example.test',
  recipientName: 'Bob',
  audioCodec: 'Mp3',
  voiceMailText: '',
};

test('a voice message -> class, X- headers, subject and file name of Exchange UM', () => {
  const email = voiceMailEmail(sampleMessage(), context);
  assert.equal(email.subject, 'Voice Mail from Ann Smith (22 seconds)');
  assert.deepEqual(email.from, { name: 'Ann Smith', address: 'voicemail@example.test' });
  assert.deepEqual(email.to, { name: 'Bob', address: '1000@example.test' });
  assert.deepEqual(Object.fromEntries(email.headers), {
    'Content-Class': 'voice-ca',
    'X-CallingTelephoneNumber': '5551234',
    'X-VoiceMessageSenderName': 'Ann Smith',
    'X-CallID': 'call-1@pbx.example.test',
    'X-VoiceMessageDuration': '22',
    'X-AttachmentOrder': '5551234 (22 seconds) Voice Mail.mp3',
    'Auto-Submitted': 'auto-generated',
  });
  assert.deepEqual(email.attachment, { fileName: '5551234 (22 seconds) Voice Mail.mp3', contentType: 'audio/mpeg' });
  assert.match(email.text, /^You received a voice mail from Ann Smith at 5551234\.\n/);
  assert.match(email.html, /<div id="UM-call-info" lang="en">/);
  assert.match(email.html, /<a href="tel:5551234">5551234<\/a>/);
});

test('Message-ID and Date come from the message alone', () => {
  const email = voiceMailEmail(sampleMessage(), context);
  assert.equal(email.messageId, '<00112233445566778899aabbccddeeff@um.example.test>');
  assert.equal(email.dateMs, 1_700_000_000_000);
});

test('a missed call -> its own class and words, nothing attached, no policy text', () => {
  const email = voiceMailEmail(
    sampleMessage({ kind: 'missed-call', audioFile: undefined, codec: undefined, durationMs: 0 }),
    {
      ...context,
      voiceMailText: 'For voice messages.',
    },
  );
  assert.equal(email.subject, 'Missed call from Ann Smith');
  assert.match(email.text, /^You missed a call from Ann Smith at 5551234\.\n/);
  assert.equal(email.attachment, undefined);
  const headers = Object.fromEntries(email.headers);
  assert.equal(headers['Content-Class'], 'missedcall');
  assert.equal(headers['X-VoiceMessageDuration'], undefined);
  assert.doesNotMatch(email.text + email.html, /For voice messages/);
});

test('no name -> the number stands for it; a name that is the number says nothing twice', () => {
  for (const callerName of ['', '5551234']) {
    const email = voiceMailEmail(sampleMessage({ callerName }), context);
    assert.equal(email.subject, 'Voice Mail from 5551234 (22 seconds)');
    assert.match(email.text, /^You received a voice mail from 5551234\.\n/);
    assert.equal(Object.fromEntries(email.headers)['X-VoiceMessageSenderName'], undefined);
  }
});

test('neither number nor name -> an anonymous caller', () => {
  for (const callerName of ['', 'Anonymous']) {
    const email = voiceMailEmail(sampleMessage({ callerNumber: '', callerName }), context);
    assert.equal(email.subject, 'Voice Mail from an anonymous caller (22 seconds)');
    assert.equal(email.from.name, 'Anonymous');
    assert.equal(email.attachment?.fileName, 'Anonymous (22 seconds) Voice Mail.mp3');
    assert.match(email.html, /<td>Anonymous<\/td>/);
  }
});

test('codec G711 -> a WAV is attached', () => {
  const email = voiceMailEmail(sampleMessage({ durationMs: 65_000 }), { ...context, audioCodec: 'G711' });
  assert.deepEqual(email.attachment, {
    fileName: '5551234 (1 minute 5 seconds) Voice Mail.wav',
    contentType: 'audio/wav',
  });
});

test('urgent and private -> Importance and Sensitivity', () => {
  const headers = Object.fromEntries(voiceMailEmail(sampleMessage({ urgent: true, private: true }), context).headers);
  assert.equal(headers['Importance'], 'High');
  assert.equal(headers['Sensitivity'], 'Private');
});

test('a recording whose worker died says in both texts that it is incomplete', () => {
  const email = voiceMailEmail(sampleMessage({ partial: true }), context);
  assert.match(email.text, /This recording is incomplete/);
  assert.match(email.html, /This recording is incomplete/);
});

test('the policy’s text is appended to both texts, as text', () => {
  const email = voiceMailEmail(sampleMessage(), { ...context, voiceMailText: 'Keep it <secret>\r\nand safe' });
  assert.match(email.text, /\n\nKeep it <secret>\nand safe\n$/);
  assert.match(email.html, /Keep it &lt;secret&gt;<br>\nand safe/);
});

test('threat: a caller’s name or number with markup is text in the HTML', () => {
  const attack = '<script>alert(1)</script>"\'><img src=x>';
  const { html } = voiceMailEmail(sampleMessage({ callerName: attack, callerNumber: attack }), context);
  assert.doesNotMatch(html, /<script|<img/i);
});

test('threat: a number that is no number makes no link', () => {
  for (const callerNumber of ['javascript:alert(1)', 'bob@example.test', '555;phone-context=x', '+', '5"onclick="x']) {
    assert.doesNotMatch(voiceMailEmail(sampleMessage({ callerNumber }), context).html, /<a /);
  }
});

test('a number written with spaces and brackets dials without them', () => {
  const { html } = voiceMailEmail(sampleMessage({ callerNumber: '+1 (425) 555-1234' }), context);
  assert.match(html, /<a href="tel:\+14255551234">\+1 \(425\) 555-1234<\/a>/);
});

test('threat: a number made of path separators names a harmless file', () => {
  const { attachment } = voiceMailEmail(sampleMessage({ callerNumber: '../../etc/passwd; x.exe' }), context);
  assert.equal(attachment?.fileName, '_.._etc_passwd_ x.exe (22 seconds) Voice Mail.mp3');
});
