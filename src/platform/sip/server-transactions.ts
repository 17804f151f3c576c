import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import type { SipRequest } from '../../protocol/sip/message.js';
import { serverTransactionKey } from '../../protocol/sip/transaction-key.js';
import { Overload } from './overload.js';
import { type HeardRequest, ServerTransaction, type ServerTransactionHost } from './server-transaction.js';

/** Each of the two parts above the limit that are for requests within dialogs, as a share of the limit. */
const DIALOG_SHARE = 0.05;

export interface ServerTransactionsOptions extends Omit<ServerTransactionHost, 'onTerminated'> {
  readonly log: Logger;
  /** LIMITS.sipServerTransactions when omitted. */
  readonly limit?: number;
}

/**
 * The table of server transactions: an entry is there from the request until its machine is terminated, no longer.
 *
 * ```text
 *   0                             limit          +5%          +10%
 *   |------------------------------|--------------|--------------|
 *     every request                  in dialogs:    in dialogs:
 *                                    every request  BYE, UPDATE ...
 * ```
 *
 * So callers can hang up while strangers fill the rest. The last part is not for INVITEs, as any stranger can write a To tag:
 * refused and never acknowledged they stay for 32 s, the others go with their response.
 */
export class ServerTransactions {
  readonly #host: ServerTransactionHost;
  readonly #limit: number;
  readonly #dialogRoom: number;
  readonly #overload: Overload;
  readonly #byKey = new Map<string, ServerTransaction>();
  readonly #byMergeKey = new Map<string, ServerTransaction>();

  constructor(host: ServerTransactionsOptions) {
    this.#limit = host.limit ?? LIMITS.sipServerTransactions;
    this.#dialogRoom = Math.ceil(this.#limit * DIALOG_SHARE);
    this.#overload = new Overload(host.log, this.#limit);
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

  /**
   * May a transaction begin for this request, which matches none?
   *
   * @returns false when there is no room: it is to be refused without one, and need not be logged
   */
  hasRoomFor(request: SipRequest): boolean {
    if (this.count < this.#mostFor(request)) return true;
    this.#overload.refused(this.#byKey.values());
    return false;
  }

  /** Begins a transaction for a request that matches none, and for which there is room. */
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
    this.#overload.isLeft(this.count);
  }

  #mostFor({ toTag, method }: SipRequest): number {
    if (toTag === undefined) return this.#limit;
    return this.#limit + (method === 'INVITE' ? 1 : 2) * this.#dialogRoom;
  }
}

/** Only requests outside dialogs are looked at, and only those that have the tag which makes the key unique. */
function mergeKey(request: SipRequest): string | undefined {
  const { fromTag, toTag, callId, cseq } = request;
  if (fromTag === undefined || toTag !== undefined) return undefined;
  return `${callId} ${fromTag} ${String(cseq.number)} ${cseq.method}`;
}
