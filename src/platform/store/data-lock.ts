import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'libsql';
import { UmError } from '../../base/errors.js';
import { hasCode } from '../os-error.js';

/** Held by the supervisor as long as a daemon uses the data directory. */
export function daemonLockPath(dataDirectory: string): string {
  return join(dataDirectory, 'daemon.lock');
}

/** Held by whoever has the store open (`openStore` takes it): the mailbox service, or a command without a daemon. */
export function storeLockPath(dataDirectory: string): string {
  return join(dataDirectory, 'store.lock');
}

/**
 * A lock that the kernel frees at once when its holder dies, however it dies: SQLite's file lock on a file of its own
 * (Node has no flock). Never open the file by other means while the lock is held: closing any descriptor of it in this
 * process would drop the lock (POSIX fcntl).
 */
export class DataLock {
  readonly #database: Database.Database;
  #isHeld = true;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /**
   * Takes the lock, making its file when there is none. Blocks the process for at most `waitMs`.
   *
   * @returns undefined when somebody else, in this process too, holds it
   * @throws UmError 'data-unwritable' when the file cannot be made or written
   */
  static tryAcquire(path: string, waitMs = 0): DataLock | undefined {
    makeFile(path);
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { timeout: waitMs });
      // Else a journal file would lie beside it, and outlive a killed holder.
      database.exec('PRAGMA journal_mode = MEMORY');
      database.exec('BEGIN EXCLUSIVE');
      return new DataLock(database);
    } catch (error) {
      database?.close();
      if (hasCode(error, 'SQLITE_BUSY')) return undefined;
      throw new UmError('data-unwritable', `${path}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      });
    }
  }

  /** Frees it; the file stays. Doing so twice does nothing. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#database.close();
  }
}

/** Exclusive creation never opens a file that is there: see the class about descriptors. */
function makeFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if (hasCode(error, 'EEXIST')) {
      assertWritable(path);
      return;
    }
    throw unwritable(error);
  }
}

function assertWritable(path: string): void {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw unwritable(error);
  }
}

function unwritable(error: unknown): UmError {
  return new UmError('data-unwritable', error instanceof Error ? error.message : String(error), { cause: error });
}
