import { LIMITS } from '../base/limits.js';
import type { AudioCodec } from '../directory/objects.js';
import { durationText, wholeSeconds } from './duration-text.js';
import { escapeHtml, fileNamePart, plainLines, singleLine } from './mail-text.js';
import type { StoredMessage } from './message.js';

/** The caller's part of a file name is cut to this: with the duration behind it every file system takes the name. */
const FILE_NAME_CHARACTERS = 64;

/** An address of a header: the name is Unicode and may be empty. */
export interface MailAddress {
  readonly name: string;
  readonly address: string;
}

/** A header by its name as it is to be written; the value is Unicode, one line. */
export type MailHeader = readonly [name: string, value: string];

/** Name and type of the one attachment; its bytes are the message's audio. */
export interface MailAttachment {
  readonly fileName: string;
  readonly contentType: 'audio/mpeg' | 'audio/wav';
}

/** An e-mail before it is encoded: everything in it is Unicode, and is safe where it stands. */
export interface VoiceMailEmail {
  readonly from: MailAddress;
  readonly to: MailAddress;
  readonly subject: string;
  /** With angle brackets. */
  readonly messageId: string;
  /** Milliseconds since 1970 UTC. */
  readonly dateMs: number;
  readonly headers: readonly MailHeader[];
  readonly text: string;
  readonly html: string;
  /** Absent for a missed call. */
  readonly attachment: MailAttachment | undefined;
}

/** What the e-mail is made from, besides the message. */
export interface EmailContext {
  /** MailFrom: an address without a name. */
  readonly mailFrom: string;
  readonly recipient: string;
  /** Of the mailbox; empty when it is gone. */
  readonly recipientName: string;
  readonly audioCodec: AudioCodec;
  /** The policy's own words below each voice message; may be empty. */
  readonly voiceMailText: string;
}

/** Who called, in the forms that the parts of the mail need. */
interface Caller {
  readonly number: string;
  /** Empty when there is none, or none but the number. */
  readonly name: string;
  /** Who it was, within a sentence. */
  readonly inSentence: string;
  /** The same with the number behind the name. */
  readonly inFull: string;
}

/**
 * The e-mail that Exchange UM sends for a voice message or a missed call: the classes and `X-` headers of MS-OXCMAIL
 * 2.2.3.2.23, by which Outlook shows its player, and the words that its users know.
 *
 * - `From` is MailFrom with the caller's name or number as its display name: lists of mail show who called, while the address
 *   stays one that SPF and DMARC of the server's own domain answer for. There is no `Reply-To`: a caller has no mail address.
 * - MP3 is `audio/mpeg`, the registered type (RFC 3003), rather than Exchange's `audio/mp3`: clients go by the file's name.
 * - `Auto-Submitted: auto-generated` (RFC 3834 §5) keeps holiday notices from answering.
 */
export function voiceMailEmail(message: StoredMessage, context: EmailContext): VoiceMailEmail {
  const caller = callerOf(message);
  const isVoice = message.kind === 'voice';
  const attachment = isVoice ? attachmentOf(message, caller, context.audioCodec) : undefined;
  const notes = notesOf(message, context);
  return {
    from: { name: caller.name || caller.number || 'Anonymous', address: context.mailFrom },
    to: { name: singleLine(context.recipientName, LIMITS.callerNameCharacters), address: context.recipient },
    subject: isVoice
      ? `Voice Mail from ${caller.inSentence} (${durationText(message.durationMs)})`
      : `Missed call from ${caller.inSentence}`,
    messageId: message.messageId,
    dateMs: message.startedAtMs,
    headers: headersOf(message, caller, attachment),
    text: textOf(message, caller, notes),
    html: htmlOf(message, caller, notes),
    attachment,
  };
}

function callerOf(message: StoredMessage): Caller {
  const number = singleLine(message.callerNumber, LIMITS.callerNumberCharacters);
  const given = singleLine(message.callerName, LIMITS.callerNameCharacters);
  const isNoName = given === number || (number === '' && given.toLowerCase() === 'anonymous');
  const name = isNoName ? '' : given;
  const inSentence = name || number || 'an anonymous caller';
  return { number, name, inSentence, inFull: name && number ? `${name} at ${number}` : inSentence };
}

