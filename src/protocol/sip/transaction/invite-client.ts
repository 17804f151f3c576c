import { assertNever } from '../../../base/assert.js';
import { DEFAULT_SIP_TIMERS, type SipTimers } from '../timers.js';

/**
 * States of the INVITE client transaction: RFC 3261 §17.1.1 as updated by RFC 6026 §7.2, and what CANCEL adds (§9.1).
 * `unsent` is before the first input; `calling-cancelled` is calling with a CANCEL that waits for the first provisional
 * response; `cancelled` is proceeding with the CANCEL sent.
 */
export type InviteClientState =
  'unsent' | 'calling' | 'calling-cancelled' | 'proceeding' | 'cancelled' | 'accepted' | 'completed' | 'terminated';

/**
 * Timers owned by this machine: RFC 3261 §17.1.1.2 (A, B, D), RFC 6026 §7.2 (M), RFC 3261 §9.1 (`cancel`, which has no
 * letter: how long a final response is waited for after CANCEL).
 */
export type InviteClientTimer = 'A' | 'B' | 'D' | 'M' | 'cancel';

/** Everything that can happen to the transaction. `status` is a SIP status code, 100 to 699. */
export type InviteClientInput =
  | { readonly kind: 'started' }
  | { readonly kind: 'response'; readonly status: number }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'timer-fired'; readonly timer: InviteClientTimer }
  | { readonly kind: 'transport-failed' };

/**
 * Everything the transaction can ask its driver to do; the driver performs them in order. `acknowledge`: the driver makes
 * the ACK (RFC 3261 §17.1.1.3) of the response just fed, and sends it where the INVITE went. `provisional` and `final`
 * mean the response just fed; `final` comes again for each further 2xx, because a forked INVITE is answered more than once.
 * `send-cancel`: the driver makes the CANCEL and sends it as a transaction of its own.
 */
export type InviteClientOutput =
  | { readonly kind: 'send'; readonly wire: string }
  | { readonly kind: 'acknowledge' }
  | { readonly kind: 'send-cancel' }
  | { readonly kind: 'start-timer'; readonly timer: InviteClientTimer; readonly afterMs: number }
  | { readonly kind: 'stop-timer'; readonly timer: InviteClientTimer }
  | { readonly kind: 'tell-user'; readonly event: 'provisional' | 'final' | 'timeout' | 'transport-error' }
  | { readonly kind: 'state-changed'; readonly to: InviteClientState };

export interface InviteClientOptions {
  /** The whole INVITE as a latin1 string. */
  readonly wire: string;
  /** True for TCP and TLS: timer A is never set and timer D is 0 ms. */
  readonly reliable: boolean;
  /** RFC defaults when omitted. */
  readonly timers?: SipTimers;
}

/** RFC 3261 §17.1.1.2: at least 32 s whatever our T1 is, because the server's T1 is not known. */
const LEAST_TIMER_D_MS = 32_000;

/**
 * INVITE client transaction.
 *
 * ```text
 *                 | INVITE is sent
 *                 v
 *           +-----------+  B, transport error
 *     +-----|  Calling  |------------------------+
 *     |     +-----------+----------------+       |
 *     |           | 1xx              2xx |       |
 *     |           v                      v       |
 *     |     +-----------+   2xx   +----------+   |
 *     |     |Proceeding |-------->| Accepted |   |
 *     |     +-----------+         +----------+   |
 *     |           | 300-699              |       |
 *     |           | ACK is sent          | M     |
 *     | 300-699   v                      v       |
 *     |     +-----------+   D     +------------+ |
 *     +---->| Completed |-------->| Terminated |<+
 *   ACK     +-----------+         +------------+
 *                 |  transport error     ^
 *                 +----------------------+
 *
 *   cancel:  Calling ------> Calling-cancelled, which is Calling but for
 *            1xx:            Calling-cancelled ------> Cancelled, CANCEL is sent
 *            Proceeding ---> Cancelled, CANCEL is sent; it is Proceeding but for
 *            timer cancel:   Cancelled ------> Terminated
 * ```
 *
 * Pure: reads no clock and opens no socket. Feed one input, perform every output, then feed the next.
 *
 * @see RFC 3261 §17.1.1; RFC 6026 §7.2
 */
export class InviteClientTransaction {
  #state: InviteClientState = 'unsent';
  #timerAMs: number;
  readonly #wire: string;
  readonly #reliable: boolean;
  readonly #timers: SipTimers;

  constructor(options: InviteClientOptions) {
    this.#wire = options.wire;
    this.#reliable = options.reliable;
    this.#timers = options.timers ?? DEFAULT_SIP_TIMERS;
    this.#timerAMs = this.#timers.t1;
  }

  get state(): InviteClientState {
    return this.#state;
  }

  /**
   * Advances the machine by one input.
   *
   * @returns outputs in the order in which they must be performed; empty when the input is absorbed
   * @throws RangeError when a response status is outside 100 to 699
   */
  handle(input: InviteClientInput): readonly InviteClientOutput[] {
    switch (input.kind) {
      case 'started':
        return this.#onStarted();
      case 'response':
        return this.#onResponse(input.status);
      case 'cancel':
        return this.#onCancel();
      case 'timer-fired':
        return this.#onTimer(input.timer);
      case 'transport-failed':
        return this.#onTransportFailed();
      default:
        return assertNever(input, 'INVITE client input');
    }
  }

