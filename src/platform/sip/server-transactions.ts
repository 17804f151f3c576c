import type { SipRequest } from '../../protocol/sip/message.js';
import { serverTransactionKey } from '../../protocol/sip/transaction-key.js';
import { type HeardRequest, ServerTransaction, type ServerTransactionHost } from './server-transaction.js';

/** The table of server transactions: an entry is there from the request until its machine is terminated, no longer. */
export class ServerTransactions {
  readonly #host: ServerTransactionHost;
  readonly #byKey = new Map<string, ServerTransaction>();
  readonly #byMergeKey = new Map<string, ServerTransaction>();

  constructor(host: Omit<ServerTransactionHost, 'onTerminated'>) {
    this.#host = {
      timers: host.timers,
      send: (way, wire, failed) => {
        host.send(way, wire, failed);
      },
      onAck: (ack, flow) => {
        host.onAck(ack, flow);
      },
      onTerminated: (transaction) => {
        this.#unlink(transaction);
      },
    };
  }

  get count(): number {
    return this.#byKey.size;
  }

  /** The transaction that this request repeats, or that this ACK acknowledges (RFC 3261 §17.2.3). */
  matching(request: SipRequest): ServerTransaction | undefined {
    return this.#byKey.get(serverTransactionKey(request));
  }

  /** The INVITE that this CANCEL means (RFC 3261 §9.2). */
  cancelledBy(cancel: SipRequest): ServerTransaction | undefined {
    return this.#byKey.get(serverTransactionKey(cancel, 'INVITE'));
  }

  /** True for another copy of a request that is being handled (RFC 3261 §8.2.2.2). */
  isMerged(request: SipRequest): boolean {
    const key = mergeKey(request);
    return key !== undefined && this.#byMergeKey.has(key);
  }

  /** Begins a transaction for a request that matches none. */
  begin(heard: HeardRequest): ServerTransaction {
    const { request } = heard;
    const transaction = new ServerTransaction(heard, serverTransactionKey(request), mergeKey(request), this.#host);
    this.#byKey.set(transaction.key, transaction);
    if (transaction.mergeKey !== undefined) this.#byMergeKey.set(transaction.mergeKey, transaction);
    return transaction;
  }

  /** Forgets all of them, and stops their timers. */
  stop(): void {
    for (const transaction of this.#byKey.values()) transaction.stop();
    this.#byKey.clear();
    this.#byMergeKey.clear();
  }

  #unlink(transaction: ServerTransaction): void {
    const { key, mergeKey: merge } = transaction;
    if (this.#byKey.get(key) === transaction) this.#byKey.delete(key);
    if (merge !== undefined && this.#byMergeKey.get(merge) === transaction) this.#byMergeKey.delete(merge);
  }
}

/** Only requests outside dialogs are looked at, and only those that have the tag which makes the key unique. */
function mergeKey(request: SipRequest): string | undefined {
  const { fromTag, toTag, callId, cseq } = request;
  if (fromTag === undefined || toTag !== undefined) return undefined;
  return `${callId} ${fromTag} ${String(cseq.number)} ${cseq.method}`;
}
