import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it that are missing, readable by their owner only. Step by step, because Node's own recursive
 * mkdir never returns below a file system that makes no directories (`/proc`).
 *
 * @throws what mkdir(2) says
 */
export function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}
