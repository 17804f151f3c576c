import { assertNever } from '../../../base/assert.js';
import { DEFAULT_SIP_TIMERS, type SipTimers } from '../timers.js';

/** States of the non-INVITE client transaction: RFC 3261 §17.1.2; `unsent` is before the first input. */
export type NonInviteClientState = 'unsent' | 'trying' | 'proceeding' | 'completed' | 'terminated';

/** Timers owned by this machine: RFC 3261 §17.1.2.2. */
export type NonInviteClientTimer = 'E' | 'F' | 'K';

/** Everything that can happen to the transaction. `status` is a SIP status code, 100 to 699. */
export type NonInviteClientInput =
  | { readonly kind: 'started' }
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'timer-fired'; readonly timer: NonInviteClientTimer }
  | { readonly kind: 'transport-failed' };

/**
 * Everything the transaction can ask its driver to do; the driver performs them in order. `provisional` and `final` mean
 * the response just fed.
 */
export type NonInviteClientOutput =
  | { readonly kind: 'send'; readonly wire: string }
  | { readonly kind: 'start-timer'; readonly timer: NonInviteClientTimer; readonly afterMs: number }
  | { readonly kind: 'stop-timer'; readonly timer: NonInviteClientTimer }
  | { readonly kind: 'tell-user'; readonly event: 'provisional' | 'final' | 'timeout' | 'transport-error' }
  | { readonly kind: 'state-changed'; readonly to: NonInviteClientState };

export interface NonInviteClientOptions {
  /** The whole request as a latin1 string. */
  readonly wire: string;
  /** True for TCP and TLS: timer E is never set and timer K is 0 ms. */
  readonly reliable: boolean;
  /** RFC defaults when omitted. */
  readonly timers?: SipTimers;
}

/**
 * Non-INVITE client transaction.
 *
 * ```text
 *                 | request is sent
 *                 v
 *           +-----------+  F, transport error
 *     +-----|  Trying   |---------------------+
 *     |     +-----------+                     |
 *     |           | 1xx                       |
 *     |           v                           |
 *     |     +-----------+  F, transport error |
 *     |     |Proceeding |-------------------->|
 *     |     +-----------+                     |
 *     |           | 200-699                   |
 *     | 200-699   v                           v
 *     |     +-----------+   K          +------------+
 *     +---->| Completed |------------->| Terminated |
 *           +-----------+              +------------+
 * ```
 *
 * Pure: reads no clock and opens no socket. Feed one input, perform every output, then feed the next.
 *
 * @see RFC 3261 §17.1.2
 */
export class NonInviteClientTransaction {
  #state: NonInviteClientState = 'unsent';
  #timerEMs: number;
  readonly #wire: string;
  readonly #reliable: boolean;
  readonly #timers: SipTimers;

  constructor(options: NonInviteClientOptions) {
    this.#wire = options.wire;
    this.#reliable = options.reliable;
    this.#timers = options.timers ?? DEFAULT_SIP_TIMERS;
    this.#timerEMs = this.#timers.t1;
  }

  get state(): NonInviteClientState {
    return this.#state;
  }

  /**
   * Advances the machine by one input.
   *
   * @returns outputs in the order in which they must be performed; empty when the input is absorbed
   * @throws RangeError when a response status is outside 100 to 699
   */
  handle(input: NonInviteClientInput): readonly NonInviteClientOutput[] {
    switch (input.kind) {
      case 'started':
        return this.#onStarted();
      case 'response':
        return this.#onResponse(input.status);
      case 'timer-fired':
        return this.#onTimer(input.timer);
      case 'transport-failed':
        return this.#isWaiting() ? this.#giveUp('transport-error') : [];
      default:
        return assertNever(input, 'non-INVITE client input');
    }
  }

  #onStarted(): readonly NonInviteClientOutput[] {
    if (this.#state !== 'unsent') return [];
    const retransmit: readonly NonInviteClientOutput[] = this.#reliable
      ? []
      : [{ kind: 'start-timer', timer: 'E', afterMs: this.#timerEMs }];
    return [
      { kind: 'send', wire: this.#wire },
      ...retransmit,
      { kind: 'start-timer', timer: 'F', afterMs: 64 * this.#timers.t1 },
      ...this.#enter('trying'),
    ];
  }

  #onResponse(status: number): readonly NonInviteClientOutput[] {
    if (status < 100 || status > 699) throw new RangeError(`SIP status ${String(status)} is not 100 to 699`);
    if (!this.#isWaiting()) return [];
    if (status < 200) {
      const entered = this.#state === 'trying' ? this.#enter('proceeding') : [];
      return [{ kind: 'tell-user', event: 'provisional' }, ...entered];
    }
    return [
      { kind: 'stop-timer', timer: 'E' },
      { kind: 'stop-timer', timer: 'F' },
      { kind: 'start-timer', timer: 'K', afterMs: this.#reliable ? 0 : this.#timers.t4 },
      ...this.#enter('completed'),
      { kind: 'tell-user', event: 'final' },
    ];
  }

  #onTimer(timer: NonInviteClientTimer): readonly NonInviteClientOutput[] {
    switch (timer) {
      case 'E':
        if (!this.#isWaiting()) return [];
        this.#timerEMs = this.#state === 'proceeding' ? this.#timers.t2 : Math.min(2 * this.#timerEMs, this.#timers.t2);
        return [
          { kind: 'send', wire: this.#wire },
          { kind: 'start-timer', timer: 'E', afterMs: this.#timerEMs },
        ];
      case 'F':
        return this.#isWaiting() ? this.#giveUp('timeout') : [];
      case 'K':
        return this.#state === 'completed' ? this.#enter('terminated') : [];
      default:
        return assertNever(timer, 'non-INVITE client timer');
    }
  }

  #isWaiting(): boolean {
    return this.#state === 'trying' || this.#state === 'proceeding';
  }

  #giveUp(event: 'timeout' | 'transport-error'): readonly NonInviteClientOutput[] {
    return [
      { kind: 'stop-timer', timer: 'E' },
      { kind: 'stop-timer', timer: 'F' },
      ...this.#enter('terminated'),
      { kind: 'tell-user', event },
    ];
  }

  #enter(to: NonInviteClientState): readonly NonInviteClientOutput[] {
    this.#state = to;
    return [{ kind: 'state-changed', to }];
  }
}
