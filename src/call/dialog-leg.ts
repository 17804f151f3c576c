import { assertNever } from '../base/assert.js';
import { UmError } from '../base/errors.js';
import { RunLoop, type TimerOutput } from '../base/run-loop.js';
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

type Output = Exclude<InviteDialogOutput, TimerOutput<InviteDialogTimer>>;

type Told = Extract<Output, { readonly kind: 'tell-user' }>['event'];

type Verdict = Extract<Output, { readonly kind: 'modification' }>['verdict'];

/** What an input of the dialog was about. */
interface Subject {
  readonly ack?: SipRequest;
  /** Takes what the dialog says of a modification. */
  readonly judge?: (verdict: Verdict) => void;
}

/**
 * Runs the {@link InviteDialog} of an incoming call over the signalling port: timers, repeated 2xx, BYE, and the connection that
 * the peer used last.
 */
export class DialogLeg {
  readonly #options: DialogLegOptions;
  readonly #machine = new InviteDialog();
  readonly #loop: RunLoop<InviteDialogTimer, InviteDialogInput, Output, Subject>;
  #flow: Flow;
  /** The INVITE whose 2xx awaits its ACK, and that 2xx. */
  #answered: { readonly transaction: IncomingTransaction; readonly parts: ResponseParts } | undefined;
  /** Value of the Reason header of our BYE, when it is no normal one. */
  #reason: string | undefined;

  constructor(options: DialogLegOptions) {
    this.#options = options;
    this.#flow = options.invite.flow;
    this.#loop = new RunLoop<InviteDialogTimer, InviteDialogInput, Output, Subject>({
      machine: this.#machine,
      timers: options.environment.timers,
      fired: (timer) => {
        if (timer === 'give-up') this.#reason ??= NO_ACK;
        return { kind: 'timer-fired', timer };
      },
      perform: (output, subject) => {
        this.#perform(output, subject);
      },
    });
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
    this.#loop.feed({ kind: 'refused' });
  }

  /**
   * Sends a 2xx to the INVITE or a re-INVITE, and repeats it until its ACK comes.
   *
   * @param offers - its body is an offer of ours, whose answer that ACK brings
   */
  answer(transaction: IncomingTransaction, parts: ResponseParts, offers: boolean): void {
    transaction.respond(parts);
    this.#answered = { transaction, parts };
    this.#loop.feed({ kind: 'answered', sequence: transaction.request.cseq.number, offers });
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
    let verdict: Verdict = 'over'; // said before `feed` returns: nobody asks from within an event of the dialog
    const judge = (word: Verdict): void => {
      verdict = word;
    };
    this.#loop.feed({ kind: 'modification-received', method, hasOffer }, { judge });
    return this.#refuseUnless(verdict, transaction);
  }

  #refuseUnless(verdict: Verdict, transaction: IncomingTransaction): boolean {
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
        return true;
      default:
        return assertNever(verdict, 'verdict');
    }
  }

  onAck(ack: SipRequest, flow: Flow): void {
    this.#comesBackOn(flow);
    this.#loop.feed({ kind: 'ack-received', sequence: ack.cseq.number }, { ack });
  }

  onCancel(): void {
    this.#loop.feed({ kind: 'cancelled' });
  }

  /** The peer ends the dialog, whatever state it is in; the call answers the BYE. */
  onBye(): void {
    this.#loop.feed({ kind: 'bye-received' });
  }

  /** Ends the dialog from our side; nothing happens when it has ended. */
  hangUp(reason: string | undefined): void {
    this.#reason = reason ?? this.#reason;
    this.#loop.feed({ kind: 'hang-up' });
  }

  /** A dialog that is over holds no connection: what still comes for its call is answered, and no more. */
  #comesBackOn(flow: Flow): void {
    if (flow.id === this.#flow.id || this.#machine.state === 'terminated') return;
    const { signalling } = this.#options.environment;
    signalling.holdFlow(flow.id);
    signalling.releaseFlow(this.#flow.id);
    this.#flow = flow;
  }

  #perform(output: Output, subject: Subject | undefined): void {
    switch (output.kind) {
      case 'modification':
        subject?.judge?.(output.verdict);
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
        this.#tell(output.event, subject?.ack);
        return;
      case 'state-changed':
        if (output.to === 'terminated') this.#terminate();
        return;
      default:
        assertNever(output, 'INVITE dialog output');
    }
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
      this.#loop.feed({ kind: 'bye-answered' });
    };
    environment.signalling.send(bye, dialog.route(this.#flow.id), { final: over, failed: over });
  }

  #tell(event: Told, ack: SipRequest | undefined): void {
    const { events } = this.#options;
    switch (event) {
      case 'acknowledged':
        events.acknowledged(ack);
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
    this.#loop.stop();
    this.#answered = undefined;
    this.#options.environment.signalling.releaseFlow(this.#flow.id);
    this.#options.events.terminated();
  }
}
