import { type ErrorCode, UmError } from '../../base/errors.js';

/** What a parent tells a child process. */
export type FromParent =
  /** Take no new call and end when nothing is left to do; new calls go to `successorPort` of this machine, if there is one. */
  | { readonly kind: 'drain'; readonly successorPort?: number }
  /** End calls at once, keep their messages, end. */
  | { readonly kind: 'stop-now' }
  /** Calls up in the other generation of workers, so that MaxCallsAllowed counts both. */
  | { readonly kind: 'other-calls'; readonly count: number }
  /** Whether the UM service listens. */
  | { readonly kind: 'service-state'; readonly up: boolean };

/** What a parent sends to hear at once whether a child still lives; answered with a heartbeat by the child's end of the channel. */
export interface LifeQuestion {
  readonly kind: 'alive?';
}

/** What a child process tells its parent. */
export type FromChild =
  /** The listeners named are open, but nothing stands behind them yet. */
  | { readonly kind: 'listening'; readonly ports: readonly number[] }
  /**
   * It does its work now; `ports`: those on which it can be reached. A worker with `hasDirectory: false` listens, but must refuse
   * every call until it has the directory; it says `ready` again then.
   */
  | { readonly kind: 'ready'; readonly ports?: readonly number[]; readonly hasDirectory?: boolean }
  | { readonly kind: 'heartbeat' }
  | { readonly kind: 'calls'; readonly count: number }
  /** It cannot do its work, and ends. */
  | { readonly kind: 'fatal'; readonly code: ErrorCode; readonly detail: string };

/** A child's end of the channel between the two, which is for life only: ready, heartbeat, drain, counts. */
export interface ParentLink {
  send(message: FromChild): void;
  /** One listener; what came before it was set is handed over at once. */
  onMessage(listener: (message: FromParent) => void): void;
  /** The parent is gone: its channel closed. Told once, also when it happened before. */
  onLost(listener: () => void): void;
  /** Closes the channel; the process may then end by itself. */
  close(): void;
}

/** How often a child says that its event loop turns. */
const HEARTBEAT_MS = 1_000;

/**
 * Binds this process to the one that forked it: it obeys its parent only, so that Ctrl-C, which reaches every process of the
 * foreground group, ends no call; and it beats every second, the first time at once.
 *
 * @throws UmError 'usage-wrong' when it was started by hand
 */
export function connectParent(): ParentLink {
  if (process.send === undefined)
    throw new UmError('usage-wrong', 'this program is started by `./bin/openum start` only');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  return new IpcParentLink();
}

class IpcParentLink implements ParentLink {
  readonly #beat: NodeJS.Timeout;
  #early: FromParent[] = [];
  #listener: ((message: FromParent) => void) | undefined;
  #onLost: (() => void) | undefined;

  constructor() {
    process.on('message', (message) => {
      // The parent is the same program: the channel carries nothing else.
      this.#onMessage(message as FromParent | LifeQuestion);
    });
    process.on('disconnect', () => {
      clearInterval(this.#beat);
      this.#onLost?.();
    });
    this.send({ kind: 'heartbeat' });
    this.#beat = setInterval(() => {
      this.send({ kind: 'heartbeat' });
    }, HEARTBEAT_MS);
    this.#beat.unref();
  }

  send(message: FromChild): void {
    if (!process.connected) return;
    // EPIPE: the parent died a moment ago; the disconnect that follows says so.
    process.send?.(message, undefined, undefined, () => undefined);
  }

  onMessage(listener: (message: FromParent) => void): void {
    this.#listener = listener;
    const early = this.#early;
    this.#early = [];
    for (const message of early) listener(message);
  }

  onLost(listener: () => void): void {
    this.#onLost = listener;
    if (!process.connected) queueMicrotask(listener);
  }

  close(): void {
    clearInterval(this.#beat);
    this.#onLost = undefined;
    if (process.connected) process.disconnect();
  }

  #onMessage(message: FromParent | LifeQuestion): void {
    if (message.kind === 'alive?') this.send({ kind: 'heartbeat' });
    else if (this.#listener === undefined) this.#early.push(message);
    else this.#listener(message);
  }
}
