import { assertNever } from '../base/assert.js';
import type { MonotonicClock, Timers } from '../base/clock.js';
import type { ErrorCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { RunLoop, type TimerOutput } from '../base/run-loop.js';
import type { Child, ChildEnd, ChildEvents } from '../platform/process/child-process.js';
import {
  type GenerationsInput,
  type GenerationsOutput,
  type GenerationsTimer,
  type GenerationTimes,
  type SlotState,
  WorkerGenerations,
} from './worker-generations.js';
import { type Generation, WORKER_PORTS } from './worker-start.js';

/** One worker process, for `status`. */
export interface PooledWorker {
  readonly pid: number;
  readonly generation: Generation;
  readonly port: number | null;
  readonly securePort: null;
  readonly state: 'starting' | 'active' | 'draining' | 'hung';
}

export interface WorkerPoolEvents {
  /** Where new calls go from now on; undefined: nobody takes them. */
  onActive(port: number | undefined): void;
  /** The active worker has answered {@link WorkerPool.ask}. */
  onAlive(port: number): void;
  /** Calls up in both generations. */
  onCalls(count: number): void;
  /** No worker ever became active, and none can work at all. */
  onFatal(code: ErrorCode, detail: string): void;
  /** Drained or stopped: no worker is left. */
  onEnded(): void;
  /** What {@link WorkerPool.workers} says has changed. */
  onChanged(): void;
}

export interface WorkerPoolOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly times: () => GenerationTimes;
  fork(generation: Generation, port: number, events: ChildEvents): Child;
  /** Asked before a process is started for nothing: whether somebody else has the port. */
  isPortFree(port: number): Promise<boolean>;
  readonly events: WorkerPoolEvents;
}

const SHOWN: Readonly<Record<SlotState, PooledWorker['state'] | undefined>> = {
  free: undefined,
  taken: undefined,
  starting: 'starting',
  refused: 'starting',
  waiting: 'starting',
  active: 'active',
  draining: 'draining',
  hung: 'hung',
};

/**
 * The death of a process takes some 20 ms: until the kernel has closed its files nobody can tell it from a living one. A worker
 * that was heard of within this time is taken for alive.
 */
const SURE_MS = 20;

type Output = Exclude<GenerationsOutput, TimerOutput<GenerationsTimer>>;

