import { hostname } from 'node:os';
import type { MonotonicClock, Timers } from '../../base/clock.js';
import type { ErrorCode } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type {
  IncomingTransaction,
  OutgoingTransaction,
  RequestRoute,
  ResponseListener,
  SignallingPort,
  SignallingUser,
} from '../../call/signalling-port.js';
import { hostPortText, type Flow } from '../../protocol/sip/flow.js';
import {
  messageFault,
  type SipFault,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from '../../protocol/sip/message.js';
import type { RequestParts } from '../../protocol/sip/request.js';
import { formatResponse } from '../../protocol/sip/response.js';
import { monotonicClock } from '../clock.js';
import { ClientTransactions } from './client-transactions.js';
import type { MessageWay } from './flow-finder.js';
import { guarded } from './guard.js';
import { MessageSender } from './message-sender.js';
import { MessageRefuser } from './refused-message.js';
import { screenRequest } from './request-screening.js';
import { Incoming } from './server-transaction.js';
import { ServerTransactions } from './server-transactions.js';
import type { SipReceiver } from './sip-receiver.js';
import { SipTransport } from './sip-transport.js';

export interface SipStackOptions {
  /** Told of requests; what it throws is logged, and answered with 500. */
  readonly user: SignallingUser;
  readonly log: Logger;
  readonly timers: Timers;
  readonly random: Random;
  /** The process's own when omitted. */
  readonly clock?: MonotonicClock;
  /** `host:port` in the Via of our requests; the flow's local address and the port listened on when omitted. */
  readonly sentBy?: (flow: Flow) => string;
  /** LIMITS.sipConnections when omitted. */
  readonly maxConnections?: number;
  /** LIMITS.sipServerTransactions when omitted. */
  readonly maxServerTransactions?: number;
  /** Named in ms-diagnostics; the machine's name when omitted. */
  readonly serverName?: string;
}

/**
 * The transaction layer of SIP (RFC 3261 §17) over TCP: what a call sends through, and what tells its owner of requests.
 *
 * ```text
 *                  SignallingUser / ResponseListener
 *                     ^                        |
 *      onRequest,     |                        |  respond, send
 *      final ...      |                        v
 *   +------------------------------------------------------+
 *   | SipStack: refuses what is not sound, matches the rest |
 *   |  ServerTransactions           ClientTransactions      |
 *   |  one run loop a machine       one run loop a machine  |
 *   +------------------------------------------------------+
 *                     ^                        |
 *      onMessage      |                        |  MessageSender: the flow, else a new one
 *                     |                        v
 *                        SipTransport
 * ```
 *
 * Owns its transport; `close` ends both.
 */
export class SipStack implements SignallingPort, SipReceiver {
  readonly transport: SipTransport;
  readonly #user: SignallingUser;
  readonly #log: Logger;
  readonly #refuser: MessageRefuser;
  readonly #servers: ServerTransactions;
  readonly #clients: ClientTransactions;

  constructor(options: SipStackOptions) {
    const { log, timers, random } = options;
    const serverName = options.serverName ?? hostname();
    this.#user = options.user;
    this.#log = log;
    this.#refuser = new MessageRefuser(log, serverName);
    this.transport = new SipTransport({
      log,
      timers,
      serverName,
      clock: options.clock ?? monotonicClock,
      receiver: this,
      ...(options.maxConnections === undefined ? {} : { maxConnections: options.maxConnections }),
    });
    const sender = new MessageSender(this.transport, log);
    const sentBy = options.sentBy ?? ((flow) => this.#ownEnd(flow));
    this.#clients = new ClientTransactions({ log, timers, random, sender, sentBy });
    this.#servers = new ServerTransactions({
      log,
      timers,
      ...(options.maxServerTransactions === undefined ? {} : { limit: options.maxServerTransactions }),
      send: (way, wire, failed) => {
        sender.send(way, wire, { failed });
      },
      onAck: (ack, flow) => {
        this.#tellOfAck(ack, flow);
      },
    });
  }

  /** Transactions that are not over. */
  get transactionCount(): number {
    return this.#servers.count + this.#clients.count;
  }

  send(request: RequestParts, route: RequestRoute, listener: ResponseListener): OutgoingTransaction {
    return this.#clients.begin({ parts: request, way: wayOf(route), listener });
  }

  sendAck(request: RequestParts, route: RequestRoute): void {
    this.#clients.sendAck(request, wayOf(route));
  }

  repeat(transaction: IncomingTransaction, wire: string): void {
    if (transaction instanceof Incoming) transaction.repeat(wire);
  }

  holdFlow(flowId: string): void {
    this.transport.holdFlow(flowId);
  }

  releaseFlow(flowId: string): void {
    this.transport.releaseFlow(flowId);
  }

  /** Ends all transactions, whose waiting users are told, then the transport. */
  async close(): Promise<void> {
    this.#servers.stop();
    this.#clients.stop();
    await this.transport.close();
  }

  onMessage(message: SipMessage, flow: Flow): void {
    if (message.kind === 'request') this.#onRequest(message, flow);
    else this.#onResponse(message, flow);
  }

  /** The transport has answered and logged it: no transaction is touched. */
  onFault(code: ErrorCode, detail: string, flow: Flow): void {
    this.#log.debug({ event: 'fault-answered', code, detail, flow: flow.id }, 'The transport refused a message');
  }

  onFlowClosed(flow: Flow): void {
    this.#clients.flowClosed(flow);
  }

  #onRequest(request: SipRequest, flow: Flow): void {
    const fault = messageFault(request);
    if (fault !== undefined) this.#refuse(request, fault, flow);
    else if (request.method === 'ACK') this.#onAck(request, flow);
    else if (request.method === 'CANCEL') this.#onCancel(request, flow);
    else this.#onOtherRequest(request, flow);
  }

  #onOtherRequest(request: SipRequest, flow: Flow): void {
    const known = this.#servers.matching(request);
    if (known !== undefined) {
      known.retransmitted();
      return;
    }
    if (!this.#servers.hasRoomFor(request)) {
      this.#refuseForRoom(request, flow);
      return;
    }
    const fault = screenRequest(request) ?? this.#mergeFault(request);
    if (fault !== undefined) {
      this.#refuse(request, fault, flow);
      return;
    }
    const transaction = this.#servers.begin({ request, flow });
    const { incoming } = transaction;
    if (incoming === undefined) return;
    // RFC 3261 §17.2.1: at once, so that the peer stops retransmitting and does not hunt on.
    if (request.method === 'INVITE') incoming.respond({ status: 100 });
    const handled = guarded(this.#log, `onRequest ${request.method}`, () => {
      this.#user.onRequest(incoming);
    });
    if (!handled) this.#answerFault(incoming);
  }

  /** Without transaction and without log line: there may be thousands a second (RFC 3261 §8.2.7, §21.5.4). */
  #refuseForRoom(request: SipRequest, flow: Flow): void {
    const fault: SipFault = { code: 'overloaded', detail: `the ${request.method} was not looked at` };
    this.transport.send(flow.id, this.#refuser.refuseUnlogged(request, fault, flow));
  }

  #mergeFault(request: SipRequest): SipFault | undefined {
    if (!this.#servers.isMerged(request)) return undefined;
    return { code: 'loop-detected', detail: 'From tag, Call-ID and CSeq are those of a request at hand' };
  }

  #answerFault(incoming: IncomingTransaction): void {
    guarded(this.#log, 'answering a fault', () => {
      incoming.respond(this.#refuser.parts({ code: 'internal-fault', detail: 'the request could not be handled' }));
    });
  }

  #onAck(ack: SipRequest, flow: Flow): void {
    const transaction = this.#servers.matching(ack);
    if (transaction !== undefined) transaction.acknowledged(ack, flow);
    else this.#tellOfAck(ack, flow);
  }

  #tellOfAck(ack: SipRequest, flow: Flow): void {
    guarded(this.#log, 'onAck', () => {
      this.#user.onAck(ack, flow);
    });
  }

  /** RFC 3261 §9.2: answered hop by hop; without effect on an INVITE that has its final response. */
  #onCancel(cancel: SipRequest, flow: Flow): void {
    const transaction = this.#servers.cancelledBy(cancel);
    if (transaction === undefined) {
      const detail = 'the CANCEL matches no INVITE at hand';
      this.#refuse(cancel, { code: 'dialog-unknown', detail }, flow);
      return;
    }
    const { incoming, toTag } = transaction;
    this.transport.send(flow.id, formatResponse(cancel, { status: 200, toTag }, flow.peer));
    if (incoming === undefined) return;
    guarded(this.#log, 'onCancel', () => {
      this.#user.onCancel(incoming);
    });
  }

  #onResponse(response: SipResponse, flow: Flow): void {
    const fault = messageFault(response);
    if (fault !== undefined) {
      this.#refuser.log(fault, flow, { status: response.status, callId: response.header('call-id') });
      return;
    }
    if (this.#clients.heard({ response, flow })) return;
    this.#log.debug(
      { event: 'stray-response', peer: hostPortText(flow.peer), status: response.status, callId: response.callId },
      'Dropped a response that answers no request of ours',
    );
  }

  #refuse(request: SipRequest, fault: SipFault, flow: Flow): void {
    const response = this.#refuser.refuse(request, fault, flow);
    if (response !== undefined) this.transport.send(flow.id, response);
  }

  /** Where peers reach us: the address they see, and the port listened on. */
  #ownEnd({ local }: Flow): string {
    return hostPortText({ address: local.address, port: this.transport.listeningPort ?? local.port });
  }
}

function wayOf({ preferredFlowId, transport, destination }: RequestRoute): MessageWay {
  return { flowId: preferredFlowId, transport, destination };
}
