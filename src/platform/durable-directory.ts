import { constants } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './os-error.js';

/**
 * Makes a directory and those above it that are missing, readable by their owner only; each of them outlives a power cut once this
 * resolves. Step by step, because Node's own recursive mkdir never returns below a file system that makes no directories (`/proc`).
 *
 * @throws what mkdir(2) says; a file of that name is left alone, and is a fault of whoever uses it as a directory
 */
export async function makeDirectory(path: string): Promise<void> {
  if (await isThere(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    // Somebody else made it meanwhile; his sync may not have come yet.
    if (!hasCode(error, 'EEXIST')) throw error;
  }
  await syncDirectory(parent);
}

/**
 * Makes names in a directory durable: created, renamed and removed ones.
 *
 * @throws Error of node:fs
 */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
