import { assertNever } from '../../../base/assert.js';
import { DEFAULT_SIP_TIMERS, type SipTimers } from '../timers.js';

/** States of the non-INVITE server transaction: RFC 3261 §17.2.2. */
export type NonInviteServerState = 'trying' | 'proceeding' | 'completed' | 'terminated';

/** Timers owned by this machine: RFC 3261 §17.2.2 (J), RFC 4320 §4.1 (the moment after which 100 is due; it has no letter). */
export type NonInviteServerTimer = 'J' | 'late';

/** Everything that can happen to the transaction; `started` comes first. `wire` is a whole message as a latin1 string. */
export type NonInviteServerInput =
  | { readonly kind: 'started' }
  | { readonly kind: 'request-retransmitted' }
  | { readonly kind: 'respond'; readonly status: number; readonly wire: string }
  | { readonly kind: 'timer-fired'; readonly timer: NonInviteServerTimer }
  | { readonly kind: 'transport-failed' };

/**
 * Everything the transaction can ask its driver to do; the driver performs them in order. `answer-is-late`: the driver
 * responds with 100 Trying.
 */
export type NonInviteServerOutput =
  | { readonly kind: 'send'; readonly wire: string }
  | { readonly kind: 'start-timer'; readonly timer: NonInviteServerTimer; readonly afterMs: number }
  | { readonly kind: 'stop-timer'; readonly timer: NonInviteServerTimer }
  | { readonly kind: 'tell-user'; readonly event: 'answer-is-late' | 'transport-error' }
  | { readonly kind: 'state-changed'; readonly to: NonInviteServerState };

export interface NonInviteServerOptions {
  /** True for TCP and TLS: timer J is 0 ms. */
  readonly reliable: boolean;
  /** RFC defaults when omitted. */
  readonly timers?: SipTimers;
}

/**
 * Non-INVITE server transaction.
 *
 * ```text
 *             request
 *                |
 *                v
 *          +-----------+
 *          |  Trying   |----------------+
 *          +-----------+                |
 *                | 100                  |
 *                v                      | 200-699
 *          +-----------+                |
 *          |Proceeding |                |
 *          +-----------+                |
 *                | 200-699              |
 *                v                      |
 *          +-----------+                |
 *          | Completed |<---------------+
 *          +-----------+
 *                | J
 *                v
 *          +------------+
 *          | Terminated |
 *          +------------+
 * ```
 *
 * A transport failure changes no state (RFC 6026 §8.8). Pure: reads no clock and opens no socket. Feed one input, perform
 * every output, then feed the next.
 *
 * @see RFC 3261 §17.2.2; RFC 4320 §4; RFC 6026 §8.8
 */
export class NonInviteServerTransaction {
  #state: NonInviteServerState = 'trying';
  #lastResponse: string | undefined;
  readonly #reliable: boolean;
  readonly #timers: SipTimers;

  constructor(options: NonInviteServerOptions) {
    this.#reliable = options.reliable;
    this.#timers = options.timers ?? DEFAULT_SIP_TIMERS;
  }

  get state(): NonInviteServerState {
    return this.#state;
  }

  /**
   * Advances the machine by one input.
   *
   * @returns outputs in the order in which they must be performed; empty when the input is absorbed
   * @throws RangeError when a response status is outside 100 to 699
   */
  handle(input: NonInviteServerInput): readonly NonInviteServerOutput[] {
    switch (input.kind) {
      case 'started':
        return this.#onStarted();
      case 'request-retransmitted':
        return this.#onRetransmitted();
      case 'respond':
        return this.#onRespond(input.status, input.wire);
      case 'timer-fired':
        return this.#onTimer(input.timer);
      case 'transport-failed':
        return this.#state === 'terminated' ? [] : [{ kind: 'tell-user', event: 'transport-error' }];
      default:
        return assertNever(input, 'non-INVITE server input');
    }
  }

  #onStarted(): readonly NonInviteServerOutput[] {
    if (this.#state !== 'trying') return [];
    return [{ kind: 'start-timer', timer: 'late', afterMs: timeToT2(this.#timers) }];
  }

  #onRetransmitted(): readonly NonInviteServerOutput[] {
    const resend = this.#state === 'proceeding' || this.#state === 'completed';
    return resend && this.#lastResponse !== undefined ? [{ kind: 'send', wire: this.#lastResponse }] : [];
  }

  #onRespond(status: number, wire: string): readonly NonInviteServerOutput[] {
    if (status < 100 || status > 699) throw new RangeError(`SIP status ${String(status)} is not 100 to 699`);
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return [];
    if (status < 200) return this.#onProvisional(status, wire);

    const complete: readonly NonInviteServerOutput[] = [
      { kind: 'stop-timer', timer: 'late' },
      { kind: 'start-timer', timer: 'J', afterMs: this.#reliable ? 0 : 64 * this.#timers.t1 },
      ...this.#enter('completed'),
    ];
    if (status === 408) {
      // RFC 4320 §4.2: it would come too late to be of use, so nothing is sent.
      this.#lastResponse = undefined;
      return complete;
    }
    this.#lastResponse = wire;
    return [{ kind: 'send', wire }, ...complete];
  }

  /** RFC 4320 §4.1: none but 100, and over UDP not before timer E of the client has reached T2. */
  #onProvisional(status: number, wire: string): readonly NonInviteServerOutput[] {
    if (status !== 100) return [];
    this.#lastResponse = wire;
    const send: NonInviteServerOutput = { kind: 'send', wire };
    if (this.#state === 'proceeding') return [send];
    return [send, { kind: 'stop-timer', timer: 'late' }, ...this.#enter('proceeding')];
  }

  #onTimer(timer: NonInviteServerTimer): readonly NonInviteServerOutput[] {
    switch (timer) {
      case 'late':
        return this.#state === 'trying' ? [{ kind: 'tell-user', event: 'answer-is-late' }] : [];
      case 'J':
        return this.#state === 'completed' ? this.#enter('terminated') : [];
      default:
        return assertNever(timer, 'non-INVITE server timer');
    }
  }

  #enter(to: NonInviteServerState): readonly NonInviteServerOutput[] {
    this.#state = to;
    return [{ kind: 'state-changed', to }];
  }
}

/** How long a client's timer E takes until its interval is T2: T1 + 2*T1 + 4*T1 with the defaults. */
function timeToT2({ t1, t2 }: SipTimers): number {
  let passedMs = 0;
  for (let intervalMs = t1; intervalMs < t2; intervalMs *= 2) passedMs += intervalMs;
  return passedMs;
}
