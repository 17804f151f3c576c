import type { StartedTimer } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import { PRODUCT } from '../base/version.js';
import type { CallReport } from '../mailbox/control-protocol.js';
import type { MessageFacts } from '../mailbox/message.js';
import { CallEnded } from '../menus/call.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import type { ResponseParts } from '../protocol/sip/response.js';
import { formatHost } from '../protocol/sip/uri.js';
import type { CallAnswering } from '../routing/call-resolution.js';
import { parseNameAddress } from '../protocol/sip/name-address.js';
import { ACCEPT, ALLOW, SUPPORTED } from '../routing/capabilities.js';
import { advertisedHost } from '../routing/redirect.js';
import { CallAudio } from './call-audio.js';
import type { CallEnvironment } from './call-environment.js';
import { answeringOptions, factsOf, longestCallMs } from './call-facts.js';
import type { CallPlace } from './call-limit.js';
import { logCallAnswered, logCallCancelled, logCallEnded } from './call-log.js';
import { type CallEnding, CallSession } from './call-session.js';
import { DialogLeg } from './dialog-leg.js';
import { Dialog } from './dialog.js';
import { MediaNegotiation, type PeerDescription, readPeerDescription } from './media-negotiation.js';
import { logFault, readSdpBody, refuse } from './refuse.js';
import type { IncomingTransaction } from './signalling-port.js';

export interface IncomingCallOptions {
  readonly invite: IncomingTransaction;
  readonly resolution: CallAnswering;
  /** Absent: the caller leaves the offer to us. */
  readonly offer: PeerDescription | undefined;
  readonly place: CallPlace;
  readonly environment: CallEnvironment;
  /** Told once: nothing of the call is left, neither dialog nor media nor recording. */
  onOver(call: IncomingCall): void;
}

/**
 * A BYE waits no longer than this for the message to be kept: the peer gives up after 64*T1, 32 s (RFC 3261 section 17.1.2.2,
 * timer F), and is told by 100 Trying meanwhile (RFC 4320 section 4.1).
 */
const BYE_ANSWER_MS = 20_000;

/** Why the server ended a call: the Reason header of its BYE (RFC 3326). */
const REASONS: Readonly<Partial<Record<CallEnding, string>>> = {
  'max-call-duration': 'Q.850;cause=16;text="MaxCallDuration is over"',
  stopped: 'Q.850;cause=41;text="The server is being stopped"',
  'answer-unusable': 'SIP;cause=488;text="The session description cannot be used"',
  'internal-fault': 'SIP;cause=500;text="Internal fault"',
};

/**
 * One call, from the INVITE that found its mailbox until nothing of it is left: dialog, offer and answer, media, voice menu.
 *
 * ```text
 *   room on disk? -- RTP port -- 180, 200 -- menu plays, records --+-- caller's BYE ----+-- keep -- RTP port back -- over
 *        |              |            |                             +-- menu hangs up ---+
 *        `--------------+-- CANCEL   `-- (our offer: menu waits    `-- longest call, ---+
 *           refused, or 487              for the ACK's answer)         server stops
 * ```
 *
 * Who closes whom: the end of the session ends the dialog (BYE), the end of the dialog ends the session; whichever comes first,
 * the menu settles what was recorded, then the media session is closed, and the call is over when the dialog is, too.
 */
export class IncomingCall {
  /** Key of the table of calls. */
  readonly id: string;
  readonly #options: IncomingCallOptions;
  readonly #environment: CallEnvironment;
  readonly #facts: MessageFacts;
  readonly #dialog: Dialog;
  readonly #leg: DialogLeg;
  readonly #audio = new CallAudio();
  #negotiation: MediaNegotiation | undefined;
  #session: CallSession | undefined;
  #progress: 'setting-up' | 'answered' | 'in-menu' | 'settled' = 'setting-up';
  readonly #whenSettled: (() => void)[] = [];
  readonly #unansweredByes = new Set<() => void>();
  #isKept = false;
  #dialogState: 'open' | 'terminated' = 'open';
  /** An offer of ours is out, and its answer has not come. */
  #offers = false;
  #longest: StartedTimer | undefined;
  #answeredAtMs = 0;

