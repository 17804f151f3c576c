import MailComposer from 'nodemailer/lib/mail-composer';
import type { VoiceMailEmail } from '../../mailbox/voice-mail-email.js';

/**
 * An e-mail as the bytes that go over the wire and into a file (RFC 5322, RFC 2045 to 2047, RFC 2231), CRLF at every line's
 * end. The same e-mail and audio make the same bytes at every attempt.
 *
 * @param audio - the attachment's content; looked at only if the e-mail has an attachment
 */
export function mimeMessage(email: VoiceMailEmail, audio: Uint8Array): Promise<Buffer> {
  const exactNames = new Map(email.headers.map(([name]) => [name.toLowerCase(), name]));
  const composer = new MailComposer({
    from: { ...email.from },
    to: { ...email.to },
    subject: email.subject,
    messageId: email.messageId,
    date: new Date(email.dateMs),
    text: email.text,
    html: email.html,
    headers: email.headers.map(([key, value]) => ({ key, value })),
    attachments: email.attachment
      ? [
          {
            filename: email.attachment.fileName,
            contentType: email.attachment.contentType,
            contentTransferEncoding: 'base64',
            content: Buffer.from(audio.buffer, audio.byteOffset, audio.byteLength),
          },
        ]
      : [],
    // The content is all here: nothing in it may name a file or a URL to be read.
    disableFileAccess: true,
    disableUrlAccess: true,
    newline: 'win',
    boundaryPrefix: '--_OpenUM',
    baseBoundary: email.messageId.replace(/[^0-9A-Za-z]/g, '').slice(0, 40),
    // The composer's own idea of upper and lower case turns X-CallID into X-Callid.
    normalizeHeaderKey: (key) => exactNames.get(key.toLowerCase()) ?? key,
  });
  return composer.compile().build();
}
