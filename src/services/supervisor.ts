import { assertNever } from '../base/assert.js';
import type { MonotonicClock, Timers } from '../base/clock.js';
import type { ErrorCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { RunLoop, type TimerOutput } from '../base/run-loop.js';
import type { Child, ChildEnd, ChildEvents } from '../platform/process/child-process.js';
import {
  NAMES,
  type ReadyPorts,
  type ServiceRole,
  type SupervisorInput,
  SupervisorMachine,
  type SupervisorOutput,
  type SupervisorTimer,
} from './supervisor-machine.js';

/** What the one who started everything is told; words for people are its business. */
export interface SupervisorEvents {
  onReady(ports: ReadyPorts): void;
  /** The first start failed; told once for each reason. */
  onFailed(code: ErrorCode, detail: string): void;
  /** Draining has begun, or the number of calls left has changed since. */
  onCallsLeft(count: number): void;
  onCallsCut(count: number): void;
}

export interface SupervisorOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly drainTimeoutMs: () => number;
  fork(role: ServiceRole, events: ChildEvents): Child;
  readonly events: SupervisorEvents;
}

type Output = Exclude<SupervisorOutput, TimerOutput<SupervisorTimer>>;

/** Runs {@link SupervisorMachine} over real children: performs what it asks for, and tells it what they do. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #loop: RunLoop<SupervisorTimer, SupervisorInput, Output>;
  readonly #children = new Map<ServiceRole, Child>();
  #finish: ((status: number) => void) | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#loop = new RunLoop<SupervisorTimer, SupervisorInput, Output>({
      machine: new SupervisorMachine(options),
      timers: options.timers,
      fired: (timer) => ({ kind: 'timer-fired', timer }),
      perform: (output) => {
        this.#perform(output);
      },
    });
  }

  /** Starts everything; resolves with the exit status when everything has ended. */
  run(): Promise<number> {
    return new Promise((finish) => {
      this.#finish = finish;
      this.#loop.feed({ kind: 'start' });
    });
  }

  /** Somebody asks for the end (SIGTERM, Ctrl-C): calls finish first. Asked again later, calls are ended. */
  requestStop(): void {
    this.#loop.feed({ kind: 'stop-requested' });
  }

  #perform(output: Output): void {
    const { events, log } = this.#options;
    switch (output.kind) {
      case 'fork':
        this.#fork(output.role);
        return;
      case 'send':
        this.#children.get(output.role)?.send(output.message);
        return;
      case 'kill':
        this.#children.get(output.role)?.kill();
        return;
      case 'log':
        log[output.level](output.facts, output.words);
        return;
      case 'ready':
        events.onReady(output.ports);
        return;
      case 'failed':
        events.onFailed(output.code, output.detail);
        return;
      case 'calls-left':
        log.info({ event: 'calls-left', calls: output.count }, 'calls in progress that are waited for');
        events.onCallsLeft(output.count);
        return;
      case 'calls-cut':
        events.onCallsCut(output.count);
        return;
      case 'exit':
        this.#loop.stop();
        this.#finish?.(output.status);
        return;
      default:
        assertNever(output, 'supervisor output');
    }
  }

  #fork(role: ServiceRole): void {
    const child = this.#options.fork(role, {
      onMessage: (message) => {
        if (this.#children.get(role) === child) this.#loop.feed({ kind: 'child-said', role, message });
      },
      onEnded: (end) => {
        this.#onEnded(role, child, end);
      },
    });
    this.#children.set(role, child);
    this.#options.log.info(
      { event: 'process-started', role, child: child.pid ?? null },
      `the ${NAMES[role]} was started`,
    );
  }

  #onEnded(role: ServiceRole, child: Child, end: ChildEnd): void {
    const facts = { event: 'process-ended', role, child: child.pid ?? null, status: end.status, signal: end.signal };
    const isClean = end.status === 0;
    this.#options.log[isClean ? 'info' : 'error'](facts, `the ${NAMES[role]} has ended`);
    if (this.#children.get(role) !== child) return;
    this.#children.delete(role);
    this.#loop.feed({ kind: 'child-ended', role });
  }
}
