import { UmError } from '../base/errors.js';
import type { ControlMethods } from '../mailbox/control-protocol.js';
import { askDaemon } from '../platform/control/control-client.js';
import { askStore } from '../services/offline-store.js';

/**
 * Asks the daemon; without one, takes the data directory's locks and does the same on the store itself.
 *
 * @throws UmError what the method says, or 'data-in-use' when another command is at work on the store,
 * 'not-found' when nothing was ever kept in the data directory
 */
export async function askDaemonOrStore<M extends keyof ControlMethods>(
  dataDirectory: string,
  method: M,
  params: ControlMethods[M]['params'],
): Promise<ControlMethods[M]['result']> {
  try {
    return await askDaemon(dataDirectory, method, params);
  } catch (error) {
    if (!(error instanceof UmError && error.code === 'daemon-absent')) throw error;
    return await askStore(dataDirectory, method, params);
  }
}
