import type { MonotonicClock, Timers, WallClock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { UmConfig } from '../config/um-config.js';
import type { Directory } from '../directory/directory.js';
import type { Spool } from '../mailbox/spool.js';
import type { CallAnsweringOptions } from '../menus/call-answering.js';
import type { Call } from '../menus/call.js';
import type { CallLimit } from './call-limit.js';
import type { MediaPort } from './media-port.js';
import type { SignallingPort } from './signalling-port.js';

/** What calls stand on: the ports they reach the outside through, and what is in effect now. */
export interface CallEnvironment {
  readonly signalling: SignallingPort;
  readonly media: MediaPort;
  readonly spool: Spool;
  readonly limit: CallLimit;
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly config: () => Pick<UmConfig, 'serverName' | 'advertisedAddress' | 'dataDirectory'>;
  /** Undefined until the first snapshot came. */
  readonly directory: () => Directory | undefined;
  /** The voice application that answers. */
  answer(call: Call, options: CallAnsweringOptions): Promise<void>;
  /** Calls came, went or moved on: what `status` shows has changed. */
  onCallsChanged(): void;
}
