import { execFile } from 'node:child_process';
import type { Logger } from '../../base/logger.js';

/** Longer than systemd takes to answer; a stuck program must not stay behind. */
const PATIENCE_MS = 5_000;

/**
 * Tells systemd how the service is, when it asked for it (Type=notify sets NOTIFY_SOCKET); otherwise does nothing. Node cannot
 * send a Unix datagram: the program `systemd-notify` does, which NotifyAccess=all allows.
 *
 * @param program - for tests
 */
export function notifySystemd(
  state: 'READY=1' | 'STOPPING=1',
  options: { readonly environment: NodeJS.ProcessEnv; readonly log: Logger; readonly program?: string },
): void {
  const { environment, log, program = 'systemd-notify' } = options;
  if (environment['NOTIFY_SOCKET'] === undefined) return;
  execFile(program, [state], { env: environment, timeout: PATIENCE_MS }, (fault) => {
    if (fault === null) return;
    const facts = { event: 'systemd-notify-failed', state, why: fault.message };
    log.warn(facts, 'systemd could not be told how the service is');
  });
}
