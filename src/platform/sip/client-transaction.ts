import type { Timers } from '../../base/clock.js';
import type { OutgoingTransaction, ResponseListener } from '../../call/signalling-port.js';
import type { Flow } from '../../protocol/sip/flow.js';
import { formatRequest, type RequestParts } from '../../protocol/sip/request.js';
import { ackOfRefusal, cancelOf } from '../../protocol/sip/transaction/hop-by-hop-requests.js';
import {
  type ClientLoop,
  type ClientLoopUser,
  type HeardResponse,
  inviteClientLoop,
  nonInviteClientLoop,
} from './client-loop.js';
import type { MessageWay } from './flow-finder.js';
import type { MessageSender } from './message-sender.js';

/** What client transactions are run with. */
export interface ClientTransactionHost {
  readonly timers: Timers;
  readonly sender: MessageSender;
  /** The Via of a request that goes on the flow. */
  viaFor(branch: string, flow: Flow): string;
  /** Calls the user's code, from which nothing may be thrown. */
  guarded(what: string, call: () => void): void;
  /** Begins the transaction of a CANCEL, which shares the branch and the Via of its INVITE. */
  sendCancel(cancel: RequestParts, way: MessageWay, sent: SentVia): void;
  onTerminated(transaction: ClientTransaction): void;
}

/** The top Via of a request, and the branch in it. */
export interface SentVia {
  readonly branch: string;
  /** Undefined until the flow is known. */
  readonly via: string | undefined;
}

/** A request of ours, and where it goes. */
export interface OutgoingRequest {
  readonly parts: RequestParts;
  readonly way: MessageWay;
  readonly listener: ResponseListener;
}

/**
 * One client transaction of the table of transactions. It waits for a connection when there is none. A request whose
 * connection closes before any response is sent once more on another one: it may have crossed the peer's FIN.
 */
export class ClientTransaction implements OutgoingTransaction {
  readonly branch: string;
  readonly #request: OutgoingRequest;
  readonly #host: ClientTransactionHost;
  #via: string | undefined;
  #wire = '';
  /** Where it went, and where what belongs to it goes. */
  #way: MessageWay;
  /** The machine; undefined while a connection is waited for. */
  #loop: ClientLoop | undefined;
  #connectionsLeft = 1;
  #onStarted: 'wait' | 'cancel' = 'wait';
  #outcome: 'none' | 'told' = 'none';

  constructor(request: OutgoingRequest, sent: SentVia, host: ClientTransactionHost) {
    this.#request = request;
    this.#host = host;
    this.#way = request.way;
    this.#via = sent.via;
    this.branch = sent.branch;
  }

  get method(): string {
    return this.#request.parts.method;
  }

  /** Sends the request, as soon as there is a flow for it. */
  start(): void {
    this.#host.sender.withFlow(this.#way, {
      ready: (flow) => {
        this.#begin(flow);
      },
      failed: () => {
        this.#fail('transport');
        this.#host.onTerminated(this);
      },
    });
  }

  cancel(): void {
    this.#onStarted = 'cancel';
    this.#loop?.cancel();
  }

  heard(heard: HeardResponse): void {
    this.#loop?.heard(heard);
  }

  flowClosed(flowId: string): void {
    if (this.#way.flowId !== flowId || this.#loop?.isUnheard !== true) return;
    if (this.#connectionsLeft === 0) {
      this.#loop.transportFailed();
      return;
    }
    this.#connectionsLeft -= 1;
    this.#send(this.#wire);
  }

  /** Ends it without waiting for a response. */
  stop(): void {
    this.#loop?.stop();
    this.#fail('transport');
  }

  #begin(flow: Flow): void {
    const { parts, way } = this.#request;
    this.#way = { ...way, flowId: flow.id };
    this.#via ??= this.#host.viaFor(this.branch, flow);
    this.#wire = formatRequest(parts, this.#via);
    const makeLoop = parts.method === 'INVITE' ? inviteClientLoop : nonInviteClientLoop;
    const loop = makeLoop(
      { wire: this.#wire, reliable: flow.transport !== 'udp', timers: this.#host.timers },
      this.#loopUser(),
    );
    this.#loop = loop;
    loop.start();
    if (this.#onStarted === 'cancel') loop.cancel();
  }

  #loopUser(): ClientLoopUser {
    const { parts, listener } = this.#request;
    return {
      send: (wire) => {
        this.#send(wire);
      },
      acknowledge: ({ response }) => {
        this.#send(formatRequest(ackOfRefusal(parts, response.header('to') ?? ''), this.#via ?? ''));
      },
      sendCancel: () => {
        this.#host.sendCancel(cancelOf(parts), this.#way, { branch: this.branch, via: this.#via });
      },
      provisional: ({ response }) => {
        this.#host.guarded('provisional response', () => listener.provisional?.(response));
      },
      final: ({ response, flow }) => {
        this.#outcome = 'told';
        this.#host.guarded('final response', () => {
          listener.final(response, flow);
        });
      },
      failed: (why) => {
        this.#fail(why);
      },
      terminated: () => {
        this.#loop?.stop();
        this.#host.onTerminated(this);
      },
    };
  }

  #send(wire: string): void {
    this.#host.sender.send(this.#way, wire, {
      sent: (flow) => {
        this.#way = { ...this.#way, flowId: flow.id };
      },
      failed: () => {
        this.#loop?.transportFailed();
      },
    });
  }

  #fail(why: 'timeout' | 'transport'): void {
    if (this.#outcome === 'told') return;
    this.#outcome = 'told';
    this.#host.guarded('failed request', () => {
      this.#request.listener.failed(why);
    });
  }
}
