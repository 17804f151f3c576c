import { readdir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { UmError } from '../../base/errors.js';
import { hasCode } from '../os-error.js';

/** Name of the lock file by which a worker says that its spool directory is alive. */
export const SPOOL_LOCK_NAME = 'worker.lock';

/** Name of the folder for files that cannot be read; no worker is called so. */
export const DAMAGED_NAME = 'damaged';

/** How the name of a directory begins that its worker has not locked yet: nothing is in it. */
export const UNREADY_PREFIX = '.';

/** Where all spool directories are. */
export function spoolPath(dataDirectory: string): string {
  return join(dataDirectory, 'spool');
}

/** An operating system's error in the words of a call's refusal. */
export function spoolUnwritable(error: unknown): UmError {
  if (error instanceof UmError) return error;
  return new UmError('spool-unwritable', error instanceof Error ? error.message : String(error), { cause: error });
}

/**
 * Removes a spool directory that holds nothing but its lock file. The caller holds the lock, or nobody could tell whether its
 * worker lives.
 *
 * @returns false when something else is in it
 */
export async function removeIfEmpty(directory: string): Promise<boolean> {
  const names = await readdir(directory);
  if (names.some((name) => name !== SPOOL_LOCK_NAME)) return false;
  await unlink(join(directory, SPOOL_LOCK_NAME));
  try {
    await rmdir(directory);
    return true;
  } catch (error) {
    // Somebody who asked whether the worker lives made the lock file anew; he removes it.
    if (hasCode(error, 'ENOTEMPTY')) return false;
    throw error;
  }
}