  #onStarted(): readonly InviteClientOutput[] {
    if (this.#state !== 'unsent') return [];
    const retransmit: readonly InviteClientOutput[] = this.#reliable
      ? []
      : [{ kind: 'start-timer', timer: 'A', afterMs: this.#timerAMs }];
    return [
      { kind: 'send', wire: this.#wire },
      ...retransmit,
      { kind: 'start-timer', timer: 'B', afterMs: 64 * this.#timers.t1 },
      ...this.#enter('calling'),
    ];
  }

  #onResponse(status: number): readonly InviteClientOutput[] {
    if (status < 100 || status > 699) throw new RangeError(`SIP status ${String(status)} is not 100 to 699`);
    switch (this.#state) {
      case 'calling':
      case 'calling-cancelled':
      case 'proceeding':
      case 'cancelled':
        return status < 200 ? this.#onProvisional(this.#state) : this.#onFinal(status);
      case 'accepted':
        return status >= 200 && status <= 299 ? [{ kind: 'tell-user', event: 'final' }] : [];
      case 'completed':
        // RFC 3261 §17.1.1.2: the retransmitted response is acknowledged again and not passed up.
        return status >= 300 ? [{ kind: 'acknowledge' }] : [];
      case 'unsent':
      case 'terminated':
        return [];
      default:
        return assertNever(this.#state, 'INVITE client state');
    }
  }

  #onProvisional(state: 'calling' | 'calling-cancelled' | 'proceeding' | 'cancelled'): readonly InviteClientOutput[] {
    const told: InviteClientOutput = { kind: 'tell-user', event: 'provisional' };
    if (state === 'proceeding' || state === 'cancelled') return [told];
    const stopped: readonly InviteClientOutput[] = [
      { kind: 'stop-timer', timer: 'A' },
      { kind: 'stop-timer', timer: 'B' },
    ];
    const next = state === 'calling' ? this.#enter('proceeding') : this.#sendCancel();
    return [...stopped, ...next, told];
  }

  #onFinal(status: number): readonly InviteClientOutput[] {
    const stopped = (['A', 'B', 'cancel'] as const).map((timer) => ({ kind: 'stop-timer', timer }) as const);
    const told: InviteClientOutput = { kind: 'tell-user', event: 'final' };
    if (status < 300) {
      const life: InviteClientOutput = { kind: 'start-timer', timer: 'M', afterMs: 64 * this.#timers.t1 };
      return [...stopped, life, ...this.#enter('accepted'), told];
    }
    const afterMs = this.#reliable ? 0 : Math.max(64 * this.#timers.t1, LEAST_TIMER_D_MS);
    return [
      ...stopped,
      { kind: 'acknowledge' },
      { kind: 'start-timer', timer: 'D', afterMs },
      ...this.#enter('completed'),
      told,
    ];
  }

  /** RFC 3261 §9.1: no CANCEL before a provisional response, and none once there is a final one. */
  #onCancel(): readonly InviteClientOutput[] {
    if (this.#state === 'calling') return this.#enter('calling-cancelled');
    return this.#state === 'proceeding' ? this.#sendCancel() : [];
  }

  #sendCancel(): readonly InviteClientOutput[] {
    return [
      { kind: 'send-cancel' },
      { kind: 'start-timer', timer: 'cancel', afterMs: 64 * this.#timers.t1 },
      ...this.#enter('cancelled'),
    ];
  }

  #onTimer(timer: InviteClientTimer): readonly InviteClientOutput[] {
    switch (timer) {
      case 'A':
        if (!this.#isCalling()) return [];
        this.#timerAMs *= 2;
        return [
          { kind: 'send', wire: this.#wire },
          { kind: 'start-timer', timer: 'A', afterMs: this.#timerAMs },
        ];
      case 'B':
        return this.#isCalling()
          ? [{ kind: 'stop-timer', timer: 'A' }, ...this.#enter('terminated'), { kind: 'tell-user', event: 'timeout' }]
          : [];
      case 'cancel':
        return this.#state === 'cancelled'
          ? [...this.#enter('terminated'), { kind: 'tell-user', event: 'timeout' }]
          : [];
      case 'D':
        return this.#state === 'completed' ? this.#enter('terminated') : [];
      case 'M':
        return this.#state === 'accepted' ? this.#enter('terminated') : [];
      default:
        return assertNever(timer, 'INVITE client timer');
    }
  }

  #onTransportFailed(): readonly InviteClientOutput[] {
    switch (this.#state) {
      case 'calling':
      case 'calling-cancelled':
        return [
          { kind: 'stop-timer', timer: 'A' },
          { kind: 'stop-timer', timer: 'B' },
          ...this.#enter('terminated'),
          { kind: 'tell-user', event: 'transport-error' },
        ];
      case 'completed':
        // The ACK could not be sent; the user has had its final response and is not told a second end.
        return [{ kind: 'stop-timer', timer: 'D' }, ...this.#enter('terminated')];
      case 'unsent':
      case 'proceeding':
      case 'cancelled':
      case 'accepted':
      case 'terminated':
        return [];
      default:
        return assertNever(this.#state, 'INVITE client state');
    }
  }

  #isCalling(): boolean {
    return this.#state === 'calling' || this.#state === 'calling-cancelled';
  }

  #enter(to: InviteClientState): readonly InviteClientOutput[] {
    this.#state = to;
    return [{ kind: 'state-changed', to }];
  }
}
