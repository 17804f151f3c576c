import { assertNever } from '../base/assert.js';
import { DEFAULT_SIP_TIMERS, type SipTimers } from '../protocol/sip/timers.js';

/** What a dialog that a peer's INVITE began goes through. */
export type InviteDialogState = 'early' | 'unacknowledged' | 'confirmed' | 'leaving' | 'closing' | 'terminated';

/** `repeat`: the 2xx is sent again; `give-up`: no ACK will come (RFC 3261 §13.3.1.4). */
export type InviteDialogTimer = 'repeat' | 'give-up';

export type InviteDialogInput =
  /** A final response above 299 was sent to the INVITE. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'cancelled' }
  /** A 2xx was sent, to the INVITE or a re-INVITE; `offers`: it has an offer of ours, whose answer the ACK brings. */
  | { readonly kind: 'answered'; readonly sequence: number; readonly offers: boolean }
  | { readonly kind: 'ack-received'; readonly sequence: number }
  /** A re-INVITE, or an UPDATE, in order. */
  | { readonly kind: 'modification-received'; readonly method: 'INVITE' | 'UPDATE'; readonly hasOffer: boolean }
  | { readonly kind: 'bye-received' }
  /** Our side ends the call. */
  | { readonly kind: 'hang-up' }
  /** The final response to our BYE came, or none will come. */
  | { readonly kind: 'bye-answered' }
  | { readonly kind: 'timer-fired'; readonly timer: InviteDialogTimer };

export type InviteDialogOutput =
  | { readonly kind: 'start-timer'; readonly timer: InviteDialogTimer; readonly afterMs: number }
  | { readonly kind: 'stop-timer'; readonly timer: InviteDialogTimer }
  | { readonly kind: 'repeat-response' }
  | { readonly kind: 'send-bye' }
  /** The INVITE that is not answered yet gets 487. */
  | { readonly kind: 'refuse-invite' }
  /** What to do with the modification: carry it out, or refuse it as `glare` (491), `busy` (500 and Retry-After) or `over` (481). */
  | { readonly kind: 'modification'; readonly verdict: 'process' | 'glare' | 'busy' | 'over' }
  | { readonly kind: 'tell-user'; readonly event: 'acknowledged' | 'never-acknowledged' | 'cancelled' | 'hung-up' }
  | { readonly kind: 'state-changed'; readonly to: InviteDialogState };

/**
 * The life of an incoming call's dialog.
 *
 * ```text
 *                INVITE
 *                  v
 *              +-------+          refused, CANCEL, BYE
 *              | early |--------------------------------------+
 *              +-------+                                      |
 *                  | 2xx sent                                 |
 *                  v                                          |
 *          +----------------+  hang-up   +---------+          |
 *          | unacknowledged |----------->| leaving |          |
 *          +----------------+            +---------+          |
 *    ACK, or  |   ^      |                    | ACK, give-up  |
 *   re-INVITE |   |      | give-up            |               |
 *             v   | 2xx  v                    v               |
 *          +-----------+      hang-up    +---------+          |
 *          | confirmed |---------------->| closing | BYE sent |
 *          +-----------+                 +---------+          |
 *                  | BYE                      | BYE answered, |
 *                  v                          v or BYE        v
 *          +-----------------------------------------------------+
 *          |                     terminated                      |
 *          +-----------------------------------------------------+
 * ```
 *
 * BYE is never sent before the ACK came or the wait for it ended (RFC 3261 §15). Pure: performs nothing by itself.
 *
 * @see RFC 3261 §13.3.1.4, §14.2, §15; RFC 3311 §5.2; RFC 5407 §3.1.4 (re-INVITE before a lost ACK)
 */
export class InviteDialog {
  #state: InviteDialogState = 'early';
  /** CSeq of the INVITE whose ACK is awaited. */
  #sequence = 0;
  /** An offer of ours awaits its answer in that ACK. */
  #offers = false;
  #repeatMs: number;
  readonly #timers: SipTimers;

  constructor(timers: SipTimers = DEFAULT_SIP_TIMERS) {
    this.#timers = timers;
    this.#repeatMs = timers.t1;
  }

  get state(): InviteDialogState {
    return this.#state;
  }

  /** Advances by one input; the outputs are to be performed in order. */
  handle(input: InviteDialogInput): readonly InviteDialogOutput[] {
    switch (input.kind) {
      case 'refused':
        return this.#state === 'early' ? this.#enter('terminated') : [];
      case 'cancelled':
        return this.#onCancelled();
      case 'answered':
        return this.#onAnswered(input.sequence, input.offers);
      case 'ack-received':
        return input.sequence === this.#sequence ? this.#onAck() : [];
      case 'modification-received':
        return this.#onModification(input.method, input.hasOffer);
      case 'bye-received':
        return this.#onBye();
      case 'hang-up':
        return this.#onHangUp();
      case 'bye-answered':
        return this.#state === 'closing' ? this.#enter('terminated') : [];
      case 'timer-fired':
        return this.#onTimer(input.timer);
      default:
        return assertNever(input, 'INVITE dialog input');
    }
  }

