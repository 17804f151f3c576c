import { UmError } from '../../src/base/errors.js';
import type { DirectoryDelta } from '../../src/directory/objects.js';
import type { JobOutcome, MessageFilter, MessageMarks, MessageStore } from '../../src/mailbox/message-store.js';
import type { JobState, OutboxJob, StoredMessage } from '../../src/mailbox/message.js';

/** A store in memory for tests on a virtual clock: the real one answers from a thread, which no virtual clock waits for. */
export class MemoryStore implements MessageStore {
  readonly #messages = new Map<string, StoredMessage>();
  readonly #jobs = new Map<string, OutboxJob>();
  /** While true every call is rejected with `store-unavailable`. */
  away = false;
  readonly #watchers = new Set<() => void>();

  takeMessage(message: StoredMessage, jobs: readonly OutboxJob[]): Promise<boolean> {
    return this.#answer(() => {
      if (this.#messages.has(message.id)) return false;
      this.#messages.set(message.id, message);
      for (const job of jobs) this.#jobs.set(job.id, job);
      return true;
    });
  }

  messages(filter: MessageFilter): Promise<readonly StoredMessage[]> {
    return this.#answer(() =>
      [...this.#messages.values()].filter(({ id }) => filter.id === undefined || filter.id === id),
    );
  }

  markMessage(id: string, marks: MessageMarks): Promise<boolean> {
    return this.#answer(() => {
      const message = this.#messages.get(id);
      if (message) this.#messages.set(id, { ...message, ...marks });
      return message !== undefined;
    });
  }

  deleteMessage(id: string): Promise<StoredMessage | undefined> {
    return this.#answer(() => {
      const message = this.#messages.get(id);
      this.#messages.delete(id);
      return message;
    });
  }

  jobs(filter: {
    readonly message?: string;
    readonly state?: JobState;
    readonly id?: string;
  }): Promise<readonly OutboxJob[]> {
    return this.#answer(() =>
      [...this.#jobs.values()].filter(({ state }) => filter.state === undefined || filter.state === state),
    );
  }

  dueJobs(nowMs: number, atMost: number): Promise<readonly OutboxJob[]> {
    return this.#answer(() =>
      [...this.#jobs.values()]
        .filter(({ state, nextAttemptAtMs }) => state === 'waiting' && nextAttemptAtMs <= nowMs)
        .sort((a, b) => a.nextAttemptAtMs - b.nextAttemptAtMs)
        .slice(0, atMost),
    );
  }

  jobAttempted(id: string, outcome: JobOutcome): Promise<void> {
    return this.#answer(() => {
      const job = this.#jobs.get(id);
      if (job) this.#jobs.set(id, { ...job, ...outcome, attempts: job.attempts + 1 });
    });
  }

  retryJob(id: string, nowMs: number): Promise<boolean> {
    return this.#answer(() => {
      const job = this.#jobs.get(id);
      if (!job) return false;
      const anew = { attempts: 0, createdAtMs: nowMs, nextAttemptAtMs: nowMs, lastError: undefined };
      this.#jobs.set(id, { ...job, ...anew, state: 'waiting' });
      return true;
    });
  }

  discardJob(id: string): Promise<boolean> {
    return this.#answer(() => this.#jobs.delete(id));
  }

  jobCounts(): Promise<{ readonly waiting: number; readonly dead: number }> {
    const of = (wanted: JobState): number => [...this.#jobs.values()].filter(({ state }) => state === wanted).length;
    return this.#answer(() => ({ waiting: of('waiting'), dead: of('dead') }));
  }

  readDirectory(): Promise<{ readonly version: number; readonly objects: readonly [] }> {
    return this.#answer(() => ({ version: 1, objects: [] as const }));
  }

  replaceDirectory(): Promise<DirectoryDelta> {
    return this.#answer(() => ({ version: 2, put: [], removed: [] }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The job as it is now. */
  job(id = 'job-1'): OutboxJob {
    const job = this.#jobs.get(id);
    if (!job) throw new Error(`no job ${id}`);
    return job;
  }

  /** Waits until `holds`, asked again after every call. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((done) => {
      const watcher = (): void => {
        if (!holds()) return;
        this.#watchers.delete(watcher);
        done();
      };
      this.#watchers.add(watcher);
    });
  }

  async #answer<T>(act: () => T): Promise<T> {
    await Promise.resolve();
    if (this.away) throw new UmError('store-unavailable', 'it is away in this test');
    const result = act();
    for (const watcher of [...this.#watchers]) watcher();
    return result;
  }
}
