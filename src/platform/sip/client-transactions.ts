import type { Timers } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Random } from '../../base/random.js';
import type { ResponseListener } from '../../call/signalling-port.js';
import type { Flow } from '../../protocol/sip/flow.js';
import { formatRequest, type RequestParts } from '../../protocol/sip/request.js';
import { MAGIC_COOKIE, clientTransactionKey } from '../../protocol/sip/transaction-key.js';
import type { HeardResponse } from './client-loop.js';
import {
  ClientTransaction,
  type ClientTransactionHost,
  type OutgoingRequest,
  type SentVia,
} from './client-transaction.js';
import type { MessageWay } from './flow-finder.js';
import { guarded } from './guard.js';
import type { MessageSender } from './message-sender.js';

export interface ClientTransactionsOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly random: Random;
  readonly sender: MessageSender;
  /** `host:port` that peers reach us at, as seen from this flow. */
  readonly sentBy: (flow: Flow) => string;
}

/** Bytes of randomness in a branch: unique across space and time (RFC 3261 §8.1.1.7), and not to be guessed. */
const BRANCH_BYTES = 10;

/** A CANCEL's own response says nothing that its INVITE's does not (RFC 3261 §9.1). */
const NOBODY: ResponseListener = { final: () => undefined, failed: () => undefined };

/** The table of client transactions: an entry is there from the request until its machine is terminated, no longer. */
export class ClientTransactions {
  readonly #options: ClientTransactionsOptions;
  readonly #host: ClientTransactionHost;
  readonly #byKey = new Map<string, ClientTransaction>();

  constructor(options: ClientTransactionsOptions) {
    this.#options = options;
    this.#host = {
      timers: options.timers,
      sender: options.sender,
      viaFor: (branch, flow) => this.#viaFor(branch, flow),
      guarded: (what, call) => {
        guarded(options.log, what, call);
      },
      sendCancel: (cancel, way, sent) => {
        this.#begin({ parts: cancel, way, listener: NOBODY }, sent);
      },
      onTerminated: (transaction) => {
        const key = keyOf(transaction);
        if (this.#byKey.get(key) === transaction) this.#byKey.delete(key);
      },
    };
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** Begins the transaction of a request of ours. */
  begin(request: OutgoingRequest): ClientTransaction {
    return this.#begin(request, { branch: this.#newBranch(), via: undefined });
  }

  /** Sends an ACK of a 2xx, which belongs to no transaction (RFC 3261 §13.2.2.4). */
  sendAck(ack: RequestParts, way: MessageWay): void {
    const { sender } = this.#options;
    sender.withFlow(way, {
      ready: (flow) => {
        sender.send({ ...way, flowId: flow.id }, formatRequest(ack, this.#viaFor(this.#newBranch(), flow)));
      },
      failed: () => undefined,
    });
  }

  /** @returns false when it answers no request that is known (any more): it is to be dropped (RFC 6026 §8.9) */
  heard(heard: HeardResponse): boolean {
    const transaction = this.#byKey.get(clientTransactionKey(heard.response));
    transaction?.heard(heard);
    return transaction !== undefined;
  }

  flowClosed(flow: Flow): void {
    for (const transaction of [...this.#byKey.values()]) transaction.flowClosed(flow.id);
  }

  /** Forgets all of them, stops their timers, and tells those who wait. */
  stop(): void {
    const transactions = [...this.#byKey.values()];
    this.#byKey.clear();
    for (const transaction of transactions) transaction.stop();
  }

  #begin(request: OutgoingRequest, sent: SentVia): ClientTransaction {
    const transaction = new ClientTransaction(request, sent, this.#host);
    this.#byKey.set(keyOf(transaction), transaction);
    try {
      transaction.start();
    } catch (error) {
      // Parts that make no message: a fault of the caller, who is told.
      this.#byKey.delete(keyOf(transaction));
      throw error;
    }
    return transaction;
  }

  #newBranch(): string {
    return MAGIC_COOKIE + this.#options.random.hex(BRANCH_BYTES);
  }

  #viaFor(branch: string, flow: Flow): string {
    return `SIP/2.0/${flow.transport.toUpperCase()} ${this.#options.sentBy(flow)};branch=${branch}`;
  }
}

/** As clientTransactionKey() makes it of the response. */
function keyOf({ branch, method }: { readonly branch: string; readonly method: string }): string {
  return `${branch} ${method}`;
}
