import type { DirectoryDelta, DirectoryObject } from '../directory/objects.js';
import type { JobState, OutboxJob, StoredMessage } from './message.js';

/** Which messages are asked for; all of them when empty. Newest first. */
export interface MessageFilter {
  readonly kind?: 'voice' | 'missed-call';
  /** Id of the mailbox; an address or extension is turned into one before the store is asked. */
  readonly mailbox?: string;
  /** An id, or the first digits of ids. */
  readonly id?: string;
}

/** What may be changed about a message. */
export interface MessageMarks {
  readonly read?: boolean;
  readonly urgent?: boolean;
  readonly private?: boolean;
}

/** How an attempt to deliver ended. */
export interface JobOutcome {
  readonly state: JobState;
  readonly nextAttemptAtMs: number;
  readonly lastError: string | undefined;
}

/**
 * The port to the durable store of directory, messages and outbox. One writer; every method is one transaction.
 * Rejects with UmError 'store-unavailable' when the database cannot be reached or written.
 */
export interface MessageStore {
  /** Inserts message and jobs; false (and no change) when a message with this id is there already or was deleted. */
  takeMessage(message: StoredMessage, jobs: readonly OutboxJob[]): Promise<boolean>;
  messages(filter: MessageFilter): Promise<readonly StoredMessage[]>;
  markMessage(id: string, marks: MessageMarks): Promise<boolean>;
  /** Removes the message and its jobs; the id stays known, so that a spool entry met again is not taken twice. */
  deleteMessage(id: string): Promise<StoredMessage | undefined>;
  /** `id`: of the job, or the first digits of ids. */
  jobs(filter: {
    readonly message?: string;
    readonly state?: JobState;
    readonly id?: string;
  }): Promise<readonly OutboxJob[]>;
  /** Waiting jobs whose time has come, oldest first. */
  dueJobs(nowMs: number, atMost: number): Promise<readonly OutboxJob[]>;
  jobAttempted(id: string, outcome: JobOutcome): Promise<void>;
  /** Back to waiting, due at once, attempts and age counted anew. False when there is no such job. */
  retryJob(id: string, nowMs: number): Promise<boolean>;
  discardJob(id: string): Promise<boolean>;
  jobCounts(): Promise<{ readonly waiting: number; readonly dead: number }>;
  readDirectory(): Promise<{ readonly version: number; readonly objects: readonly DirectoryObject[] }>;
  /** Replaces the whole directory in one transaction; the delta is what changed, with the new version. */
  replaceDirectory(objects: readonly DirectoryObject[]): Promise<DirectoryDelta>;
  close(): Promise<void>;
}
