import { assertNever } from '../base/assert.js';
import type { StartedTimer } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import { PRODUCT } from '../base/version.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { formatResponse, type ResponseParts } from '../protocol/sip/response.js';
import type { CallEnvironment } from './call-environment.js';
import type { Dialog } from './dialog.js';
import {
  InviteDialog,
  type InviteDialogInput,
  type InviteDialogOutput,
  type InviteDialogTimer,
} from './invite-dialog.js';
import { refuse } from './refuse.js';
import type { IncomingTransaction } from './signalling-port.js';

/** Upper end of the random Retry-After that RFC 3261 §14.2 asks for, in seconds. */
const LONGEST_RETRY_AFTER_S = 10;

/** Values of the Reason header of our BYE: RFC 3326. */
const NORMAL_CLEARING = 'Q.850;cause=16;text="Normal call clearing"';
const NO_ACK = 'SIP;cause=408;text="The ACK did not come"';

/** What the dialog tells its call. */
export interface DialogLegEvents {
  /** The peer has our 2xx: by its ACK, or proved by a re-INVITE while the ACK was lost. */
  acknowledged(ack: SipRequest | undefined): void;
  /** CANCEL, or BYE, before there was an answer; 487 was sent. */
  cancelled(): void;
  /** BYE of the peer. */
  hungUp(): void;
  /** No ACK within 64*T1: BYE was sent. */
  neverAcknowledged(): void;
  /** Nothing more will come or go. */
  terminated(): void;
}

export interface DialogLegOptions {
  readonly invite: IncomingTransaction;
  readonly dialog: Dialog;
  readonly environment: Pick<CallEnvironment, 'signalling' | 'timers' | 'random' | 'log' | 'config'>;
  readonly events: DialogLegEvents;
}

/**
 * Runs the {@link InviteDialog} of an incoming call over the signalling port: timers, repeated 2xx, BYE, and the connection that
 * the peer used last.
 */
export class DialogLeg {
  readonly #options: DialogLegOptions;
  readonly #machine = new InviteDialog();
  readonly #timers = new Map<InviteDialogTimer, StartedTimer>();
  #flow: Flow;
  /** The INVITE whose 2xx awaits its ACK, and that 2xx. */
  #answered: { readonly transaction: IncomingTransaction; readonly parts: ResponseParts } | undefined;
  #ack: SipRequest | undefined;
  /** Value of the Reason header of our BYE, when it is no normal one. */
  #reason: string | undefined;

