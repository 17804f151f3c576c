import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromChild, FromParent, LifeQuestion } from './parent-link.js';

/** How a process ended: by itself with a status, or by a signal. Both null: it could not be started at all. */
export interface ChildEnd {
  readonly status: number | null;
  readonly signal: string | null;
}

/** What a parent hears of its child. */
export interface ChildEvents {
  onMessage(message: FromChild): void;
  /** Its channel has closed before its end was told: it is dying, and answers nothing any more. */
  onLost?(): void;
  /** It has ended, its ports are free again and its last message has been told. Told once. */
  onEnded(end: ChildEnd): void;
}

/** A parent's end of a forked process. */
export interface Child {
  /** Absent when it could not be started. */
  readonly pid: number | undefined;
  /** Messages wait until the child listens; to one that has ended they are lost. */
  send(message: FromParent): void;
  /** Asks for a sign of life: one that lives says `heartbeat`. */
  ask(): void;
  /** Ends it at once (SIGKILL): for one that hangs. */
  kill(): void;
}

/** Starts children; a test's starts scripted ones. */
export type ForkChild = (program: URL, argument: string, events: ChildEvents) => Child;

/** Forks a program of ours. Its log goes where ours goes; it reads no terminal. */
export const forkChild: ForkChild = (program, argument, events) => new ForkedChild(program, argument, events);

class ForkedChild implements Child {
  readonly #process: ChildProcess | undefined;
  readonly #events: ChildEvents;
  #early: FromParent[] | undefined = [];
  #end: ChildEnd | undefined;
  #told = false;

  constructor(program: URL, argument: string, events: ChildEvents) {
    this.#events = events;
    try {
      this.#process = fork(fileURLToPath(program), [argument], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    } catch {
      this.#endsUnstarted();
      return;
    }
    this.#process.on('message', (message) => {
      // The child is the same program: the channel carries nothing else.
      this.#onMessage(message as FromChild);
    });
    this.#process.on('error', () => {
      if (this.#process?.pid === undefined) this.#endsUnstarted();
    });
    this.#process.on('exit', (status, signal) => {
      this.#end = { status, signal };
      this.#tellEnd();
    });
    this.#process.on('disconnect', () => {
      if (this.#end === undefined) this.#events.onLost?.();
      this.#tellEnd();
    });
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  send(message: FromParent): void {
    if (this.#early !== undefined) this.#early.push(message);
    else this.#write(message);
  }

  ask(): void {
    this.#write({ kind: 'alive?' });
  }

  kill(): void {
    this.#process?.kill('SIGKILL');
  }

  #write(message: FromParent | LifeQuestion): void {
    if (this.#process?.connected === true) this.#process.send(message, () => undefined);
  }

  #onMessage(message: FromChild): void {
    const early = this.#early;
    this.#early = undefined;
    for (const waiting of early ?? []) this.send(waiting);
    this.#events.onMessage(message);
  }

  /** `exit` may come before the last message has been read: the channel's end comes after it. */
  #tellEnd(): void {
    if (this.#end === undefined || this.#told || this.#process?.connected === true) return;
    this.#told = true;
    this.#events.onEnded(this.#end);
  }

  #endsUnstarted(): void {
    this.#end = { status: null, signal: null };
    queueMicrotask(() => {
      if (this.#told) return;
      this.#told = true;
      this.#events.onEnded({ status: null, signal: null });
    });
  }
}
