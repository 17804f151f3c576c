import { readFileSync } from 'node:fs';
import { join } from 'node:path';
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
 */
export function runningDaemon(dataDirectory: string): RunningDaemon | undefined {
  const isRunning = (): boolean => {
    try {
      const lock = DataLock.tryAcquire(daemonLockPath(dataDirectory));
      lock?.release();
      return lock === undefined;
    } catch {
      return false; // no such directory, or not ours to look at
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
