import { existsSync } from 'node:fs';
import { type FileHandle, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import { parseSpoolHeader, SPOOL_HEADER_BYTES, type SpoolHeader } from '../../mailbox/spool-entry.js';
import type { G711Law } from '../../mailbox/message.js';
import { wavHeader } from '../../media/wav.js';
import { wallClock } from '../clock.js';
import { freeBytes } from '../disk-room.js';
import { makeDirectory, syncDirectory } from '../durable-directory.js';
import { hasCode } from '../os-error.js';
import { DataLock } from '../store/data-lock.js';
import { DAMAGED_NAME, removeIfEmpty, SPOOL_LOCK_NAME, spoolPath, UNREADY_PREFIX } from './spool-directory.js';

const COPY_BYTES = 262_144;

/** Between the making of a worker's directory and its lock lie milliseconds; what is unready after this was left. */
const UNREADY_FOR_MS = 600_000;

const ENTRY_NAME = /^([\da-f]{32})\.(new|rec|done)$/;

/** A file of the spool that is to be moved in. */
export interface FoundEntry {
  /** Absolute. */
  readonly path: string;
  readonly id: string;
  /** Undefined when it cannot be read as an entry with this id. */
  readonly header: SpoolHeader | undefined;
  /** Bytes after the header. */
  readonly audioBytes: number;
}

/** Which part of an entry is the message's audio: from its start on. */
export interface EntryAudio {
  readonly audioBytes: number;
  readonly law: G711Law;
}

/** The spool's files as the intake sees them; tests put faults between its steps. */
export interface IntakeFiles {
  /** What can be moved in now. The spools of dead workers stay locked until `release`. */
  scan(): Promise<SpoolScan>;
  /**
   * Writes the audio as a WAV file under its final name; its path relative to the data directory. Doing so again replaces it. When
   * it fails, nothing of it is left on the disk.
   *
   * @throws UmError 'disk-nearly-full' when less than the reserve would be free beside it; Error of node:fs
   */
  storeAudio(entry: FoundEntry, audio: EntryAudio): Promise<string>;
  removeAudio(audioFile: string): Promise<void>;
  removeEntry(entry: FoundEntry): Promise<void>;
  /** Moves a file that is no entry to `spool/damaged/`; its new path. */
  setAside(entry: FoundEntry): Promise<string>;
}

/** One look at all spool directories. */
export interface SpoolScan {
  /** Oldest first. */
  readonly entries: readonly FoundEntry[];
  /** Directories whose workers live. */
  readonly living: readonly string[];
  /** Removes the directories of dead workers that are empty by now, and unlocks the others. */
  release(): Promise<void>;
}

/** The real files. */
export class SpoolFiles implements IntakeFiles {
  readonly #dataDirectory: string;
  readonly #log: Logger;
  readonly #reserveBytes: number;

  /** @param reserveBytes - what stays free of the disk for the database and the mail; the limit `diskReserveBytes` when omitted */
  constructor(dataDirectory: string, log: Logger, reserveBytes: number = LIMITS.diskReserveBytes) {
    this.#dataDirectory = dataDirectory;
    this.#log = log;
    this.#reserveBytes = reserveBytes;
  }

  async scan(): Promise<SpoolScan> {
    const spool = spoolPath(this.#dataDirectory);
    await makeDirectory(spool);
    const found: FoundEntry[] = [];
    const living: string[] = [];
    const locks = new Map<string, DataLock>();
    for (const item of await readdir(spool, { withFileTypes: true })) {
      if (!item.isDirectory() || item.name === DAMAGED_NAME) continue;
      const directory = join(spool, item.name);
      try {
        if (item.name.startsWith(UNREADY_PREFIX)) {
          await removeLeftUnready(directory);
          continue;
        }
        // First the lock, then the names: a worker that ends in between has left all that it will leave.
        const lock = DataLock.tryAcquire(join(directory, SPOOL_LOCK_NAME));
        if (lock) locks.set(directory, lock);
        else living.push(directory);
        found.push(...(await this.#entriesOf(directory, lock !== undefined)));
      } catch (error) {
        if (existsSync(directory)) this.#logFault(error, directory);
      }
    }
    const entries = found.sort((a, b) => startOf(a) - startOf(b));
    return { entries, living, release: () => this.#release(locks) };
  }

  async storeAudio(entry: FoundEntry, audio: EntryAudio): Promise<string> {
    const name = join('messages', entry.id.slice(0, 2), `${entry.id}.wav`);
    const directory = join(this.#dataDirectory, dirname(name));
    const unready = join(directory, `.${entry.id}.new`);
    await makeDirectory(directory);
    try {
      // Left by a process that died while it wrote: its room counts.
      await rm(unready, { force: true });
      await this.#checkRoom(audio.audioBytes);
      await copyAudio(entry.path, unready, audio);
      await rename(unready, join(this.#dataDirectory, name));
    } catch (error) {
      // Half a file would keep the room that smaller messages and the database need.
      await rm(unready, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncDirectory(directory);
    return name;
  }

  async removeAudio(audioFile: string): Promise<void> {
    await removeFile(join(this.#dataDirectory, audioFile));
  }

  async removeEntry(entry: FoundEntry): Promise<void> {
    await removeFile(entry.path);
  }

  async setAside(entry: FoundEntry): Promise<string> {
    const directory = join(spoolPath(this.#dataDirectory), DAMAGED_NAME);
    await makeDirectory(directory);
    const owner = basename(dirname(entry.path));
    const target = join(directory, `${owner}-${basename(entry.path)}`);
    await rename(entry.path, target);
    return target;
  }

  async #entriesOf(directory: string, isAbandoned: boolean): Promise<readonly FoundEntry[]> {
    const entries: FoundEntry[] = [];
    for (const name of await readdir(directory)) {
      const [, id, state] = ENTRY_NAME.exec(name) ?? [];
      const path = join(directory, name);
      if (id === undefined || (state !== 'done' && !isAbandoned)) continue;
      // Begun, and its header never whole: its caller has heard no beep.
      if (state === 'new') await removeFile(path);
      else entries.push(await readEntry(path, id));
    }
    return entries;
  }

  /** Without the bytes that are free just now: the same words each time, so that they are logged once. */
  async #checkRoom(audioBytes: number): Promise<void> {
    if ((await freeBytes(this.#dataDirectory)) >= audioBytes + this.#reserveBytes) return;
    const detail = `${String(audioBytes)} bytes of audio need room, and ${String(this.#reserveBytes)} must stay free`;
    throw new UmError('disk-nearly-full', detail);
  }

  async #release(locks: ReadonlyMap<string, DataLock>): Promise<void> {
    for (const [directory, lock] of locks) {
      try {
        await removeIfEmpty(directory);
      } catch (error) {
        this.#logFault(error, directory);
      }
      lock.release();
    }
  }

  #logFault(error: unknown, directory: string): void {
    const fault = error instanceof Error ? error.message : String(error);
    this.#log.error(
      { event: 'spool-directory-unusable', directory, fault },
      'a spool directory cannot be looked through',
    );
  }
}

/** Removes what a worker left that died before it had locked its new directory; one that is just being made stays. */
async function removeLeftUnready(directory: string): Promise<void> {
  const { mtimeMs } = await stat(directory);
  if (wallClock.epochMs() - mtimeMs > UNREADY_FOR_MS) await rm(directory, { recursive: true });
}

async function readEntry(path: string, id: string): Promise<FoundEntry> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const block = Buffer.alloc(SPOOL_HEADER_BYTES);
    const { bytesRead } = await file.read(block, 0, SPOOL_HEADER_BYTES, 0);
    const header = parseSpoolHeader(block.toString('latin1', 0, bytesRead));
    return {
      path,
      id,
      header: header?.facts.id === id ? header : undefined,
      audioBytes: Math.max(0, size - SPOOL_HEADER_BYTES),
    };
  } finally {
    await file.close();
  }
}

async function copyAudio(from: string, to: string, audio: EntryAudio): Promise<void> {
  const source = await open(from, 'r');
  try {
    const target = await open(to, 'w', 0o600);
    try {
      await writeWav(source, target, audio);
      await target.datasync();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

async function writeWav(source: FileHandle, target: FileHandle, audio: EntryAudio): Promise<void> {
  await target.write(wavHeader(audio.law, audio.audioBytes));
  const block = Buffer.allocUnsafe(COPY_BYTES);
  for (let copied = 0; copied < audio.audioBytes;) {
    const wanted = Math.min(COPY_BYTES, audio.audioBytes - copied);
    const { bytesRead } = await source.read(block, 0, wanted, SPOOL_HEADER_BYTES + copied);
    if (bytesRead === 0) throw new Error('the spool file became shorter while it was read');
    await target.writeFile(block.subarray(0, bytesRead));
    copied += bytesRead;
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
}

function startOf(entry: FoundEntry): number {
  return entry.header?.facts.startedAtMs ?? 0;
}
