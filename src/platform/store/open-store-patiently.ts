import type { MonotonicClock, Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { MessageStore } from '../../mailbox/message-store.js';
import { pause } from '../pause.js';
import { openStore } from './sql-message-store.js';

/**
 * The mailbox service of a killed daemon closes before it lets go of the store: it looks through the spool once more, lets
 * deliveries end (5 s), and then its clients (`controlCloseMs`, 10 s). This is both, and as long again for the spool and the disk.
 */
const STORE_PATIENCE_MS = 30_000;

const LOOK_EVERY_MS = 100;

/** By what a wait for the store is measured. */
export interface StorePatience {
  readonly timers: Timers;
  readonly clock: MonotonicClock;
}

/**
 * Opens the store as `openStore` does, and waits while another process has it open.
 *
 * @throws UmError 'data-in-use' when that process does not let go of it in time, or why it cannot be opened
 */
export async function openStorePatiently(
  dataDirectory: string,
  log: Logger,
  { timers, clock }: StorePatience,
): Promise<MessageStore> {
  const startedMs = clock.nowMs();
  for (;;) {
    try {
      return await openStore(dataDirectory, log);
    } catch (error) {
      const isInUse = error instanceof UmError && error.code === 'data-in-use';
      if (!isInUse || clock.nowMs() - startedMs >= STORE_PATIENCE_MS) throw error;
    }
    await pause(timers, LOOK_EVERY_MS);
  }
}
