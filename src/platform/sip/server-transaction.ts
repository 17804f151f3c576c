import type { Timers } from '../../base/clock.js';
import { PRODUCT } from '../../base/version.js';
import type { IncomingTransaction } from '../../call/signalling-port.js';
import type { Flow } from '../../protocol/sip/flow.js';
import type { SipRequest } from '../../protocol/sip/message.js';
import type { HeaderLine } from '../../protocol/sip/request.js';
import { formatResponse, type ResponseParts } from '../../protocol/sip/response.js';
import { statelessTag } from '../../protocol/sip/stateless-tag.js';
import type { MessageWay } from './flow-finder.js';
import { inviteServerLoop, nonInviteServerLoop, type ServerLoop } from './server-loop.js';

/** RFC 3261 §18.1.1: where a response goes whose Via names no port. */
const DEFAULT_PORT = { tcp: 5060, udp: 5060, tls: 5061 } as const;

/** What server transactions are run with. */
export interface ServerTransactionHost {
  readonly timers: Timers;
  /** `failed`: called later, when the message could not be sent in any way. */
  send(way: MessageWay, wire: string, failed: () => void): void;
  onAck(ack: SipRequest, flow: Flow): void;
  onTerminated(transaction: ServerTransaction): void;
}

/** A request as it arrived. */
export interface HeardRequest {
  readonly request: SipRequest;
  readonly flow: Flow;
}

/**
 * One server transaction of the table of transactions. After its final response it no longer holds the request: a 2xx is
 * remembered for 32 s (RFC 6026 §7.1), which at hundreds of calls a second must cost little.
 */
export class ServerTransaction {
  readonly key: string;
  readonly mergeKey: string | undefined;
  readonly #host: ServerTransactionHost;
  readonly #way: MessageWay;
  readonly #loop: ServerLoop;
  #incoming: Incoming | undefined;
  #toTag: string;

  /**
   * @param key - what its retransmissions have in common with it
   * @param mergeKey - what another copy of the request, come by another way, has in common with it
   */
  constructor(heard: HeardRequest, key: string, mergeKey: string | undefined, host: ServerTransactionHost) {
    const { request, flow } = heard;
    this.key = key;
    this.mergeKey = mergeKey;
    this.#host = host;
    this.#way = responseWay(heard);
    this.#toTag = request.toTag ?? statelessTag(request.callId);
    this.#incoming = new Incoming(heard, this);
    const reliable = flow.transport !== 'udp';
    const makeLoop = request.method === 'INVITE' ? inviteServerLoop : nonInviteServerLoop;
    this.#loop = makeLoop(host.timers, reliable, {
      send: (wire) => {
        this.#send(wire);
      },
      acknowledged: (ack, ackFlow) => {
        host.onAck(ack, ackFlow);
      },
      answerIsLate: () => {
        this.#incoming?.respond({ status: 100 });
      },
      answered: () => {
        this.#incoming = undefined;
      },
      terminated: () => {
        this.#loop.stop();
        host.onTerminated(this);
      },
    });
  }

  /** What its user knows it by, until there is a final response. */
  get incoming(): IncomingTransaction | undefined {
    return this.#incoming;
  }

  /** The tag of our responses: the one last given, else one computed. */
  get toTag(): string {
    return this.#toTag;
  }

  /** Address of the machine that it is of. */
  get peerAddress(): string {
    return this.#way.destination.address;
  }

  retransmitted(): void {
    this.#loop.retransmitted();
  }

  acknowledged(ack: SipRequest, flow: Flow): void {
    this.#loop.acknowledged(ack, flow);
  }

  /** Sends a response made of parts; see IncomingTransaction.respond. */
  respond({ request, flow }: HeardRequest, parts: ResponseParts): void {
    if (parts.toTag !== undefined) this.#toTag = parts.toTag;
    const tagged = parts.status === 100 ? parts : { ...parts, toTag: this.#toTag };
    const wire = formatResponse(request, { ...tagged, headers: withServer(parts.headers ?? []) }, flow.peer);
    this.#loop.respond(parts.status, wire);
  }

  /** Sends a 2xx again that the user keeps; nothing once the transaction is over, when nobody waits for it any more. */
  repeat(wire: string): void {
    this.#loop.respond(200, wire);
  }

  stop(): void {
    this.#loop.stop();
  }

  #send(wire: string): void {
    this.#host.send(this.#way, wire, () => {
      this.#loop.transportFailed();
    });
  }
}

/** The face of a server transaction towards its user. */
export class Incoming implements IncomingTransaction {
  readonly id: string;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly #transaction: ServerTransaction;

  constructor({ request, flow }: HeardRequest, transaction: ServerTransaction) {
    this.id = transaction.key;
    this.request = request;
    this.flow = flow;
    this.#transaction = transaction;
  }

  respond(parts: ResponseParts): void {
    this.#transaction.respond(this, parts);
  }

  /** Sends a 2xx again (RFC 3261 §13.3.1.4). */
  repeat(wire: string): void {
    this.#transaction.repeat(wire);
  }
}

/**
 * Where responses go: the request's own flow, else a connection to the address that the request came from and the port of
 * its Via (RFC 3261 §18.2.2; the address is what `received` says).
 */
function responseWay({ request, flow }: HeardRequest): MessageWay {
  const port = request.topVia.port ?? DEFAULT_PORT[flow.transport];
  return { flowId: flow.id, transport: flow.transport, destination: { address: flow.peer.address, port } };
}

function withServer(headers: readonly HeaderLine[]): readonly HeaderLine[] {
  return headers.some(([name]) => name.toLowerCase() === 'server') ? headers : [...headers, ['Server', PRODUCT]];
}
