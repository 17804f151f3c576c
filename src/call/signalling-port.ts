import type { Flow, HostPort, SipTransport } from '../protocol/sip/flow.js';
import type { SipRequest, SipResponse } from '../protocol/sip/message.js';
import type { RequestParts } from '../protocol/sip/request.js';
import type { ResponseParts } from '../protocol/sip/response.js';

/** A request of a peer that waits for our response. */
export interface IncomingTransaction {
  readonly id: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  /** Sends a response; after a final one that is not 2xx (or any final one to a request that is no INVITE) further ones are ignored. */
  respond(parts: ResponseParts): void;
}

/** Where a request goes: on the flow named, while it is open; else on a new or reused connection to the destination. */
export interface RequestRoute {
  readonly preferredFlowId?: string;
  readonly transport: SipTransport;
  readonly destination: HostPort;
}

/** Told of one request that we sent; exactly one of `final` and `failed` is called, once (a forked INVITE's further 2xx call `final` again). */
export interface ResponseListener {
  provisional?(response: SipResponse): void;
  final(response: SipResponse, flow: Flow): void;
  failed(why: 'timeout' | 'transport'): void;
}

export interface OutgoingTransaction {
  /** Sends CANCEL for a pending INVITE (RFC 3261 §9.1); its 487 arrives as the final response. */
  cancel(): void;
}

/** What a call sends through. Via is added below: `RequestParts` of this port have none. */
export interface SignallingPort {
  send(request: RequestParts, route: RequestRoute, listener: ResponseListener): OutgoingTransaction;
  /** ACK of a 2xx: outside any transaction, repeated by the call whenever the 2xx is. */
  sendAck(request: RequestParts, route: RequestRoute): void;
  /** Repeats a 2xx that the call keeps (RFC 3261 §13.3.1.4): on the flow of the INVITE, else as responses find their way. */
  repeat(transaction: IncomingTransaction, wire: string): void;
  /** A flow that carries a dialog is never closed for idleness. */
  holdFlow(flowId: string): void;
  releaseFlow(flowId: string): void;
}

/** What a call's owner is told. */
export interface SignallingUser {
  onRequest(transaction: IncomingTransaction): void;
  /** ACK of a 2xx. */
  onAck(request: SipRequest, flow: Flow): void;
  /** The caller cancelled; 200 to the CANCEL was sent, 487 to the INVITE is the user's. */
  onCancel(invite: IncomingTransaction): void;
}
