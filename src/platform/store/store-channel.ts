import type { ErrorCode } from '../../base/errors.js';
import type { MessageStore } from '../../mailbox/message-store.js';

/** What the store can be asked. */
export type StoreMethod = keyof MessageStore;

/** One call of a method, to the store's thread. */
export interface StoreCall<M extends StoreMethod = StoreMethod> {
  readonly id: number;
  readonly method: M;
  readonly args: Parameters<MessageStore[M]>;
}

/** What the store's thread says. `opened` comes first and once; its fault is why the database cannot be opened. */
export type StoreReply =
  | { readonly kind: 'opened'; readonly fault: StoreFault | undefined }
  | { readonly kind: 'done'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: StoreFault };

/** An error that can be posted to another thread. */
export interface StoreFault {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What the thread is started with. */
export interface StoreThreadData {
  /** Path of the database file. */
  readonly path: string;
}
