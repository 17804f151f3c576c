import type { Child, ChildEvents } from '../../src/platform/process/child-process.js';
import type { FromChild, FromParent } from '../../src/platform/process/parent-link.js';

let lastPid = 1_000;

/** A child process without a process: a test says what it says and when it ends, and reads what it was told. */
export class ScriptedChild implements Child {
  readonly pid = (lastPid += 1);
  readonly told: FromParent[] = [];
  killed = false;
  /** How often it was asked whether it lives. */
  asked = 0;
  readonly #events: ChildEvents;

  constructor(events: ChildEvents) {
    this.#events = events;
  }

  send(message: FromParent): void {
    this.told.push(message);
  }

  ask(): void {
    this.asked += 1;
  }

  kill(): void {
    this.killed = true;
  }

  says(message: FromChild): void {
    this.#events.onMessage(message);
  }

  /** Its channel closes, a moment before its end is told. */
  isLost(): void {
    this.#events.onLost?.();
  }

  /** By itself with a status, or by a signal. */
  ends(how: number | NodeJS.Signals = 0): void {
    this.#events.onEnded(typeof how === 'number' ? { status: how, signal: null } : { status: null, signal: how });
  }

  /** The kinds of what it was told, in order. */
  get kinds(): string[] {
    return this.told.map(({ kind }) => kind);
  }
}
