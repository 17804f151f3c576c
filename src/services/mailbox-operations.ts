import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { WallClock } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import { Directory } from '../directory/directory.js';
import { fromDocument, toDocument } from '../directory/directory-document.js';
import type { DirectoryDelta } from '../directory/objects.js';
import type { ControlMethod, ControlMethods, MessageReport, OutboxReport } from '../mailbox/control-protocol.js';
import type { OutboxJob, StoredMessage } from '../mailbox/message.js';
import { messageReport, outboxReport } from '../mailbox/message-report.js';
import type { MessageFilter, MessageMarks, MessageStore } from '../mailbox/message-store.js';

/** An id may be given by its first digits, but not by so few that a slip names another message. */
const FEWEST_DIGITS = 6;

export interface MailboxOperationsOptions {
  readonly store: MessageStore;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly log: Logger;
  readonly wallClock: WallClock;
  readonly random: Random;
  /** Called before the request is answered: whoever reads the answer finds the change in effect here. */
  onDirectoryChanged?(delta: DirectoryDelta): void;
  /** A job was made due. */
  onJobsChanged?(): void;
  /** What only a running daemon can do. */
  readonly daemon?: Pick<Operations, DaemonMethod>;
}

type DaemonMethod = 'status' | 'router-end' | 'spool-changed';
type Operations = {
  readonly [M in ControlMethod]: (params: ControlMethods[M]['params']) => Promise<ControlMethods[M]['result']>;
};

/** What the control methods do to store and files; the same with a daemon and without. */
export class MailboxOperations {
  readonly #options: MailboxOperationsOptions;
  readonly #operations: Operations;

