import { readFile } from 'node:fs/promises';
import SMTPConnection, { type SMTPConnectionOptions } from 'nodemailer/lib/smtp-connection';
import type { Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { UmConfig } from '../../config/um-config.js';
import { singleLine } from '../../mailbox/mail-text.js';

/** A relay that drops our packets is noticed after this; TCP's own attempts would go on for two minutes. */
const CONNECT_MS = 30_000;

/** Greeting and STARTTLS: RFC 5321 §4.5.3.2.1 grants five minutes, but a relay that slow would hold up other mail. */
const GREETING_MS = 60_000;

/** Silence after any command. It must be long where the relay scans the mail after DATA (RFC 5321 §4.5.3.2.6). */
const REPLY_MS = 300_000;

/** A whole attempt: a relay that answers one byte a minute is never silent, and would hold its place for ever. */
const ATTEMPT_MS = 600_000;

/** How long a relay may take to answer QUIT, once it has the mail. */
const QUIT_MS = 2_000;

/** A reply without end would grow in memory. */
const REPLY_BYTES = 65_536;

/** A relay's words are kept to this: they go into the outbox and the log. */
const WORDS_CHARACTERS = 400;

/** RFC 4954 §6 and RFC 5321 §4.2.2: 5xx replies that are about the session (log in first, wrong order), not about the mail. */
const SESSION_CODES: ReadonlySet<number> = new Set([503, 530, 534, 535, 538]);

/** One mail for one recipient. */
export interface RelayedMail {
  readonly from: string;
  readonly to: string;
  /** The whole message, CRLF at every line's end. */
  readonly content: Buffer;
}

export type RelayConfig = Pick<
  UmConfig,
  'smtpPort' | 'smtpTls' | 'smtpProtocol' | 'smtpUser' | 'smtpPasswordFile' | 'serverName'
> & { readonly smtpHost: string };

/** What of nodemailer's errors is looked at. */
interface RelayFault {
  readonly message: string;
  readonly response?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly command?: string | undefined;
}

/**
 * Hands one mail to the relay by SMTP or LMTP (RFC 5321, RFC 2033), on a connection of its own: one mail's trouble is never
 * another's. The password file is read anew each time. Resolves with the relay's words once it has taken the mail.
 *
 * A 5xx answer to RCPT or to the data is the end (`mail-refused`). Everything else may be mended without touching the mail,
 * and is `mail-unreachable`: 4xx, faults of connection, TLS and log-in, and 5xx to anything before RCPT.
 *
 * @throws UmError `mail-refused` or `mail-unreachable`, detail: the relay's words, or what happened
 */
export async function sendToRelay(
  mail: RelayedMail,
  config: RelayConfig,
  options: { readonly timers: Timers; readonly signal: AbortSignal },
): Promise<string> {
  // The address stands between <> in a command: it must not end it.
  if (mail.to === '' || /[\p{Cc}<>\s]/u.test(mail.to)) throw new UmError('mail-refused', 'the recipient is no address');
  const password = await readPassword(config);
  options.signal.throwIfAborted();
  const session = new RelaySession(connectionOptions(config), options.timers);
  const onAbort = (): void => {
    session.fail(new Error('the attempt was broken off'));
  };
  options.signal.addEventListener('abort', onAbort);
  try {
    await session.open();
    if (config.smtpUser !== undefined) await session.logIn(config.smtpUser, password);
    return await session.send(mail);
  } catch (fault) {
    throw classified(fault);
  } finally {
    options.signal.removeEventListener('abort', onAbort);
    session.close();
  }
}

async function readPassword(config: RelayConfig): Promise<string> {
  if (config.smtpPasswordFile === undefined) return '';
  try {
    return (await readFile(config.smtpPasswordFile, 'utf8')).split(/\r?\n/, 1)[0] ?? '';
  } catch (fault) {
    throw new UmError('mail-unreachable', `SmtpPasswordFile cannot be read: ${wordsOf(fault)}`, { cause: fault });
  }
}

function connectionOptions(config: RelayConfig): SMTPConnectionOptions {
  return {
    host: config.smtpHost,
    port: config.smtpPort,
    lmtp: config.smtpProtocol === 'lmtp',
    secure: config.smtpTls === 'tls',
    // STARTTLS is demanded or left alone: what the admin chose is never weakened by what a reply offers (RFC 3207 §6).
    requireTLS: config.smtpTls === 'starttls',
    ignoreTLS: config.smtpTls === 'none',
    name: config.serverName,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: GREETING_MS,
    socketTimeout: REPLY_MS,
    socketCloseTimeout: 0,
    maxResponseSize: REPLY_BYTES,
    allowInternalNetworkInterfaces: true,
  };
}

/** One connection to the relay: nodemailer's callbacks and events as promises, of which any fault ends the one that waits. */
class RelaySession {
  readonly #connection: SMTPConnection;
  readonly #timers: Timers;
  readonly #deadline: { stop(): void };
  #rejectWaiting: ((fault: Error) => void) | undefined;
  #fault: Error | undefined;
  #taken = false;

  constructor(options: SMTPConnectionOptions, timers: Timers) {
    this.#timers = timers;
    this.#connection = new SMTPConnection(options);
    this.#connection.on('error', (fault: Error) => {
      this.fail(fault);
    });
    this.#connection.on('end', () => {
      // After a 421 `end` comes before the callback that has the relay's words: those are worth more.
      queueMicrotask(() => {
        this.fail(new Error('the relay closed the connection'));
      });
    });
    this.#deadline = timers.start(ATTEMPT_MS, () => {
      this.fail(new Error(`the relay did not take the mail within ${String(ATTEMPT_MS / 60_000)} minutes`));
    });
  }

  open(): Promise<void> {
    return this.#wait((resolve, reject) => {
      this.#connection.connect((fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  }

  logIn(user: string, password: string): Promise<void> {
    return this.#wait((resolve, reject) => {
      this.#connection.login({ user, pass: password }, (fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  }

  async send(mail: RelayedMail): Promise<string> {
    const words = await this.#wait<string>((resolve, reject) => {
      this.#connection.send({ from: mail.from, to: [mail.to] }, mail.content, (fault, info) => {
        // LMTP answers the data once for each recipient; nodemailer then reports success with the recipient among the rejected.
        const refusal = fault ?? info.rejectedErrors?.[0];
        if (refusal) reject(refusal);
        else resolve(info.response);
      });
    });
    this.#taken = true;
    return singleLine(words, WORDS_CHARACTERS);
  }

  /** Ends whatever waits with this fault, and the connection with it. */
  fail(fault: Error): void {
    this.#fault ??= fault;
    this.#rejectWaiting?.(fault);
    this.#connection.close();
  }

  /** Takes leave: politely, but without waiting for it, from a relay that took the mail. */
  close(): void {
    this.#deadline.stop();
    this.#fault ??= new Error('closed');
    if (!this.#taken || this.#connection.destroyed) {
      this.#connection.close();
      return;
    }
    const impatience = this.#timers.start(QUIT_MS, () => {
      this.#connection.close();
    });
    this.#connection.on('end', () => {
      impatience.stop();
    });
    this.#connection.quit();
  }

  #wait<T>(begin: (resolve: (value: T) => void, reject: (fault: Error) => void) => void): Promise<T> {
    if (this.#fault) return Promise.reject(this.#fault);
    return new Promise<T>((resolve, reject) => {
      this.#rejectWaiting = reject;
      begin(resolve, reject);
    }).finally(() => {
      this.#rejectWaiting = undefined;
    });
  }
}

function classified(fault: unknown): UmError {
  if (fault instanceof UmError) return fault;
  const words = wordsOf(fault);
  const code = isFinal(fault) ? 'mail-refused' : 'mail-unreachable';
  return new UmError(code, words, { cause: fault });
}

function isRelayFault(fault: unknown): fault is RelayFault {
  return fault instanceof Error;
}

function isFinal(fault: unknown): boolean {
  if (!isRelayFault(fault) || fault.responseCode === undefined) return false;
  const aboutTheMail = fault.command === 'RCPT TO' || fault.command === 'DATA';
  return aboutTheMail && fault.responseCode >= 500 && !SESSION_CODES.has(fault.responseCode);
}

/** The relay's own words if it said any, else what happened; one bounded line. */
function wordsOf(fault: unknown): string {
  if (!isRelayFault(fault)) return singleLine(String(fault), WORDS_CHARACTERS);
  const after = fault.command !== undefined && /^[A-Z]+( [A-Z]+)?$/.test(fault.command) ? ` (to ${fault.command})` : '';
  if (fault.response === undefined) return singleLine(fault.message, WORDS_CHARACTERS);
  return `${singleLine(fault.response, WORDS_CHARACTERS)}${after}`;
}
