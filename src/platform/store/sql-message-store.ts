import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { UmError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { DirectoryDelta, DirectoryObject } from '../../directory/objects.js';
import type { JobState, OutboxJob, StoredMessage } from '../../mailbox/message.js';
import type { JobOutcome, MessageFilter, MessageMarks, MessageStore } from '../../mailbox/message-store.js';
import { makeDirectory } from '../durable-directory.js';
import { DataLock, storeLockPath } from './data-lock.js';
import type { StoreCall, StoreFault, StoreMethod, StoreReply, StoreThreadData } from './store-channel.js';

/** `.js` beside the built program, `.ts` under a loader; the thread inherits the loader with the process's arguments. */
const threadModule = new URL(`./store-thread${extname(import.meta.url)}`, import.meta.url);

/** The database file of a data directory. */
export function databasePath(dataDirectory: string): string {
  return join(dataDirectory, 'openum.db');
}

/**
 * Opens the store of a data directory in a thread of its own, and holds its lock until it is closed: there is one writer.
 *
 * @throws UmError 'data-in-use' when another process has it open, 'database-newer', 'database-damaged' or 'data-unwritable'
 */
export async function openStore(dataDirectory: string, log: Logger): Promise<MessageStore> {
  const store = new ThreadedStore({ path: databasePath(dataDirectory) }, await lockStore(dataDirectory), log);
  await store.open();
  return store;
}

async function lockStore(dataDirectory: string): Promise<DataLock> {
  try {
    await makeDirectory(dataDirectory);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new UmError('data-unwritable', detail, { cause: error });
  }
  const lock = DataLock.tryAcquire(storeLockPath(dataDirectory));
  if (!lock) throw new UmError('data-in-use', `another process has the store in ${dataDirectory} open`);
  return lock;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: UmError): void;
}

/** One life of the thread. */
interface Thread {
  readonly worker: Worker;
  readonly opened: Promise<void>;
  readonly pending: Map<number, Pending>;
}

/** The store by messages to its thread. A thread that died is started again by the next call. */
class ThreadedStore implements MessageStore {
  readonly #data: StoreThreadData;
  readonly #lock: DataLock;
  readonly #log: Logger;
  #thread: Thread | undefined;
  #calls = 0;
  #isClosed = false;

  constructor(data: StoreThreadData, lock: DataLock, log: Logger) {
    this.#data = data;
    this.#lock = lock;
    this.#log = log;
  }

  /** @throws UmError why it cannot be opened; the lock is free again then */
  async open(): Promise<void> {
    try {
      await this.#running().opened;
    } catch (error) {
      this.#isClosed = true;
      this.#lock.release();
      throw error;
    }
  }

  takeMessage(message: StoredMessage, jobs: readonly OutboxJob[]): Promise<boolean> {
    return this.#call('takeMessage', [message, jobs]);
  }

  messages(filter: MessageFilter): Promise<readonly StoredMessage[]> {
    return this.#call('messages', [filter]);
  }

  markMessage(id: string, marks: MessageMarks): Promise<boolean> {
    return this.#call('markMessage', [id, marks]);
  }

  deleteMessage(id: string): Promise<StoredMessage | undefined> {
    return this.#call('deleteMessage', [id]);
  }

  jobs(filter: {
    readonly message?: string;
    readonly state?: JobState;
    readonly id?: string;
  }): Promise<readonly OutboxJob[]> {
    return this.#call('jobs', [filter]);
  }

  dueJobs(nowMs: number, atMost: number): Promise<readonly OutboxJob[]> {
    return this.#call('dueJobs', [nowMs, atMost]);
  }

  jobAttempted(id: string, outcome: JobOutcome): Promise<void> {
    return this.#call('jobAttempted', [id, outcome]);
  }

  retryJob(id: string, nowMs: number): Promise<boolean> {
    return this.#call('retryJob', [id, nowMs]);
  }

  discardJob(id: string): Promise<boolean> {
    return this.#call('discardJob', [id]);
  }

  jobCounts(): Promise<{ readonly waiting: number; readonly dead: number }> {
    return this.#call('jobCounts', []);
  }

  readDirectory(): Promise<{ readonly version: number; readonly objects: readonly DirectoryObject[] }> {
    return this.#call('readDirectory', []);
  }

  replaceDirectory(objects: readonly DirectoryObject[]): Promise<DirectoryDelta> {
    return this.#call('replaceDirectory', [objects]);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      if (this.#thread) await this.#closeThread(this.#thread);
    } finally {
      this.#lock.release();
    }
  }

  async #closeThread(thread: Thread): Promise<void> {
    const ended = new Promise((done) => thread.worker.once('exit', done));
    await this.#post(thread, 'close', []);
    await ended;
  }

  async #call<M extends StoreMethod>(
    method: M,
    args: Parameters<MessageStore[M]>,
  ): Promise<Awaited<ReturnType<MessageStore[M]>>> {
    if (this.#isClosed) throw new UmError('store-unavailable', 'the store is closed');
    // The thread answers a method with what that method resolves with.
    return (await this.#post(this.#running(), method, args)) as Awaited<ReturnType<MessageStore[M]>>;
  }

  #post<M extends StoreMethod>(thread: Thread, method: M, args: Parameters<MessageStore[M]>): Promise<unknown> {
    this.#calls += 1;
    const call: StoreCall<M> = { id: this.#calls, method, args };
    return new Promise<unknown>((resolve, reject) => {
      thread.pending.set(call.id, { resolve, reject });
      thread.worker.postMessage(call);
    });
  }

  #running(): Thread {
    this.#thread ??= this.#start();
    return this.#thread;
  }

  #start(): Thread {
    const worker = new Worker(threadModule, { workerData: this.#data });
    const pending = new Map<number, Pending>();
    const opened = new Promise<void>((resolve, reject) => {
      worker.on('message', (reply: StoreReply) => {
        if (reply.kind !== 'opened') settle(pending, reply);
        else if (reply.fault) reject(asError(reply.fault));
        else resolve();
      });
      worker.on('error', (error) => {
        this.#log.error({ event: 'store-thread-failed', fault: error.message }, 'the thread of the store has failed');
      });
      worker.on('exit', () => {
        this.#onExit(pending);
        reject(new UmError('store-unavailable', 'the thread of the store ended'));
      });
    });
    opened.catch(() => undefined);
    return { worker, opened, pending };
  }

  #onExit(pending: Map<number, Pending>): void {
    this.#thread = undefined;
    for (const call of pending.values()) {
      call.reject(new UmError('store-unavailable', 'the thread of the store ended'));
    }
    pending.clear();
  }
}

function settle(pending: Map<number, Pending>, reply: Exclude<StoreReply, { kind: 'opened' }>): void {
  const call = pending.get(reply.id);
  pending.delete(reply.id);
  if (reply.kind === 'done') call?.resolve(reply.value);
  else call?.reject(asError(reply.fault));
}

function asError(fault: StoreFault): UmError {
  return new UmError(fault.code, fault.detail);
}