  constructor(options: MailboxOperationsOptions) {
    this.#options = options;
    const absent = (): Promise<never> => Promise.reject(new UmError('daemon-absent', options.dataDirectory));
    this.#operations = {
      status: absent,
      'router-end': absent,
      'spool-changed': absent,
      report: absent,
      ...options.daemon,
      messages: (filter) => this.#messages(filter),
      'mark-message': ({ id, marks }) => this.#markMessage(id, marks),
      'delete-message': ({ id }) => this.#deleteMessage(id),
      outbox: () => this.#outbox(),
      'retry-job': ({ id }) => this.#retryJob(id),
      'discard-job': ({ id }) => this.#discardJob(id),
      'export-directory': async () => toDocument((await options.store.readDirectory()).objects),
      'import-directory': ({ document }) => this.#importDirectory(document),
    };
  }

  /**
   * Performs one method.
   *
   * @throws UmError 'not-found', 'request-invalid', 'directory-invalid', 'store-unavailable'; 'daemon-absent' for what only a
   *   daemon can do
   */
  handle<M extends ControlMethod>(
    method: M,
    params: ControlMethods[M]['params'],
  ): Promise<ControlMethods[M]['result']> {
    return this.#operations[method](params);
  }

  async #messages(filter: MessageFilter): Promise<readonly MessageReport[]> {
    if (filter.id !== undefined) {
      const message = await this.#messageWith(filter.id);
      return message ? [await this.#reportOf(message)] : [];
    }
    const { store } = this.#options;
    const messages =
      filter.mailbox === undefined ? await store.messages(filter) : await this.#messagesOf(filter, filter.mailbox);
    const jobs = byMessage(await store.jobs({}));
    return messages.map((message) => this.#report(message, jobs.get(message.id) ?? []));
  }

  /** @throws UmError 'not-found' when there neither is such a mailbox nor ever was one with messages */
  async #messagesOf(filter: MessageFilter, identity: string): Promise<readonly StoredMessage[]> {
    const { store } = this.#options;
    const { version, objects } = await store.readDirectory();
    const mailbox = new Directory(version, objects).findMailbox(identity);
    if (mailbox) return store.messages({ ...filter, mailbox: mailbox.id });
    const wanted = identity.toLowerCase();
    const left = (await store.messages(filter.kind === undefined ? {} : { kind: filter.kind })).filter(
      (message) => message.mailboxAddress.toLowerCase() === wanted,
    );
    if (left.length === 0) throw new UmError('not-found', `no mailbox is called ${identity}`);
    return left;
  }

  async #markMessage(id: string, marks: MessageMarks): Promise<MessageReport> {
    const message = await this.#foundMessage(id);
    if (!(await this.#options.store.markMessage(message.id, marks))) throw noMessage(id);
    return this.#reportOf({ ...message, ...marks });
  }

  /** First the row, then the file: a crash in between leaves a file that nobody asks for, not a message without its audio. */
  async #deleteMessage(id: string): Promise<MessageReport> {
    const { store, dataDirectory, log } = this.#options;
    const message = await this.#foundMessage(id);
    const report = await this.#reportOf(message);
    if (!(await store.deleteMessage(message.id))) throw noMessage(id);
    log.info(
      { event: 'message-deleted', message: message.id, mailbox: message.mailboxAddress },
      'a message was deleted',
    );
    if (message.audioFile !== undefined) await this.#removeAudio(join(dataDirectory, message.audioFile));
    return report;
  }

  async #removeAudio(path: string): Promise<void> {
    try {
      await unlink(path);
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      this.#options.log.error(
        { event: 'audio-not-removed', path, fault },
        'the audio of a deleted message could not be removed',
      );
    }
  }

  async #outbox(): Promise<readonly OutboxReport[]> {
    const { store } = this.#options;
    const jobs = [...(await store.jobs({ state: 'dead' })), ...(await store.jobs({ state: 'waiting' }))];
    return jobs.map(outboxReport);
  }

  async #retryJob(id: string): Promise<OutboxReport> {
    const { store, wallClock } = this.#options;
    const job = await this.#foundJob(id);
    if (job.state === 'done')
      throw new UmError('request-invalid', `delivery ${job.id} is done: nothing is left to be tried`);
    if (!(await store.retryJob(job.id, wallClock.epochMs()))) throw noJob(id);
    this.#options.onJobsChanged?.();
    return outboxReport((await store.jobs({ id: job.id }))[0] ?? job);
  }

  async #discardJob(id: string): Promise<OutboxReport> {
    const job = await this.#foundJob(id);
    if (!(await this.#options.store.discardJob(job.id))) throw noJob(id);
    return outboxReport(job);
  }

  async #importDirectory(document: unknown): Promise<{ readonly version: number }> {
    const { store, random, log } = this.#options;
    const result = fromDocument(document, (await store.readDirectory()).objects, random);
    if ('faults' in result) throw new UmError('directory-invalid', result.faults.join('\n'));
    const delta = await store.replaceDirectory(result.objects);
    this.#options.onDirectoryChanged?.(delta);
    const { version } = delta;
    log.info(
      { event: 'directory-replaced', version, put: delta.put.length, removed: delta.removed.length },
      'the directory was replaced by an import',
    );
    return { version };
  }

  async #reportOf(message: StoredMessage): Promise<MessageReport> {
    return this.#report(message, await this.#options.store.jobs({ message: message.id }));
  }

  #report(message: StoredMessage, jobs: readonly OutboxJob[]): MessageReport {
    return messageReport(message, jobs, (audioFile) => join(this.#options.dataDirectory, audioFile));
  }

  async #foundMessage(id: string): Promise<StoredMessage> {
    const message = await this.#messageWith(id);
    if (!message) throw noMessage(id);
    return message;
  }

  async #messageWith(id: string): Promise<StoredMessage | undefined> {
    return onlyOne(await this.#options.store.messages({ id: id.toLowerCase() }), id);
  }

  async #foundJob(id: string): Promise<OutboxJob> {
    const job = onlyOne(await this.#options.store.jobs({ id: id.toLowerCase() }), id);
    if (!job) throw noJob(id);
    return job;
  }
}

function byMessage(jobs: readonly OutboxJob[]): ReadonlyMap<string, readonly OutboxJob[]> {
  const groups = new Map<string, OutboxJob[]>();
  for (const job of jobs) {
    const group = groups.get(job.message);
    if (group) group.push(job);
    else groups.set(job.message, [job]);
  }
  return groups;
}

/** @throws UmError 'request-invalid' when several begin so, or `id` is too short to be meant */
function onlyOne<T>(found: readonly T[], id: string): T | undefined {
  if (found.length > 0 && id.length < FEWEST_DIGITS)
    throw new UmError('request-invalid', `${id} is too short: at least ${String(FEWEST_DIGITS)} digits of the id`);
  if (found.length > 1)
    throw new UmError('request-invalid', `${String(found.length)} ids begin with ${id}; give more digits`);
  return found[0];
}

function noMessage(id: string): UmError {
  return new UmError('not-found', `no message has the id ${id}`);
}

function noJob(id: string): UmError {
  return new UmError('not-found', `no delivery has the id ${id}`);
}
