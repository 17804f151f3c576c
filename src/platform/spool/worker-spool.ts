import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
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
import { freeBytes } from '../disk-room.js';
import { cryptoRandom } from '../random.js';
import { DataLock } from '../store/data-lock.js';
import {
  removeIfEmpty,
  SPOOL_LOCK_NAME,
  spoolPath,
  spoolUnwritable,
  syncDirectory,
  UNREADY_PREFIX,
} from './spool-directory.js';

export interface WorkerSpoolOptions {
  readonly log: Logger;
  /** Free disk below which nothing is begun; the limit `diskReserveBytes` when omitted. */
  readonly reserveBytes?: number;
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

  private constructor(directory: string, lock: DataLock, options: WorkerSpoolOptions) {
    this.#directory = directory;
    this.#lock = lock;
    this.#reserveBytes = options.reserveBytes ?? LIMITS.diskReserveBytes;
    this.#log = options.log;
  }

  /**
   * Makes and locks a new directory; a random suffix keeps it apart from those of dead workers with the same name. It gets its
   * name when it is locked: an unlocked one would be taken for a dead worker's.
   *
   * @throws UmError 'spool-unwritable'
   */
  static async open(dataDirectory: string, workerName: string, options: WorkerSpoolOptions): Promise<WorkerSpool> {
    const name = `${workerName}-${cryptoRandom.hex(4)}`;
    const directory = join(spoolPath(dataDirectory), name);
    const unready = join(spoolPath(dataDirectory), `${UNREADY_PREFIX}${name}`);
    try {
      await mkdir(unready, { recursive: true, mode: 0o700 });
      const lock = DataLock.tryAcquire(join(unready, SPOOL_LOCK_NAME));
      if (!lock) throw new Error(`${unready}: somebody else holds the lock`);
      await rename(unready, directory);
      return new WorkerSpool(directory, lock, options);
    } catch (error) {
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
    return new EntryFile(this.#directory, facts.id, file, () => this.onTaken?.());
  }

  async missedCall(facts: MessageFacts): Promise<void> {
    const header = formatSpoolHeader({ facts, law: 'PCMU' }, { kind: 'missed-call' });
    const file = await this.#create(facts.id, header);
    try {
      await file.close();
      await rename(join(this.#directory, `${facts.id}.rec`), join(this.#directory, `${facts.id}.done`));
      await syncDirectory(this.#directory);
    } catch (error) {
      throw spoolUnwritable(error);
    }
    this.onTaken?.();
  }

  /** Gives the directory up, and removes it when it is empty; the mailbox service finds what is left. */
  async close(): Promise<void> {
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

/**
 * One entry that a worker writes.
 *
 * ```text
 *   ID.new --(header synced)--> ID.rec --(end slot, cut, synced)--> ID.rec --(renamed, directory synced)--> ID.done: taken
 * ```
 */
class EntryFile implements SpoolEntry {
  readonly path: string;
  readonly audioOffset = SPOOL_HEADER_BYTES;
  readonly #donePath: string;
  readonly #directory: string;
  readonly #onTaken: () => void;
  /** Kept open, so that a process that ran out of files can still end its recordings; closed by a failure. */
  #file: FileHandle | undefined;
  #state: 'written' | 'named' | 'taken' = 'written';

  constructor(directory: string, id: string, file: FileHandle, onTaken: () => void) {
    this.path = join(directory, `${id}.rec`);
    this.#donePath = join(directory, `${id}.done`);
    this.#directory = directory;
    this.#file = file;
    this.#onTaken = onTaken;
  }

  finish(audio: FinishedAudio): Promise<void> {
    return this.#end({ kind: 'voice', ...audio }, SPOOL_HEADER_BYTES + audio.audioBytes);
  }

  dropForMissedCall(): Promise<void> {
    return this.#end({ kind: 'missed-call' }, SPOOL_HEADER_BYTES);
  }

  async #end(end: SpoolEnd, fileBytes: number): Promise<void> {
    if (this.#state === 'taken') return;
    try {
      if (this.#state === 'written') await this.#writeEnd(end, fileBytes);
      await syncDirectory(this.#directory);
    } catch (error) {
      throw spoolUnwritable(error);
    }
    this.#state = 'taken';
    this.#onTaken();
  }

  async #writeEnd(end: SpoolEnd, fileBytes: number): Promise<void> {
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
