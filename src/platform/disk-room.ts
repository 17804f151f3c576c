import { statfs } from 'node:fs/promises';

/**
 * Bytes that an unprivileged process can still write on the file system of `path`.
 *
 * @throws Error of the operating system when `path` is not there
 */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