  /** Once the 2xx is out, CANCEL has no effect (RFC 3261 §9.2). */
  #onCancelled(): readonly InviteDialogOutput[] {
    if (this.#state !== 'early') return [];
    return [{ kind: 'refuse-invite' }, ...this.#enter('terminated'), { kind: 'tell-user', event: 'cancelled' }];
  }

  #onAnswered(sequence: number, offers: boolean): readonly InviteDialogOutput[] {
    if (this.#state !== 'early' && this.#state !== 'confirmed') return [];
    this.#sequence = sequence;
    this.#offers = offers;
    this.#repeatMs = this.#timers.t1;
    return [
      { kind: 'start-timer', timer: 'repeat', afterMs: this.#timers.t1 },
      { kind: 'start-timer', timer: 'give-up', afterMs: 64 * this.#timers.t1 },
      ...this.#enter('unacknowledged'),
    ];
  }

  #onAck(): readonly InviteDialogOutput[] {
    switch (this.#state) {
      case 'unacknowledged':
        return [...this.#confirm(), { kind: 'tell-user', event: 'acknowledged' }];
      case 'leaving':
        return [...stopTimers, { kind: 'send-bye' }, ...this.#enter('closing')];
      case 'early':
      case 'confirmed':
      case 'closing':
      case 'terminated':
        return [];
      default:
        return assertNever(this.#state, 'INVITE dialog state');
    }
  }

  #onModification(method: 'INVITE' | 'UPDATE', hasOffer: boolean): readonly InviteDialogOutput[] {
    const verdict = (value: 'process' | 'glare' | 'busy' | 'over'): InviteDialogOutput => ({
      kind: 'modification',
      verdict: value,
    });
    switch (this.#state) {
      case 'early':
        // RFC 3261 §14.2 and RFC 3311 §5.2: the first offer is not answered yet.
        return [verdict(method === 'INVITE' || hasOffer ? 'busy' : 'process')];
      case 'unacknowledged':
        if (this.#offers && (method === 'INVITE' || hasOffer)) return [verdict('glare')];
        if (method === 'UPDATE') return [verdict('process')];
        return [...this.#confirm(), { kind: 'tell-user', event: 'acknowledged' }, verdict('process')];
      case 'confirmed':
        return [verdict('process')];
      case 'leaving':
      case 'closing':
      case 'terminated':
        return [verdict('over')];
      default:
        return assertNever(this.#state, 'INVITE dialog state');
    }
  }

  /** The peer may end the call in any state, also without having acknowledged the answer. */
  #onBye(): readonly InviteDialogOutput[] {
    switch (this.#state) {
      case 'early':
        return [{ kind: 'refuse-invite' }, ...this.#enter('terminated'), { kind: 'tell-user', event: 'cancelled' }];
      case 'unacknowledged':
      case 'leaving':
        return [...stopTimers, ...this.#enter('terminated'), { kind: 'tell-user', event: 'hung-up' }];
      case 'confirmed':
      case 'closing':
        return [...this.#enter('terminated'), { kind: 'tell-user', event: 'hung-up' }];
      case 'terminated':
        return [];
      default:
        return assertNever(this.#state, 'INVITE dialog state');
    }
  }

  #onHangUp(): readonly InviteDialogOutput[] {
    switch (this.#state) {
      case 'early':
        return [{ kind: 'refuse-invite' }, ...this.#enter('terminated')];
      case 'unacknowledged':
        return this.#enter('leaving');
      case 'confirmed':
        return [{ kind: 'send-bye' }, ...this.#enter('closing')];
      case 'leaving':
      case 'closing':
      case 'terminated':
        return [];
      default:
        return assertNever(this.#state, 'INVITE dialog state');
    }
  }

  #onTimer(timer: InviteDialogTimer): readonly InviteDialogOutput[] {
    if (this.#state !== 'unacknowledged' && this.#state !== 'leaving') return [];
    switch (timer) {
      case 'repeat':
        this.#repeatMs = Math.min(2 * this.#repeatMs, this.#timers.t2);
        return [{ kind: 'repeat-response' }, { kind: 'start-timer', timer: 'repeat', afterMs: this.#repeatMs }];
      case 'give-up':
        return [
          { kind: 'stop-timer', timer: 'repeat' },
          { kind: 'send-bye' },
          ...this.#enter('closing'),
          { kind: 'tell-user', event: 'never-acknowledged' },
        ];
      default:
        return assertNever(timer, 'INVITE dialog timer');
    }
  }

  #confirm(): readonly InviteDialogOutput[] {
    this.#offers = false;
    return [...stopTimers, ...this.#enter('confirmed')];
  }

  #enter(to: InviteDialogState): readonly InviteDialogOutput[] {
    this.#state = to;
    return [{ kind: 'state-changed', to }];
  }
}

const stopTimers: readonly InviteDialogOutput[] = [
  { kind: 'stop-timer', timer: 'repeat' },
  { kind: 'stop-timer', timer: 'give-up' },
];
