import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { syncDirectory } from '../platform/durable-directory.js';

/** PINs by extension, a line each, for a person. */
export function pinLines(pins: ReadonlyMap<string, string>): string {
  return [...pins].map(([extension, pin]) => `  mailbox ${extension}: PIN ${pin}\n`).join('');
}

/**
 * Writes PINs into a file of their own in the data directory, readable by its owner only. It outlives a power cut once this
 * resolves.
 *
 * @returns path of the file
 * @throws Error of node:fs
 */
export async function writeInitialPins(dataDirectory: string, pins: ReadonlyMap<string, string>): Promise<string> {
  const path = join(dataDirectory, 'initial-pins.txt');
  await rm(path, { force: true }); // a file that was there would keep its mode
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(pinLines(pins));
    await file.sync();
  } finally {
    await file.close();
  }
  await syncDirectory(dataDirectory);
  return path;
}
