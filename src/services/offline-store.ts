import { existsSync, rmSync } from 'node:fs';
import { UmError } from '../base/errors.js';
import type { ControlMethods } from '../mailbox/control-protocol.js';
import { wallClock } from '../platform/clock.js';
import { createLogger } from '../platform/logging.js';
import { makeDirectory } from '../platform/durable-directory.js';
import { pidFilePath } from '../platform/process/running-daemon.js';
import { cryptoRandom } from '../platform/random.js';
import { DataLock, daemonLockPath } from '../platform/store/data-lock.js';
import { databasePath, openStore } from '../platform/store/sql-message-store.js';
import { MailboxOperations } from './mailbox-operations.js';

/** What may be asked of a data directory in which nothing was ever kept, which gets its database by that: a mistyped name does not. */
const MAKES_STORE: readonly (keyof ControlMethods)[] = ['import-directory'];

/**
 * Does what a control request asks, on the store itself: for a command line without a daemon. Holds the daemon's lock meanwhile, so
 * that none can start in between.
 *
 * @throws UmError 'data-in-use' when a daemon is starting or another command is at work; what the method says
 */
export async function askStore<M extends keyof ControlMethods>(
  dataDirectory: string,
  method: M,
  params: ControlMethods[M]['params'],
): Promise<ControlMethods[M]['result']> {
  if (!existsSync(databasePath(dataDirectory)) && !MAKES_STORE.includes(method))
    throw new UmError('not-found', `nothing was ever kept in ${dataDirectory}`);
  const log = createLogger('command', 'error', 'command');
  await makeDirectory(dataDirectory);
  const lock = DataLock.tryAcquire(daemonLockPath(dataDirectory));
  if (lock === undefined) throw new UmError('data-in-use', dataDirectory);
  // Left by a daemon that was killed: whoever reads it later must not take another process for the daemon.
  rmSync(pidFilePath(dataDirectory), { force: true });
  try {
    const store = await openStore(dataDirectory, log);
    try {
      const operations = new MailboxOperations({ store, dataDirectory, log, wallClock, random: cryptoRandom });
      return await operations.handle(method, params);
    } finally {
      await store.close();
    }
  } finally {
    lock.release();
  }
}
