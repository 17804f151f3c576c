import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hasCode } from '../os-error.js';
import { DataLock, daemonLockPath } from '../store/data-lock.js';

/** A daemon that holds a data directory's lock just now. */
export interface RunningDaemon {
  /** Process id of its supervisor. */
  readonly pid: number;
  isRunning(): boolean;
}

/** Path of the file in which the supervisor leaves its process id. */
export function pidFilePath(dataDirectory: string): string {
  return join(dataDirectory, 'openum.pid');
}

/**
 * The daemon on this data directory. The lock says whether there is one (the kernel frees it whatever ended the process); the
 * file only says which process it is.
 *
 * @throws UmError 'data-unwritable' when the directory is not ours to look at: another user's
 */
export function runningDaemon(dataDirectory: string): RunningDaemon | undefined {
  const isRunning = (): boolean => {
    try {
      const lock = DataLock.tryAcquire(daemonLockPath(dataDirectory));
      lock?.release();
      return lock === undefined;
    } catch (error) {
      const { cause } = error instanceof Error ? error : {};
      if (hasCode(cause, 'ENOENT') || hasCode(cause, 'ENOTDIR')) return false; // no such directory
      throw error;
    }
  };
  if (!isRunning()) return undefined;
  const pid = Number(readPid(dataDirectory));
  return Number.isInteger(pid) && pid > 1 ? { pid, isRunning } : undefined;
}

function readPid(dataDirectory: string): string {
  try {
    return readFileSync(pidFilePath(dataDirectory), 'utf8').trim();
  } catch {
    return '';
  }
}
