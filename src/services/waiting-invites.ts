import type { StartedTimer, Timers } from '../base/clock.js';
import { LIMITS } from '../base/limits.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';

interface Waiting {
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly timer: StartedTimer;
}

/** INVITEs that came while no worker was ready: each waits a little for one, in the order of arrival. */
export class WaitingInvites {
  readonly #timers: Timers;
  readonly #onTimeout: (request: SipRequest, flow: Flow) => void;
  readonly #waiting = new Set<Waiting>();

  /** `onTimeout` is told of each that has waited for LIMITS.workerWaitMs. */
  constructor(timers: Timers, onTimeout: (request: SipRequest, flow: Flow) => void) {
    this.#timers = timers;
    this.#onTimeout = onTimeout;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** False when too many wait already (LIMITS.waitingInvites): this one is not held. */
  add(request: SipRequest, flow: Flow): boolean {
    if (this.#waiting.size >= LIMITS.waitingInvites) return false;
    const timer = this.#timers.start(LIMITS.workerWaitMs, () => {
      this.#waiting.delete(waiting);
      this.#onTimeout(request, flow);
    });
    const waiting: Waiting = { request, flow, timer };
    this.#waiting.add(waiting);
    return true;
  }

  /** Hands all of them over, oldest first; none waits any more. */
  release(take: (request: SipRequest, flow: Flow) => void): void {
    const released = [...this.#waiting];
    this.#waiting.clear();
    for (const { request, flow, timer } of released) {
      timer.stop();
      take(request, flow);
    }
  }

  /** Forgets those that came on a connection that is gone: nobody could be answered. */
  dropFlow(flowId: string): void {
    for (const waiting of this.#waiting) {
      if (waiting.flow.id !== flowId) continue;
      waiting.timer.stop();
      this.#waiting.delete(waiting);
    }
  }
}
