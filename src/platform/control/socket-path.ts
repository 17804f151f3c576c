import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UmError } from '../../base/errors.js';

/** Above 107 bytes the kernel's sockaddr_un is cut silently; some room is left. */
const LONGEST_PATH_BYTES = 100;

/** Not TMPDIR: daemon and commands may be started with different ones, and must meet. */
const SHORT_PATHS = '/tmp';

/** Path of the control socket of a data directory: inside it, or a short one made from its hash when that would be too long. */
export function socketPath(dataDirectory: string): string {
  const directory = realPath(dataDirectory);
  const path = join(directory, 'openum.sock');
  if (Buffer.byteLength(path) <= LONGEST_PATH_BYTES) return path;
  const hash = createHash('sha256').update(directory).digest('hex').slice(0, 24);
  return join(SHORT_PATHS, `openum-${hash}`, 'openum.sock');
}

/**
 * Checks that nobody else can put a socket at `path`: in the common folder for short paths, anybody may have made our directory
 * before us.
 *
 * @returns false when its directory is not there
 * @throws UmError 'data-unwritable' when the directory belongs to somebody else or is open to others
 */
export function isOwnSocketDirectory(path: string): boolean {
  const directory = dirname(path);
  if (dirname(directory) !== SHORT_PATHS || !directory.startsWith(join(SHORT_PATHS, 'openum-'))) return true;
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (!found) return false;
  if (found.isDirectory() && found.uid === process.getuid?.() && (found.mode & 0o077) === 0) return true;
  throw new UmError('data-unwritable', `${directory} was made by somebody else, or is open to others`);
}

/** Makes the directory of a short path; the others are data directories, which are there. */
export function makeSocketDirectory(path: string): void {
  if (!isOwnSocketDirectory(path)) mkdirSync(dirname(path), { mode: 0o700 });
  isOwnSocketDirectory(path);
}

function realPath(directory: string): string {
  try {
    return realpathSync(directory);
  } catch {
    return resolve(directory);
  }
}