  /** @throws SipSyntaxError when the INVITE's Contact or Record-Route cannot be used */
  constructor(options: IncomingCallOptions) {
    const { invite, resolution, environment } = options;
    this.#options = options;
    this.#environment = environment;
    this.#facts = factsOf(resolution, invite.request.callId, environment);
    this.#dialog = Dialog.asServer(invite.request, invite.request.toTag ?? environment.random.hex(8));
    this.id = this.#dialog.id;
    this.#leg = new DialogLeg({
      invite,
      dialog: this.#dialog,
      environment,
      events: {
        acknowledged: (ack) => {
          this.#onAcknowledged(ack);
        },
        cancelled: () => {
          logCallCancelled(environment.log, this.#facts);
        },
        hungUp: () => {
          this.#session?.end('caller-hung-up');
        },
        neverAcknowledged: () => {
          this.#session?.end('never-acknowledged');
        },
        terminated: () => {
          this.#dialogState = 'terminated';
          if (this.#session === undefined) options.place.release();
          this.#checkOver();
        },
      },
    });
  }

  /** True for the INVITE that began this call. */
  isBegunBy(invite: IncomingTransaction): boolean {
    return invite.id === this.#options.invite.id;
  }

  /** Checks for room, opens media and answers. Everything that goes wrong is told to the caller; never rejects. */
  async setUp(): Promise<void> {
    const { spool, media } = this.#environment;
    try {
      await spool.checkRoom();
      if (!this.#leg.isEarly()) return;
      this.#audio.attach(await media.open(this.#localAddress, this.#audio));
      if (this.#leg.isEarly()) this.#answer();
    } catch (error) {
      this.#onSetUpFailed(error);
    } finally {
      if (this.#session === undefined) await this.#settleUnanswered();
    }
  }

  onRequest(transaction: IncomingTransaction): void {
    const { method } = transaction.request;
    if (!this.#leg.admit(transaction)) return;
    if (method === 'BYE') this.#onBye(transaction);
    else if (method === 'INVITE' || method === 'UPDATE') this.#modify(transaction);
    else if (method === 'OPTIONS')
      transaction.respond({ status: 200, headers: [...this.#headers(), ['Accept', ACCEPT]] });
    else refuse(transaction, new UmError('method-not-allowed', `the method is ${method}`), this.#environment);
  }

  onAck(ack: SipRequest, flow: Flow): void {
    this.#leg.onAck(ack, flow);
  }

  onCancel(): void {
    this.#leg.onCancel();
  }

  /** Ends the call from outside: what was recorded is kept, then comes BYE. A call that is not answered yet is refused. */
  stop(): void {
    if (this.#session) this.#session.end('stopped');
    else this.#leg.refuse(new UmError('draining', 'the server ends at once'));
  }

  /** Resolves once nothing is left to be kept or closed but the dialog. */
  settled(): Promise<void> {
    if (this.#progress === 'settled') return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenSettled.push(resolve);
    });
  }

  report(): CallReport {
    const { callId, callerNumber, callerName, mailboxAddress, calledExtension, startedAtMs } = this.#facts;
    return {
      callId,
      from: callerNumber,
      callerName,
      mailbox: mailboxAddress,
      extension: calledExtension,
      startedAt: new Date(startedAtMs).toISOString(),
      state: this.#state(),
      gateway: this.#options.resolution.gateway.name,
    };
  }

  get #localAddress(): string {
    return this.#options.invite.flow.local.address;
  }

  #state(): CallReport['state'] {
    if (!this.#session) return 'ringing';
    if (this.#session.ended.aborted) return 'ending';
    return this.#session.isRecording ? 'recording' : 'answering';
  }

  /** Answers BYE once the message is kept: whoever has the answer has left it, whatever dies then. */
  #onBye(transaction: IncomingTransaction): void {
    this.#leg.onBye();
    const answer = (): void => {
      impatience.stop();
      if (!this.#unansweredByes.delete(answer)) return;
      transaction.respond({ status: 200, headers: [['Server', PRODUCT]] });
    };
    const impatience = this.#environment.timers.start(BYE_ANSWER_MS, answer);
    this.#unansweredByes.add(answer);
    if (!this.#session || this.#isKept) answer();
  }

  /** Nothing of the call can be lost any more. */
  #onKept(): void {
    this.#isKept = true;
    for (const answer of this.#unansweredByes) answer();
  }

  /** 180, then 200 with our answer, or with our offer when the INVITE has none. */
  #answer(): void {
    const { invite, offer, resolution } = this.#options;
    const { random, config, log, clock, timers } = this.#environment;
    const negotiation = new MediaNegotiation({
      address: advertisedHost(invite.flow, config().advertisedAddress),
      localAddress: this.#localAddress,
      port: this.#audio.localPort,
      sessionId: String(random.integer(2 ** 31)),
      strictMedia: resolution.gateway.strictMedia,
    });
    this.#negotiation = negotiation;
    this.#session = new CallSession({
      facts: this.#facts,
      audio: this.#audio,
      spool: this.#environment.spool,
      log,
      onEnded: (ending) => {
        this.#onSessionEnded(ending);
      },
      onProgress: () => {
        this.#environment.onCallsChanged();
      },
    });
    this.#answeredAtMs = clock.nowMs();
    this.#longest = timers.start(longestCallMs(resolution), () => {
      this.#session?.end('max-call-duration');
    });
    this.#progress = 'answered';
    invite.respond(this.#response(180));
    this.#leg.answer(invite, this.#response(200, this.#describe(offer)), this.#offers);
    logCallAnswered(log, this.#facts, invite.flow, this.#audio.parameters);
    if (offer) this.#beginMenu();
    this.#environment.onCallsChanged();
  }

  /** The body that answers an offer, or an offer of ours when there is none. */
  #describe(offer: PeerDescription | undefined): string | undefined {
    const negotiation = this.#negotiation;
    if (!negotiation) return undefined;
    this.#offers = offer === undefined;
    if (offer === undefined) return negotiation.offer();
    const { sdp, parameters } = negotiation.answer(offer);
    this.#audio.configure(parameters);
    return sdp;
  }

  /** re-INVITE and UPDATE: hold, resume, another codec, another address (RFC 3261 §14.2, RFC 3311 §5.2). All of it or nothing. */
  #modify(transaction: IncomingTransaction): void {
    const { request } = transaction;
    try {
      const body = readSdpBody(request);
      if (!this.#leg.mayModify(transaction, body !== undefined)) return;
      const offer = body === undefined ? undefined : readPeerDescription(body, this.#localAddress);
      this.#dialog.refreshTarget(request);
      if (request.method === 'INVITE') {
        const sdp = this.#describe(offer);
        this.#leg.answer(transaction, this.#response(200, sdp), this.#offers);
      } else {
        transaction.respond(this.#response(200, offer && this.#describe(offer)));
      }
    } catch (error) {
      refuse(transaction, error, this.#environment);
    }
  }

  #onAcknowledged(ack: SipRequest | undefined): void {
    if (this.#offers && ack) this.#takeAnswer(ack);
    if (this.#progress === 'answered' && this.#session?.ended.aborted === false) this.#beginMenu();
  }

  /** The answer to our offer, in the ACK of a 2xx. Without one a call that was up goes on as before; a new one cannot. */
  #takeAnswer(ack: SipRequest): void {
    this.#offers = false;
    const negotiation = this.#negotiation;
    try {
      const body = readSdpBody(ack);
      if (body === undefined) throw new UmError('offer-unusable', 'the ACK has no answer to our offer');
      if (negotiation) this.#audio.configure(negotiation.accept(readPeerDescription(body, this.#localAddress)));
    } catch (error) {
      const { callId } = this.#facts;
      const reason = error instanceof Error ? error.message : String(error);
      this.#environment.log.warn(
        { event: 'answer-unusable', callId, reason },
        'the answer to our offer cannot be used',
      );
      if (negotiation?.terms === undefined) this.#session?.end('answer-unusable');
    }
  }

  #beginMenu(): void {
    const session = this.#session;
    if (!session) return;
    const { environment, resolution } = this.#options;
    const options = answeringOptions(resolution, environment.config().dataDirectory);
    this.#conclude(session, environment.answer(session, options));
  }

  /** The session is over, by whatever cause. What the menu hung up is told to the caller at once, the rest after it has settled. */
  #onSessionEnded(ending: CallEnding): void {
    this.#longest?.stop();
    this.#options.place.release();
    if (ending === 'hung-up') this.#leg.hangUp(REASONS[ending]);
    const session = this.#session;
    // Answered, and never heard by anybody: that it came is all there is to keep.
    if (session && this.#progress === 'answered') this.#conclude(session, session.leaveMissedCall());
    this.#environment.onCallsChanged();
  }

  /** Waits for the menu, then ends whatever is left. */
  #conclude(session: CallSession, menu: Promise<void>): void {
    this.#progress = 'in-menu';
    const { log } = this.#environment;
    void menu
      .catch((error: unknown) => {
        this.#onMenuFailed(session, error);
      })
      .then(() => session.rescue())
      .then(() => {
        this.#onKept();
        session.end('hung-up');
        this.#leg.hangUp(REASONS[session.ending ?? 'hung-up']);
        return this.#audio.close();
      })
      .then((statistics) => {
        logCallEnded(log, session, this.#environment.clock.nowMs() - this.#answeredAtMs, statistics);
      })
      .catch((error: unknown) => {
        logFault(log, this.#facts.callId, error);
      })
      .finally(() => {
        this.#settle();
      });
  }

  /** A menu may pass on the call's end; anything else ends the call, and {@link CallSession.rescue} keeps what was recorded. */
  #onMenuFailed(session: CallSession, error: unknown): void {
    if (error instanceof CallEnded) return;
    const { log } = this.#environment;
    const { callId, id } = this.#facts;
    if (error instanceof UmError) {
      const facts = { event: 'message-not-kept', callId, message: id, code: error.code, reason: error.detail };
      log.error(facts, 'what the call should leave behind could not be written');
    } else logFault(log, callId, error);
    session.end('internal-fault');
  }

  #onSetUpFailed(error: unknown): void {
    if (this.#leg.isEarly()) {
      this.#session = undefined;
      this.#leg.refuse(error);
    } else {
      logFault(this.#environment.log, this.#facts.callId, error);
      this.#session?.end('internal-fault');
    }
  }

  /** Cancelled or refused while it was set up. */
  async #settleUnanswered(): Promise<void> {
    this.#longest?.stop();
    try {
      await this.#audio.close();
    } catch (error) {
      logFault(this.#environment.log, this.#facts.callId, error);
    }
    this.#settle();
  }

  #settle(): void {
    this.#progress = 'settled';
    this.#onKept();
    for (const resolve of this.#whenSettled.splice(0)) resolve();
    this.#checkOver();
  }

  #checkOver(): void {
    if (this.#dialogState === 'terminated' && this.#progress === 'settled') this.#options.onOver(this);
  }

  #response(status: number, sdp?: string): ResponseParts {
    return {
      status,
      toTag: this.#dialog.localTag,
      headers: this.#headers(),
      ...(sdp === undefined ? {} : { body: { type: ACCEPT, content: sdp } }),
    };
  }

  #headers(): NonNullable<ResponseParts['headers']> {
    const { flow, request } = this.#options.invite;
    const host = formatHost(advertisedHost(flow, this.#environment.config().advertisedAddress));
    const scheme = asksForSips(request) ? 'sips' : 'sip';
    return [
      ['Contact', `<${scheme}:${host}:${String(flow.local.port)};transport=${flow.transport}>`],
      ['Allow', ALLOW],
      ['Supported', SUPPORTED],
      ['Server', PRODUCT],
    ];
  }
}

/** RFC 3261 section 12.1.1: then our Contact is a SIPS URI, too. */
function asksForSips(invite: SipRequest): boolean {
  const [topRoute] = invite.list('record-route');
  const isSips = (uri: string): boolean => uri.toLowerCase().startsWith('sips:');
  return isSips(invite.requestUri) || isSips(parseNameAddress(topRoute ?? invite.header('contact') ?? '<>').uri);
}