/** Runs {@link WorkerGenerations} over real processes: performs what it asks for, and tells it what they do. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #machine: WorkerGenerations;
  readonly #loop: RunLoop<GenerationsTimer, GenerationsInput, Output>;
  readonly #children = new Map<Generation, Child>();
  /** Forks that wait for the look at their port; the number tells a withdrawn one. */
  readonly #looking = new Map<Generation, number>();
  #looks = 0;
  /** When the active worker was last heard of. */
  #heardAtMs = 0;
  #isAsked = false;
  /** What {@link workers} said when its listener was last told. */
  #toldShape = '';

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#machine = new WorkerGenerations(options);
    this.#loop = new RunLoop<GenerationsTimer, GenerationsInput, Output>({
      machine: this.#machine,
      timers: this.#watchedTimers(),
      fired: (timer) => ({ kind: 'timer-fired', timer }),
      perform: (output) => {
        this.#perform(output);
      },
    });
  }

  /** Where new calls go; undefined while nobody takes them. */
  get activePort(): number | undefined {
    return this.#machine.activePort;
  }

  /** Whether calls can go to the active worker unasked. */
  get isSure(): boolean {
    return this.activePort !== undefined && this.#options.clock.nowMs() - this.#heardAtMs <= SURE_MS;
  }

  /** Asks the active worker whether it lives; `onAlive` when it does, `onActive` when its successor does. */
  ask(): void {
    const child = this.#activeChild();
    if (child === undefined || this.#isAsked) return;
    this.#isAsked = true;
    child.ask();
  }

  /** The workers there are, the active one first. */
  get workers(): readonly PooledWorker[] {
    const workers = [...this.#children].flatMap(([generation, { pid }]): readonly PooledWorker[] => {
      const state = SHOWN[this.#machine.stateOf(generation)];
      if (state === undefined || pid === undefined) return [];
      return [
        { pid, generation, port: state === 'starting' ? null : WORKER_PORTS[generation], securePort: null, state },
      ];
    });
    return workers.sort((a, b) => Number(b.state === 'active') - Number(a.state === 'active'));
  }

  start(): void {
    this.#feed({ kind: 'start' });
  }

  /** The configuration has changed. */
  settingsChanged(): void {
    this.#feed({ kind: 'settings-changed' });
  }

  /** No new calls; `onEnded` when the last call has ended. */
  drain(): void {
    this.#feed({ kind: 'drain' });
  }

  /** Calls are ended, their messages kept. */
  stopNow(): void {
    this.#feed({ kind: 'stop-now' });
  }

  #feed(input: GenerationsInput): void {
    this.#loop.feed(input);
    this.#tellChange();
  }

  /** Timers of the machine change workers as much as what is fed. */
  #watchedTimers(): Timers {
    const { timers } = this.#options;
    return {
      start: (afterMs, fire) =>
        timers.start(afterMs, () => {
          fire();
          this.#tellChange();
        }),
    };
  }

  #tellChange(): void {
    const shape = this.workers.map(({ pid, state }) => `${String(pid)} ${state}`).join();
    if (shape === this.#toldShape) return;
    this.#toldShape = shape;
    this.#options.events.onChanged();
  }

  #perform(output: Output): void {
    const { events, log } = this.#options;
    switch (output.kind) {
      case 'fork':
        this.#lookThenFork(output.generation, output.port);
        return;
      case 'send':
        this.#children.get(output.generation)?.send(output.message);
        return;
      case 'kill':
        this.#kill(output.generation);
        return;
      case 'log':
        log[output.level]({ ...output.facts, ...this.#pidOf(output.facts['generation']) }, output.words);
        return;
      case 'active-changed':
        this.#isAsked = false;
        events.onActive(output.port);
        return;
      case 'calls-changed':
        events.onCalls(output.count);
        return;
      case 'fatal':
        events.onFatal(output.code, output.detail);
        return;
      case 'ended':
        this.#loop.stop();
        events.onEnded();
        return;
      default:
        assertNever(output, 'worker generations output');
    }
  }

  #pidOf(generation: unknown): { readonly child?: number } {
    const pid = generation === 'A' || generation === 'B' ? this.#children.get(generation)?.pid : undefined;
    return pid === undefined ? {} : { child: pid };
  }

  #lookThenFork(generation: Generation, port: number): void {
    this.#looks += 1;
    const look = this.#looks;
    this.#looking.set(generation, look);
    void this.#options.isPortFree(port).then((isFree) => {
      if (this.#looking.get(generation) !== look) return;
      this.#looking.delete(generation);
      if (isFree) this.#fork(generation, port);
      else this.#feed({ kind: 'ports-taken', generation });
    });
  }

  #fork(generation: Generation, port: number): void {
    this.#children.get(generation)?.kill(); // one that gave its ports up and should have ended by now
    const child = this.#options.fork(generation, port, {
      onMessage: (message) => {
        if (this.#children.get(generation) !== child) return;
        this.#feed({ kind: 'worker-said', generation, message });
        if (this.#activeChild() === child) this.#onAlive();
      },
      onLost: () => {
        if (this.#children.get(generation) === child) this.#feed({ kind: 'worker-lost', generation });
      },
      onEnded: (end) => {
        this.#onEnded(generation, child, end);
      },
    });
    this.#children.set(generation, child);
    const facts = { event: 'process-started', role: 'worker', generation, port, child: child.pid ?? null };
    this.#options.log.info(facts, 'a worker was started');
    this.#tellChange();
  }

  #activeChild(): Child | undefined {
    return [...this.#children].find(([generation]) => WORKER_PORTS[generation] === this.activePort)?.[1];
  }

  /** A sign of life of the active worker: the answer, if it was asked. */
  #onAlive(): void {
    this.#heardAtMs = this.#options.clock.nowMs();
    const wasAsked = this.#isAsked;
    this.#isAsked = false;
    const { activePort } = this;
    if (wasAsked && activePort !== undefined) this.#options.events.onAlive(activePort);
  }

  #kill(generation: Generation): void {
    if (!this.#looking.delete(generation)) this.#children.get(generation)?.kill();
    else this.#feed({ kind: 'worker-ended', generation }); // not started yet
  }

  #onEnded(generation: Generation, child: Child, end: ChildEnd): void {
    const facts = { event: 'process-ended', role: 'worker', generation, child: child.pid ?? null, ...end };
    this.#options.log[end.status === 0 ? 'info' : 'error'](facts, 'a worker has ended');
    if (this.#children.get(generation) !== child) return;
    this.#children.delete(generation);
    this.#feed({ kind: 'worker-ended', generation });
  }
}
