import type { G711Law } from '../base/g711-law.js';

export type { G711Law } from '../base/g711-law.js';

/** What is known of a call when its message is begun: the facts that outlive the call. Times are milliseconds UTC. */
export interface MessageFacts {
  /** 32 lower-case hexadecimal digits, made once by the worker; everything later is idempotent by it. */
  readonly id: string;
  /** Id of the mailbox. */
  readonly mailbox: string;
  /** The mailbox's address at that time, for people who read the spool. */
  readonly mailboxAddress: string;
  /** The caller's number or SIP name; empty when anonymous. */
  readonly callerNumber: string;
  readonly callerName: string;
  readonly calledExtension: string;
  /** SIP Call-ID of the dialog. */
  readonly callId: string;
  readonly startedAtMs: number;
}

/** Why a recording ended. */
export type RecordingEnd =
  'hang-up' | 'key' | 'silence' | 'max-recording' | 'max-call' | 'write-failed' | 'stopped' | 'lost';

/** A voice message or a missed call as it lies in the store. */
export interface StoredMessage extends MessageFacts {
  readonly kind: 'voice' | 'missed-call';
  /** Value of the Message-ID header, with angle brackets; made from `id` once, kept for ever. */
  readonly messageId: string;
  readonly durationMs: number;
  readonly codec: G711Law | undefined;
  /** Relative to the data directory. */
  readonly audioFile: string | undefined;
  readonly read: boolean;
  readonly urgent: boolean;
  readonly private: boolean;
  /** The worker died before the recording ended. */
  readonly partial: boolean;
}

/** State of an outbox job: to be tried, done, or given up and waiting for the admin. */
export type JobState = 'waiting' | 'done' | 'dead';

/** One delivery of one message to one recipient. */
export interface OutboxJob {
  readonly id: string;
  readonly kind: 'email';
  readonly message: string;
  readonly recipient: string;
  readonly state: JobState;
  readonly attempts: number;
  readonly createdAtMs: number;
  readonly nextAttemptAtMs: number;
  readonly lastError: string | undefined;
}
