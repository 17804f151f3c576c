import { resolve } from 'node:path';
import type { Timers } from '../../base/clock.js';
import type { UmConfig } from '../../config/um-config.js';
import type { Directory } from '../../directory/directory.js';
import type { OutboxJob, StoredMessage } from '../../mailbox/message.js';
import { voiceMailEmail, type EmailContext } from '../../mailbox/voice-mail-email.js';
import { deliverToMaildir, maildirName } from './maildir.js';
import { MessageAudio } from './message-audio.js';
import { mimeMessage } from './mime-message.js';
import { sendToRelay } from './smtp-relay.js';

/** One attempt: a job, its message, and what is in effect at this moment. */
export interface Attempt {
  readonly job: OutboxJob;
  readonly message: StoredMessage;
  readonly config: UmConfig;
  readonly directory: Directory | undefined;
}

export interface MailDeliveryOptions {
  /** Absolute; audio files are relative to it, and mail lies in `mail/` below it when there is no relay. */
  readonly dataDirectory: string;
  readonly timers: Timers;
}

/** Makes one attempt to deliver one message to one recipient: composed, then to the relay, or into a Maildir without one. */
export class MailDelivery {
  readonly #options: MailDeliveryOptions;
  readonly #audio: MessageAudio;

  constructor(options: MailDeliveryOptions) {
    this.#options = options;
    this.#audio = new MessageAudio(options.timers);
  }

  /**
   * @returns what took the mail, for the log: the relay's words, or the file in the Maildir
   * @throws UmError `mail-refused` when trying again is of no use; any other error when it is
   */
  async deliver(attempt: Attempt, signal: AbortSignal): Promise<string> {
    const content = await this.#compose(attempt);
    signal.throwIfAborted();
    const { job, message, config } = attempt;
    const { smtpHost } = config;
    if (smtpHost !== undefined) {
      const mail = { from: config.mailFrom, to: job.recipient, content };
      return sendToRelay(mail, { ...config, smtpHost }, { timers: this.#options.timers, signal });
    }
    const maildir = resolve(this.#options.dataDirectory, 'mail', maildirName(job.recipient));
    const item = { messageId: message.id, deliveryId: job.id, dateMs: message.startedAtMs, content };
    return deliverToMaildir(maildir, item);
  }

  close(): Promise<void> {
    return this.#audio.close();
  }

  async #compose(attempt: Attempt): Promise<Buffer> {
    const { message } = attempt;
    const context = contextOf(attempt);
    const email = voiceMailEmail(message, context);
    const audio =
      email.attachment && message.audioFile !== undefined
        ? await this.#audio.attachment(resolve(this.#options.dataDirectory, message.audioFile), context.audioCodec)
        : new Uint8Array();
    return mimeMessage(email, audio);
  }
}

/** What the directory says of the mailbox; a mailbox that is gone gets its mail all the same, as by default. */
function contextOf({ job, message, config, directory }: Attempt): EmailContext {
  const mailbox = directory?.mailboxById(message.mailbox);
  const owner =
    mailbox && directory
      ? {
          recipientName: mailbox.displayName,
          audioCodec: directory.dialPlanOf(mailbox).audioCodec,
          voiceMailText: directory.policyOf(mailbox).voiceMailText,
        }
      : { recipientName: '', audioCodec: 'Mp3' as const, voiceMailText: '' };
  return { mailFrom: config.mailFrom, recipient: job.recipient, ...owner };
}
