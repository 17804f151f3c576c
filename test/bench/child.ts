import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A baseline as a process of its own, so that its processor time can be told apart; it says "ready" once it listens. */
export async function startBaseline(file: string, args: readonly string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, { execArgv: process.execArgv });
  await once(child, 'message');
  return child;
}