function attachmentOf(message: StoredMessage, caller: Caller, codec: AudioCodec): MailAttachment {
  const who = fileNamePart(caller.number || caller.name, FILE_NAME_CHARACTERS) || 'Anonymous';
  const stem = `${who} (${durationText(message.durationMs)}) Voice Mail`;
  return codec === 'G711'
    ? { fileName: `${stem}.wav`, contentType: 'audio/wav' }
    : { fileName: `${stem}.mp3`, contentType: 'audio/mpeg' };
}

function headersOf(message: StoredMessage, caller: Caller, attachment: MailAttachment | undefined): MailHeader[] {
  const headers: MailHeader[] = [
    ['Content-Class', message.kind === 'voice' ? 'voice-ca' : 'missedcall'],
    ['X-CallingTelephoneNumber', caller.number],
    ['X-VoiceMessageSenderName', caller.name],
    ['X-CallID', singleLine(message.callId, LIMITS.callIdCharacters)],
    ['Auto-Submitted', 'auto-generated'],
  ];
  if (attachment) {
    headers.push(['X-VoiceMessageDuration', String(wholeSeconds(message.durationMs))]);
    headers.push(['X-AttachmentOrder', attachment.fileName]);
  }
  if (message.urgent) headers.push(['Importance', 'High']);
  if (message.private) headers.push(['Sensitivity', 'Private']);
  return headers.filter(([, value]) => value !== '');
}

/** Paragraphs below the facts of the call: what went wrong, then what the policy adds. */
function notesOf(message: StoredMessage, context: EmailContext): readonly string[] {
  if (message.kind !== 'voice') return [];
  const partial = message.partial
    ? 'This recording is incomplete: the server lost the call before the caller had ended the message.'
    : '';
  return [partial, plainLines(context.voiceMailText).trim()].filter((note) => note !== '');
}

function openingOf(message: StoredMessage, caller: Caller): string {
  return message.kind === 'voice'
    ? `You received a voice mail from ${caller.inFull}.`
    : `You missed a call from ${caller.inFull}.`;
}

function textOf(message: StoredMessage, caller: Caller, notes: readonly string[]): string {
  const facts = [
    `Caller-Id: ${caller.number || 'Anonymous'}`,
    ...(message.kind === 'voice' ? [`Duration: ${durationText(message.durationMs)}`] : []),
  ];
  return [openingOf(message, caller), facts.join('\n'), ...notes].join('\n\n') + '\n';
}

function htmlOf(message: StoredMessage, caller: Caller, notes: readonly string[]): string {
  const rows = [
    ['Caller-Id:', callerLink(caller.number)],
    ...(message.kind === 'voice' ? [['Duration:', escapeHtml(durationText(message.durationMs))]] : []),
  ];
  return [
    '<!DOCTYPE html>',
    '<html><head><meta charset="utf-8"></head><body>',
    '<div id="UM-call-info" lang="en">',
    `<p style="font: bold 10pt Arial, sans-serif; color: #000066">${escapeHtml(openingOf(message, caller))}</p>`,
    '<table style="font: 10pt Arial, sans-serif">',
    ...rows.map(([label, value]) => `<tr><td>${label ?? ''}</td><td>${value ?? ''}</td></tr>`),
    '</table>',
    '</div>',
    ...notes.map(
      (note) => `<p style="font: 10pt Arial, sans-serif">${escapeHtml(note).replaceAll('\n', '<br>\n')}</p>`,
    ),
    '</body></html>',
    '',
  ].join('\n');
}

/** A link that dials, if the number is one that a telephone can dial (RFC 3966 §3); else its text. */
function callerLink(number: string): string {
  if (number === '') return 'Anonymous';
  const digits = number.replace(/[ ().-]/g, '');
  if (!/^\+?[0-9]+$/.test(digits)) return escapeHtml(number);
  return `<a href="tel:${digits}">${escapeHtml(number)}</a>`;
}
