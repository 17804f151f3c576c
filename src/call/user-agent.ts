import { UmError } from '../base/errors.js';
import { PRODUCT } from '../base/version.js';
import type { CallReport } from '../mailbox/control-protocol.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import type { CallAnswering } from '../routing/call-resolution.js';
import { resolveCall } from '../routing/call-resolution.js';
import { redirectContact } from '../routing/redirect.js';
import { answerStateless } from '../routing/stateless-server.js';
import type { CallEnvironment } from './call-environment.js';
import type { CallPlace } from './call-limit.js';
import { dialogId } from './dialog.js';
import { IncomingCall } from './incoming-call.js';
import { type PeerDescription, readPeerDescription } from './media-negotiation.js';
import { readSdpBody, refuse } from './refuse.js';
import type { IncomingTransaction, SignallingUser } from './signalling-port.js';

/** Whether new calls are taken, sent to the successor on another port of this machine, or refused. */
export type Admission =
  | { readonly kind: 'open' }
  | { readonly kind: 'redirect'; readonly port: number }
  | { readonly kind: 'closed'; readonly detail: string };

/** All calls of a worker: brings each request to its call, and makes a call of each INVITE that finds a mailbox. */
export class UserAgent implements SignallingUser {
  readonly #environment: CallEnvironment;
  readonly #calls = new Map<string, IncomingCall>();
  readonly #whenIdle = new Set<() => void>();
  #admission: Admission = { kind: 'open' };

  constructor(environment: CallEnvironment) {
    this.#environment = environment;
  }

  /** In effect for INVITEs from now on; calls that are up are not touched. */
  set admission(admission: Admission) {
    this.#admission = admission;
  }

  /** What `status` shows. */
  get reports(): readonly CallReport[] {
    return [...this.#calls.values()].map((call) => call.report());
  }

  /** Ends every call: recordings are kept, then comes BYE. Resolves once all that is kept and closed; BYEs may be out. */
  async stopCalls(): Promise<void> {
    const calls = [...this.#calls.values()];
    for (const call of calls) call.stop();
    await Promise.all(calls.map((call) => call.settled()));
  }

  /** Resolves once no call is left. */
  idle(): Promise<void> {
    if (this.#calls.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenIdle.add(resolve);
    });
  }

  onRequest(transaction: IncomingTransaction): void {
    const { request } = transaction;
    const call = this.#callOf(request);
    if (call) call.onRequest(transaction);
    else this.#onStranger(transaction);
  }

  onAck(request: SipRequest, flow: Flow): void {
    this.#callOf(request)?.onAck(request, flow);
  }

  onCancel(invite: IncomingTransaction): void {
    for (const call of this.#calls.values()) {
      if (call.isBegunBy(invite)) call.onCancel();
    }
  }

  #callOf(request: SipRequest): IncomingCall | undefined {
    const { toTag } = request;
    return toTag === undefined ? undefined : this.#calls.get(dialogId(request.callId, toTag, request.fromTag ?? ''));
  }

  /** A request of no call of ours: the router would answer it alike, except an INVITE that resolves. */
  #onStranger(transaction: IncomingTransaction): void {
    const { request, flow } = transaction;
    const directory = this.#environment.directory();
    const answer = answerStateless(request, flow, directory);
    switch (answer.kind) {
      case 'none':
        return;
      case 'respond':
        transaction.respond(answer.parts);
        return;
      case 'refuse':
        refuse(transaction, new UmError(answer.code, answer.detail), this.#environment);
        return;
      case 'redirect':
        this.#onInvite(transaction);
        return;
    }
  }

  #onInvite(transaction: IncomingTransaction): void {
    const { request, flow } = transaction;
    try {
      const resolution = resolveCall(request, flow, this.#environment.directory());
      if (resolution.kind === 'refuse') throw new UmError(resolution.code, resolution.detail);
      const body = readSdpBody(request);
      const offer = body === undefined ? undefined : readPeerDescription(body, flow.local.address);
      checkMediaSecurity(resolution);
      this.#admit(transaction, resolution, offer);
    } catch (error) {
      refuse(transaction, error, this.#environment);
    }
  }

  #admit(transaction: IncomingTransaction, resolution: CallAnswering, offer: PeerDescription | undefined): void {
    const admission = this.#admission;
    switch (admission.kind) {
      case 'open':
        this.#begin(transaction, resolution, offer);
        return;
      case 'redirect':
        this.#redirect(transaction, admission.port);
        return;
      case 'closed':
        throw new UmError('draining', admission.detail);
    }
  }

  #redirect(transaction: IncomingTransaction, port: number): void {
    const { request, flow } = transaction;
    const host = this.#environment.config().advertisedAddress;
    const contact = redirectContact(request, flow, { port, ...(host === undefined ? {} : { host }) });
    transaction.respond({ status: 302, headers: [['Contact', contact], ['Server', PRODUCT]] }); // prettier-ignore
  }

  #begin(invite: IncomingTransaction, resolution: CallAnswering, offer: PeerDescription | undefined): void {
    const place = this.#takePlace();
    let call: IncomingCall;
    try {
      call = new IncomingCall({
        invite,
        resolution,
        offer,
        place,
        environment: this.#environment,
        onOver: (over) => {
          this.#onOver(over);
        },
      });
    } catch (error) {
      place.release();
      throw error;
    }
    this.#calls.set(call.id, call);
    void call.setUp();
    this.#environment.onCallsChanged();
  }

  /** @throws UmError 'too-many-calls' */
  #takePlace(): CallPlace {
    const { limit, directory } = this.#environment;
    const allowed = directory()?.settings.maxCallsAllowed ?? 0;
    const place = limit.take(allowed);
    if (!place) throw new UmError('too-many-calls', `MaxCallsAllowed is ${String(allowed)}`);
    return place;
  }

  #onOver(call: IncomingCall): void {
    this.#calls.delete(call.id);
    this.#environment.onCallsChanged();
    if (this.#calls.size > 0) return;
    for (const resolve of this.#whenIdle) resolve();
    this.#whenIdle.clear();
  }
}

/** Step 3 with the SDP: a Secured dial plan wants SRTP, which no stream of ours has yet. */
function checkMediaSecurity({ dialPlan }: CallAnswering): void {
  if (dialPlan.voipSecurity !== 'Secured') return;
  throw new UmError('security-mismatch', `dial plan "${dialPlan.name}" is Secured, the media would be in the clear`);
}
