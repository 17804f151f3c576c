import type { Logger } from '../../base/logger.js';

/**
 * Calls code of another part from a socket or timer event, out of which nothing may be thrown: it would end every call
 * of the process.
 *
 * @returns false when it threw; that was logged
 */
export function guarded(log: Logger, what: string, call: () => void): boolean {
  try {
    call();
    return true;
  } catch (error) {
    const stack = error instanceof Error ? error.stack : String(error);
    log.error(
      { event: 'internal-fault', what, stack },
      `A fault of OpenUM itself in ${what}: please report these lines`,
    );
    return false;
  }
}
