import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { StartedTimer, Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import type { G711Law, MessageFacts } from '../../mailbox/message.js';
import type { FinishedAudio, Spool, SpoolEntry } from '../../mailbox/spool.js';
import {
  formatSpoolEnd,
  formatSpoolHeader,
  SPOOL_END_SLOT,
  SPOOL_HEADER_BYTES,
  type SpoolEnd,
} from '../../mailbox/spool-entry.js';
import { timers } from '../clock.js';
import { freeBytes } from '../disk-room.js';
import { makeDirectory, syncDirectory } from '../durable-directory.js';
import { cryptoRandom } from '../random.js';
import { DataLock } from '../store/data-lock.js';
import { removeIfEmpty, SPOOL_LOCK_NAME, spoolPath, spoolUnwritable, UNREADY_PREFIX } from './spool-directory.js';

/** Entries whose end could not be written are tried again after this: soon for the caller's message, rarely for a sick disk. */
const FINISH_AGAIN_MS = 5_000;

export interface WorkerSpoolOptions {
  readonly log: Logger;
  /** Free disk below which nothing is begun; the limit `diskReserveBytes` when omitted. */
  readonly reserveBytes?: number;
  /** The process's when omitted. */
  readonly timers?: Timers;
}

/**
 * A worker's own directory below `spool/`. While the worker lives it holds the lock in it; once the lock is free the mailbox
 * service takes over whatever lies there.
 */
export class WorkerSpool implements Spool {
  /** Called after each message that was taken. */
  onTaken: (() => void) | undefined;
  readonly #directory: string;
  readonly #lock: DataLock;
  readonly #reserveBytes: number;
  readonly #log: Logger;
  readonly #timers: Timers;
  /** Entries whose end was asked for and could not be written yet. */
  readonly #unfinished = new Set<EntryFile>();
  #timer: StartedTimer | undefined;
  #isClosed = false;

  private constructor(directory: string, lock: DataLock, options: WorkerSpoolOptions) {
    this.#directory = directory;
    this.#lock = lock;
    this.#reserveBytes = options.reserveBytes ?? LIMITS.diskReserveBytes;
    this.#log = options.log;
    this.#timers = options.timers ?? timers;
  }

  /**
   * Makes and locks a new directory; a random suffix keeps it apart from those of dead workers with the same name. It gets its
   * name when it is locked: an unlocked one would be taken for a dead worker's. Its name outlives a power cut.
   *
   * @throws UmError 'spool-unwritable'
   */
  static async open(dataDirectory: string, workerName: string, options: WorkerSpoolOptions): Promise<WorkerSpool> {
    const spool = spoolPath(dataDirectory);
    const name = `${workerName}-${cryptoRandom.hex(4)}`;
    const directory = join(spool, name);
    const unready = join(spool, `${UNREADY_PREFIX}${name}`);
    let lock: DataLock | undefined;
    try {
      await makeDirectory(unready);
      lock = DataLock.tryAcquire(join(unready, SPOOL_LOCK_NAME));
      if (!lock) throw new Error(`${unready}: somebody else holds the lock`);
      await rename(unready, directory);
      // Messages are taken in it: it must not go with a power cut, nor `spool`, which another process may just have made.
      await syncDirectory(spool);
      await syncDirectory(dataDirectory);
      return new WorkerSpool(directory, lock, options);
    } catch (error) {
      lock?.release();
      throw spoolUnwritable(error);
    }
  }

  async checkRoom(): Promise<void> {
    let free: number;
    try {
      free = await freeBytes(this.#directory);
    } catch (error) {
      throw spoolUnwritable(error);
    }
    if (free >= this.#reserveBytes) return;
    throw new UmError('disk-nearly-full', `${String(free)} bytes are free, ${String(this.#reserveBytes)} must be`);
  }

  async begin(facts: MessageFacts, law: G711Law): Promise<SpoolEntry> {
    const file = await this.#create(facts.id, formatSpoolHeader({ facts, law }));
    return this.#entry(facts.id, file);
  }

  async missedCall(facts: MessageFacts): Promise<void> {
    const header = formatSpoolHeader({ facts, law: 'PCMU' }, { kind: 'missed-call' });
    const entry = this.#entry(facts.id, await this.#create(facts.id, header));
    try {
      await entry.dropForMissedCall();
    } catch (error) {
      // Not lost: it is whole on the disk, and tried again.
      const reason = error instanceof UmError ? error.detail : String(error);
      this.#log.error(
        { event: 'message-not-finished', callId: facts.callId, path: entry.path, reason },
        'a missed call could not be finished yet: it stays in the spool and is tried again',
      );
    }
  }

  /**
   * Tries once more to finish what could not be finished, gives the directory up, and removes it when it is empty; the mailbox
   * service finds what is left.
   */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.stop();
    await this.#finishLate();
    try {
      await removeIfEmpty(this.#directory);
    } catch (error) {
      this.#log.warn(
        { event: 'spool-directory-left', directory: this.#directory, fault: String(error) },
        'the spool directory could not be removed; the mailbox service does it',
      );
    }
    this.#lock.release();
  }

  #entry(id: string, file: FileHandle): EntryFile {
    return new EntryFile(join(this.#directory, id), file, (entry, isTaken) => {
      if (isTaken) {
        this.#unfinished.delete(entry);
        this.onTaken?.();
      } else {
        this.#unfinished.add(entry);
        this.#tryLater();
      }
    });
  }

  #tryLater(): void {
    if (this.#isClosed) return;
    this.#timer ??= this.#timers.start(FINISH_AGAIN_MS, () => {
      this.#timer = undefined;
      void this.#finishLate();
    });
  }

  async #finishLate(): Promise<void> {
    for (const entry of [...this.#unfinished]) {
      if (!this.#unfinished.has(entry)) continue; // taken since, by whoever asked for its end
      try {
        await entry.tryAgain();
        this.#log.info({ event: 'message-finished-late', path: entry.path }, 'a message that waited could be finished');
      } catch (error) {
        // Whoever asked for its end has said so, and it is tried again; only the last time is news.
        if (!this.#isClosed) continue;
        const facts = { event: 'message-left-unfinished', path: entry.path, fault: String(error) };
        this.#log.error(facts, 'a message could not be finished: the mailbox service takes it in as it lies');
      }
    }
  }

  /** The file `ID.rec` with its header, both on disk. */
  async #create(id: string, header: string): Promise<FileHandle> {
    const unready = join(this.#directory, `${id}.new`);
    let file: FileHandle | undefined;
    try {
      file = await open(unready, 'wx+', 0o600);
      await file.writeFile(header, 'latin1');
      await file.datasync();
      await rename(unready, join(this.#directory, `${id}.rec`));
      await syncDirectory(this.#directory);
      return file;
    } catch (error) {
      await file?.close().catch(() => undefined);
      await unlink(unready).catch(() => undefined);
      throw spoolUnwritable(error);
    }
  }
}

/** How a recording is to end: what stands in its header, and how long its file is then. */
interface WantedEnd {
  readonly end: SpoolEnd;
  readonly fileBytes: number;
}

/**
 * One entry that a worker writes.
 *
 * ```text
 *   ID.new --(header synced)--> ID.rec --(end slot, cut, synced)--> ID.rec --(renamed, directory synced)--> ID.done: taken
 * ```
 * Whatever fails on the way can be tried again; attempts come one after the other, each with the end that was asked for last.
 */
class EntryFile implements SpoolEntry {
  readonly path: string;
  readonly audioOffset = SPOOL_HEADER_BYTES;
  readonly #donePath: string;
  /** Told after each attempt whether the entry is taken. */
  readonly #onAttempt: (entry: EntryFile, isTaken: boolean) => void;
  /** Kept open, so that a process that ran out of files can still end its recordings; closed by a failure. */
  #file: FileHandle | undefined;
  #state: 'written' | 'named' | 'taken' = 'written';
  #wanted: WantedEnd | undefined;
  #attempts: Promise<void> = Promise.resolve();

  /** @param stem - path of its file without the suffix */
  constructor(stem: string, file: FileHandle, onAttempt: (entry: EntryFile, isTaken: boolean) => void) {
    this.path = `${stem}.rec`;
    this.#donePath = `${stem}.done`;
    this.#file = file;
    this.#onAttempt = onAttempt;
  }

  finish(audio: FinishedAudio): Promise<void> {
    return this.#endAs({ end: { kind: 'voice', ...audio }, fileBytes: SPOOL_HEADER_BYTES + audio.audioBytes });
  }

  dropForMissedCall(): Promise<void> {
    return this.#endAs({ end: { kind: 'missed-call' }, fileBytes: SPOOL_HEADER_BYTES });
  }

  /** @throws UmError 'spool-unwritable' */
  tryAgain(): Promise<void> {
    const attempt = this.#attempts.then(() => this.#attempt());
    this.#attempts = attempt.catch(() => undefined);
    return attempt;
  }

  #endAs(wanted: WantedEnd): Promise<void> {
    this.#wanted = wanted;
    return this.tryAgain();
  }

  async #attempt(): Promise<void> {
    if (this.#state === 'taken' || !this.#wanted) return;
    try {
      if (this.#state === 'written') await this.#writeEnd(this.#wanted);
      await syncDirectory(dirname(this.path));
    } catch (error) {
      this.#onAttempt(this, false);
      throw spoolUnwritable(error);
    }
    this.#state = 'taken';
    this.#onAttempt(this, true);
  }

  async #writeEnd({ end, fileBytes }: WantedEnd): Promise<void> {
    const file = this.#file ?? (await open(this.path, 'r+'));
    this.#file = undefined;
    try {
      const { size } = await file.stat();
      if (size > fileBytes) await file.truncate(fileBytes);
      await file.write(formatSpoolEnd(end), SPOOL_END_SLOT.offset, 'latin1');
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(this.path, this.#donePath);
    this.#state = 'named';
  }
}