  constructor(options: DialogLegOptions) {
    this.#options = options;
    this.#flow = options.invite.flow;
    options.environment.signalling.holdFlow(this.#flow.id);
  }

  /** The INVITE was neither answered nor refused yet. */
  isEarly(): boolean {
    return this.#machine.state === 'early';
  }

  /** Refuses the INVITE. */
  refuse(error: unknown): void {
    if (!this.isEarly()) return;
    refuse(this.#options.invite, error, this.#options.environment);
    this.#feed({ kind: 'refused' });
  }

  /**
   * Sends a 2xx to the INVITE or a re-INVITE, and repeats it until its ACK comes.
   *
   * @param offers - its body is an offer of ours, whose answer that ACK brings
   */
  answer(transaction: IncomingTransaction, parts: ResponseParts, offers: boolean): void {
    transaction.respond(parts);
    this.#answered = { transaction, parts };
    this.#feed({ kind: 'answered', sequence: transaction.request.cseq.number, offers });
  }

  /**
   * Looks at a request of the peer before its method does: where the peer is now, and the order of its requests.
   *
   * @returns false when it came out of order, and was refused
   */
  admit(transaction: IncomingTransaction): boolean {
    const { dialog, environment } = this.#options;
    this.#comesBackOn(transaction.flow);
    if (dialog.takeSequence(transaction.request)) return true;
    const { number } = transaction.request.cseq;
    refuse(transaction, new UmError('request-out-of-order', `CSeq ${String(number)} came late`), environment);
    return false;
  }

  /** May a re-INVITE or UPDATE be carried out now? When not, it was refused. */
  mayModify(transaction: IncomingTransaction, hasOffer: boolean): boolean {
    const method = transaction.request.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const verdict = this.#feed({ kind: 'modification-received', method, hasOffer });
    const { environment } = this.#options;
    switch (verdict) {
      case 'glare':
        refuse(transaction, new UmError('request-pending', 'the answer to our offer has not come yet'), environment);
        return false;
      case 'busy': {
        const seconds = String(environment.random.integer(LONGEST_RETRY_AFTER_S + 1));
        const error = new UmError('request-pending', 'the INVITE of this call is not answered yet');
        refuse(transaction, error, environment, { status: 500, headers: [['Retry-After', seconds]] });
        return false;
      }
      case 'over':
        refuse(transaction, new UmError('dialog-unknown', 'the call has just ended'), environment);
        return false;
      case 'process':
      case undefined:
        return true;
      default:
        return assertNever(verdict, 'verdict');
    }
  }

  onAck(ack: SipRequest, flow: Flow): void {
    this.#comesBackOn(flow);
    this.#ack = ack;
    this.#feed({ kind: 'ack-received', sequence: ack.cseq.number });
    this.#ack = undefined;
  }

  onCancel(): void {
    this.#feed({ kind: 'cancelled' });
  }

  /** The peer ends the dialog, whatever state it is in; the call answers the BYE. */
  onBye(): void {
    this.#feed({ kind: 'bye-received' });
  }

  /** Ends the dialog from our side; nothing happens when it has ended. */
  hangUp(reason: string | undefined): void {
    this.#reason = reason ?? this.#reason;
    this.#feed({ kind: 'hang-up' });
  }

  #comesBackOn(flow: Flow): void {
    if (flow.id === this.#flow.id) return;
    const { signalling } = this.#options.environment;
    signalling.holdFlow(flow.id);
    signalling.releaseFlow(this.#flow.id);
    this.#flow = flow;
  }

  /** @returns the verdict on a modification */
  #feed(input: InviteDialogInput): 'process' | 'glare' | 'busy' | 'over' | undefined {
    let verdict: 'process' | 'glare' | 'busy' | 'over' | undefined;
    for (const output of this.#machine.handle(input)) {
      if (output.kind === 'modification') verdict = output.verdict;
      else this.#perform(output);
    }
    return verdict;
  }

  #perform(output: Exclude<InviteDialogOutput, { readonly kind: 'modification' }>): void {
    switch (output.kind) {
      case 'start-timer':
        this.#startTimer(output.timer, output.afterMs);
        return;
      case 'stop-timer':
        this.#timers.get(output.timer)?.stop();
        return;
      case 'repeat-response':
        this.#repeatAnswer();
        return;
      case 'send-bye':
        this.#sendBye();
        return;
      case 'refuse-invite':
        this.#options.invite.respond({ status: 487, headers: [['Server', PRODUCT]] });
        return;
      case 'tell-user':
        this.#tell(output.event);
        return;
      case 'state-changed':
        if (output.to === 'terminated') this.#terminate();
        return;
      default:
        assertNever(output, 'INVITE dialog output');
    }
  }

  #startTimer(timer: InviteDialogTimer, afterMs: number): void {
    const fire = (): void => {
      if (timer === 'give-up') this.#reason ??= NO_ACK;
      this.#feed({ kind: 'timer-fired', timer });
    };
    this.#timers.set(timer, this.#options.environment.timers.start(afterMs, fire));
  }

  #repeatAnswer(): void {
    if (!this.#answered) return;
    const { transaction, parts } = this.#answered;
    const wire = formatResponse(transaction.request, parts, transaction.flow.peer);
    this.#options.environment.signalling.repeat(transaction, wire);
  }

  #sendBye(): void {
    const { dialog, environment } = this.#options;
    const bye = dialog.request('BYE', [
      ['Reason', this.#reason ?? NORMAL_CLEARING],
      ['User-Agent', PRODUCT],
    ]);
    const over = (): void => {
      this.#feed({ kind: 'bye-answered' });
    };
    environment.signalling.send(bye, dialog.route(this.#flow.id), { final: over, failed: over });
  }

  #tell(event: 'acknowledged' | 'never-acknowledged' | 'cancelled' | 'hung-up'): void {
    const { events } = this.#options;
    switch (event) {
      case 'acknowledged':
        events.acknowledged(this.#ack);
        return;
      case 'never-acknowledged':
        events.neverAcknowledged();
        return;
      case 'cancelled':
        events.cancelled();
        return;
      case 'hung-up':
        events.hungUp();
        return;
      default:
        assertNever(event, 'INVITE dialog event');
    }
  }

  #terminate(): void {
    this.#answered = undefined;
    this.#options.environment.signalling.releaseFlow(this.#flow.id);
    this.#options.events.terminated();
  }
}
