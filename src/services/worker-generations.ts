import { assertNever } from '../base/assert.js';
import type { MonotonicClock } from '../base/clock.js';
import type { ErrorCode } from '../base/errors.js';
import type { TimerOutput } from '../base/run-loop.js';
import type { FromChild, FromParent } from '../platform/process/parent-link.js';
import { log, type LogOutput } from './log-output.js';
import { restartWaitMs, STABLE_AFTER_MS } from './restart-wait.js';
import { type Generation, WORKER_PORTS } from './worker-start.js';

/**
 * What stands on one pair of ports. `taken`: somebody else (a worker that outlived its UM service); looked at again each second.
 * `refused`: a worker of ours that said it cannot work, and is about to end. `waiting`: one that listens without the directory,
 * while another one takes calls.
 */
export type SlotState = 'free' | 'taken' | 'starting' | 'refused' | 'waiting' | 'active' | 'draining' | 'hung';

export type GenerationsTimer = `start-${Generation}` | `watch-${Generation}` | 'stable' | 'recycle' | 'retry' | 'kill';

export type GenerationsInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'worker-said'; readonly generation: Generation; readonly message: FromChild }
  /** Its channel has closed: it is dying, and its end will be told. */
  | { readonly kind: 'worker-lost'; readonly generation: Generation }
  | { readonly kind: 'worker-ended'; readonly generation: Generation }
  /** No worker was started there: somebody else has the ports. */
  | { readonly kind: 'ports-taken'; readonly generation: Generation }
  | { readonly kind: 'timer-fired'; readonly timer: GenerationsTimer }
  /** WorkerRecycleInterval may have changed. */
  | { readonly kind: 'settings-changed' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'stop-now' };

export type GenerationsOutput =
  | TimerOutput<GenerationsTimer>
  | LogOutput
  | { readonly kind: 'fork'; readonly generation: Generation; readonly port: number }
  | { readonly kind: 'send'; readonly generation: Generation; readonly message: FromParent }
  | { readonly kind: 'kill'; readonly generation: Generation }
  /** Where new calls go from now on; undefined: nobody takes them. */
  | { readonly kind: 'active-changed'; readonly port: number | undefined }
  /** Calls up in both generations. */
  | { readonly kind: 'calls-changed'; readonly count: number }
  /** No worker ever became active, and none can work at all. */
  | { readonly kind: 'fatal'; readonly code: ErrorCode; readonly detail: string }
  /** Drained or stopped: no worker is left. */
  | { readonly kind: 'ended' };

/** Times as they are when they are needed; a changed configuration counts at once. */
export interface GenerationTimes {
  readonly recycleMs: number;
  readonly startTimeoutMs: number;
  readonly hangTimeoutMs: number;
}

export interface WorkerGenerationsOptions {
  readonly clock: MonotonicClock;
  readonly times: () => GenerationTimes;
}

/** One look after another without a sign of life makes the hang; looks, not time, or our own sleep would be taken for theirs. */
const LOOKS_PER_HANG = 4;
/** How soon ports that others have are looked at again. */
const TAKEN_RETRY_MS = 1_000;
/** The same while a worker is active, and only its recycling waits. */
const RECYCLE_RETRY_MS = 30_000;
/** Workers that were told to stop now and have not ended by then are killed; their spools are recovered. */
const STOP_KILL_MS = 8_000;

/** The first worker may be unlucky; one more after so many that died makes it a fault of the whole start. */
const HOPELESS_AFTER_DEATHS = 2;

const GENERATIONS: readonly Generation[] = ['A', 'B'];

interface Slot {
  state: SlotState;
  calls: number;
  silentLooks: number;
  /** The log says that somebody else has the ports; said once, until a worker of ours stood there. */
  isToldTaken: boolean;
}

type Phase = 'running' | 'draining' | 'stopping' | 'ended';

/**
 * The workers of one UM service: at most one a pair of ports, at most one of them active.
 *
 * ```text
 *   one slot:                       port-taken
 *            +------------------------------------------------+
 *            v    retry                                       |
 *        +-------+      +------+ fork +----------+  fatal  +---------+
 *        | Taken |----->| Free |----->| Starting |-------->| Refused |
 *        +-------+      +------+      +----------+         +---------+
 *                         ^  ^         |  |     | not ready in time
 *                   ended |  |   ready |  |     +----------->+------+
 *                         |  |         |  | ready without    | Hung | (killed)
 *                         |  |         |  v the directory    +------+
 *                         |  |         |  +---------+ silent  ^ ^ ^ |
 *                         |  +------------| Waiting |---------+ | | |
 *                         |  |         |  +---------+           | | |
 *                         |  |         |  | the directory, or   | | |
 *                         |  |         v  v nobody is active    | | |
 *                         |  |    +--------+  silent            | | |
 *                         |  +----| Active |--------------------+ | |
 *                         |       +--------+                      | |
 *                         |           | a successor is active     | |
 *                         |           v                           | |
 *                         |    +----------+  silent               | | ended
 *                         +----| Draining |-----------------------+ |
 *                         ^    +----------+                         |
 *                         +-----------------------------------------+
 * ```
 *
 * Whenever something changed, one question decides about a new worker: is one wanted (none is active, or the active one is due
 * for recycling), is none on its way, and which pair is free? A worker that crashed is replaced on its own pair, which is
 * surely free and where callers who were just redirected look for it; one that hangs, or is recycled, on the other. While the
 * mailbox service is away a new worker has no directory: it waits, and the last good snapshot of the active one serves calls.
 *
 * Pure: forks nothing and starts no timer. Feed one input, perform every output, then feed the next.
 */
export class WorkerGenerations {
  #phase: Phase = 'running';
  #active: Generation | undefined;
  /** When the latest worker became active; undefined until the first did. */
  #activeSinceMs: number | undefined;
  /** The pair that the next worker is tried on first. */
  #preferred: Generation = 'A';
  /** Deaths in a row soon after the start. */
  #deaths = 0;
  /** No worker is started before: the growing wait. */
  #earliestStartMs = 0;
  #toldCalls = 0;
  readonly #clock: MonotonicClock;
  readonly #times: () => GenerationTimes;
  readonly #slots: Readonly<Record<Generation, Slot>> = { A: freeSlot(), B: freeSlot() };

  constructor(options: WorkerGenerationsOptions) {
    this.#clock = options.clock;
    this.#times = options.times;
  }

  /** What stands on a pair now. */
  stateOf(generation: Generation): SlotState {
    return this.#slots[generation].state;
  }

  /** Where new calls go. */
  get activePort(): number | undefined {
    return this.#active === undefined ? undefined : WORKER_PORTS[this.#active];
  }

  /** Advances the machine by one input; the outputs must be performed in their order. */
  handle(input: GenerationsInput): readonly GenerationsOutput[] {
    if (this.#phase === 'ended') return [];
    switch (input.kind) {
      case 'start':
        return this.#considerFork();
      case 'worker-said':
        return isOccupied(this.#slots[input.generation]) ? this.#onSaid(input.generation, input.message) : [];
      case 'ports-taken':
        return this.#slots[input.generation].state === 'starting' ? this.#onPortsTaken(input.generation) : [];
      case 'worker-lost':
        return this.#lostActive(input.generation); // nobody is redirected to it in the moment before its end is told
      case 'worker-ended':
        return isOccupied(this.#slots[input.generation]) ? this.#onEnded(input.generation) : [];
      case 'timer-fired':
        return this.#onTimer(input.timer);
      case 'settings-changed':
        return this.#active === undefined ? [] : [this.#recycleTimer()];
      case 'drain':
        return this.#phase === 'running' ? this.#drain() : [];
      case 'stop-now':
        return this.#phase === 'stopping' ? [] : this.#stopNow();
      default:
        return assertNever(input, 'worker generations input');
    }
  }

  // -- a new worker ---------------------------------------------------------------------------------------------------

  /** Starts a worker when one is wanted, it may be started by now, and a pair is free. */
  #considerFork(): readonly GenerationsOutput[] {
    if (this.#phase !== 'running' || GENERATIONS.some((one) => isOnItsWay(this.#slots[one]))) return [];
    const wanted = this.#candidates();
    const waitMs = this.#earliestStartMs - this.#clock.nowMs();
    if (wanted.length > 0 && waitMs > 0) return [retryAfter(waitMs)];
    const free = wanted.find((one) => this.#slots[one].state === 'free');
    if (free !== undefined) return this.#fork(free);
    if (!wanted.some((one) => this.#slots[one].state === 'taken')) return []; // ours are there: their end is told
    return [retryAfter(this.#active === undefined ? TAKEN_RETRY_MS : RECYCLE_RETRY_MS)];
  }

  #candidates(): readonly Generation[] {
    if (this.#active === undefined) return [this.#preferred, other(this.#preferred)];
    return this.#isRecycleDue() ? [other(this.#active)] : [];
  }

  #fork(generation: Generation): readonly GenerationsOutput[] {
    Object.assign(this.#slots[generation], { state: 'starting', calls: 0, silentLooks: 0 });
    return [
      { kind: 'stop-timer', timer: 'retry' },
      { kind: 'fork', generation, port: WORKER_PORTS[generation] },
      { kind: 'start-timer', timer: `start-${generation}`, afterMs: this.#times().startTimeoutMs },
    ];
  }

  #isRecycleDue(): boolean {
    return this.#untilRecycleMs() <= 0;
  }

  #untilRecycleMs(): number {
    return (this.#activeSinceMs ?? 0) + this.#times().recycleMs - this.#clock.nowMs();
  }

  #recycleTimer(): GenerationsOutput {
    return { kind: 'start-timer', timer: 'recycle', afterMs: Math.max(0, this.#untilRecycleMs()) };
  }

  // -- what workers say -----------------------------------------------------------------------------------------------

  #onSaid(generation: Generation, message: FromChild): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    slot.silentLooks = 0;
    switch (message.kind) {
      case 'ready':
        return isOnItsWay(slot) ? this.#onReady(generation, message.hasDirectory !== false) : [];
      case 'calls':
        slot.calls = message.count;
        return this.#countCalls(generation);
      case 'fatal':
        return this.#onFatal(generation, message.code, message.detail);
      case 'heartbeat':
      case 'listening':
        return [];
      default:
        return assertNever(message, 'message of a worker');
    }
  }

  #onReady(generation: Generation, hasDirectory: boolean): readonly GenerationsOutput[] {
    if (this.#phase !== 'running') return []; // it was killed a moment ago
    return hasDirectory || this.#active === undefined ? this.#activate(generation) : this.#letWait(generation);
  }

  /** It would refuse every call: the one that has the directory goes on, and this one is only watched. */
  #letWait(generation: Generation): readonly GenerationsOutput[] {
    this.#slots[generation].state = 'waiting';
    const facts = { event: 'worker-waits', generation, port: WORKER_PORTS[generation] };
    return [
      { kind: 'stop-timer', timer: `start-${generation}` },
      { kind: 'start-timer', timer: `watch-${generation}`, afterMs: this.#watchMs() },
      log('warn', facts, 'a new worker has no directory yet: calls go to the one before until it has'),
    ];
  }

  #activate(generation: Generation): readonly GenerationsOutput[] {
    const before = this.#active;
    const port = WORKER_PORTS[generation];
    this.#slots[generation].state = 'active';
    this.#active = generation;
    this.#activeSinceMs = this.#clock.nowMs();
    return [
      { kind: 'stop-timer', timer: `start-${generation}` },
      { kind: 'start-timer', timer: `watch-${generation}`, afterMs: this.#watchMs() },
      { kind: 'start-timer', timer: 'stable', afterMs: STABLE_AFTER_MS },
      log('info', { event: 'worker-active', generation, port }, 'new calls go to this worker now'),
      { kind: 'active-changed', port },
      this.#recycleTimer(),
      { kind: 'send', generation, message: { kind: 'other-calls', count: this.#slots[other(generation)].calls } },
      ...(before === undefined ? [] : this.#retire(before, port)),
    ];
  }

  /** New calls go to a successor: this one finishes the calls it has, and ends. */
  #retire(generation: Generation, successorPort: number): readonly GenerationsOutput[] {
    const { calls } = this.#slots[generation];
    this.#slots[generation].state = 'draining';
    return [
      log(
        'info',
        { event: 'worker-recycled', generation, calls, successorPort },
        'this worker finishes its calls and ends',
      ),
      { kind: 'send', generation, message: { kind: 'drain', successorPort } },
    ];
  }

  #onFatal(generation: Generation, code: ErrorCode, detail: string): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    const said = log('error', { event: 'worker-fault', generation, code, detail }, `a worker cannot work: ${detail}`);
    if (slot.state !== 'starting') return [said];
    if (code === 'port-taken') return this.#onPortsTaken(generation);
    slot.state = 'refused';
    const isHopeless = this.#activeSinceMs === undefined && this.#deaths >= HOPELESS_AFTER_DEATHS;
    return isHopeless ? [said, { kind: 'fatal', code, detail }] : [said];
  }

  /** The end of a worker that says so need not be waited for: the other pair may be free. */
  #onPortsTaken(generation: Generation): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    slot.state = 'taken';
    const isTold = slot.isToldTaken;
    slot.isToldTaken = true;
    const facts = { event: 'worker-ports-taken', generation, port: WORKER_PORTS[generation] };
    const words = 'the ports of this generation are taken, perhaps by a worker that finishes its calls';
    return [
      { kind: 'stop-timer', timer: `start-${generation}` },
      ...(isTold ? [] : [log('warn', facts, words)]),
      ...(this.#phase === 'running' ? this.#considerFork() : this.#endIfEmpty()),
    ];
  }

  /** MaxCallsAllowed counts both generations: each is told of the other's calls. */
  #countCalls(generation: Generation): readonly GenerationsOutput[] {
    const sum = this.#slots.A.calls + this.#slots.B.calls;
    const neighbour = other(generation);
    const count = this.#slots[generation].calls;
    const toNeighbour: readonly GenerationsOutput[] = isOccupied(this.#slots[neighbour])
      ? [{ kind: 'send', generation: neighbour, message: { kind: 'other-calls', count } }]
      : [];
    if (sum === this.#toldCalls) return toNeighbour;
    this.#toldCalls = sum;
    return [...toNeighbour, { kind: 'calls-changed', count: sum }];
  }

  // -- ends -----------------------------------------------------------------------------------------------------------

  #onEnded(generation: Generation): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    const was = slot.state;
    const hadCalls = slot.calls > 0;
    Object.assign(slot, freeSlot());
    return [
      { kind: 'stop-timer', timer: `start-${generation}` },
      { kind: 'stop-timer', timer: `watch-${generation}` },
      ...(hadCalls ? this.#countCalls(generation) : []),
      ...this.#lostActive(generation),
      ...this.#afterEnd(generation, was),
    ];
  }

  #lostActive(generation: Generation): readonly GenerationsOutput[] {
    if (this.#active !== generation) return [];
    this.#active = undefined;
    const next = GENERATIONS.find((one) => this.#slots[one].state === 'waiting');
    return [
      { kind: 'stop-timer', timer: 'recycle' },
      { kind: 'stop-timer', timer: 'stable' },
      ...(next === undefined ? [{ kind: 'active-changed', port: undefined } as const] : this.#activate(next)),
    ];
  }

  #afterEnd(generation: Generation, was: SlotState): readonly GenerationsOutput[] {
    if (this.#phase !== 'running') return this.#endIfEmpty();
    if (was === 'draining') {
      return [
        log('info', { event: 'worker-drained', generation }, 'a recycled worker has ended'),
        ...this.#considerFork(),
      ];
    }
    // A hung one was replaced when that was seen, if a pair was free by then.
    return was === 'hung' ? this.#considerFork() : this.#replace(generation);
  }

  /** A worker died, before or after it was ready: the next is started at once, or after a growing wait when that repeats. */
  #replace(preferred: Generation): readonly GenerationsOutput[] {
    this.#deaths += 1;
    this.#preferred = preferred;
    const afterMs = restartWaitMs(this.#deaths);
    this.#earliestStartMs = this.#clock.nowMs() + afterMs;
    const facts = { event: 'worker-replaced', generation: preferred, afterMs };
    return [log('warn', facts, 'a worker has ended unasked and is replaced'), ...this.#considerFork()];
  }

  #hang(generation: Generation, reason: string): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    slot.state = 'hung';
    this.#preferred = other(generation);
    const facts = { event: 'worker-hung', generation, reason, calls: slot.calls };
    return [
      { kind: 'stop-timer', timer: `start-${generation}` },
      { kind: 'stop-timer', timer: `watch-${generation}` },
      log('error', facts, `a worker is killed: ${reason}`),
      { kind: 'kill', generation },
      ...this.#lostActive(generation),
    ];
  }

  // -- timers ---------------------------------------------------------------------------------------------------------

  #onTimer(timer: GenerationsTimer): readonly GenerationsOutput[] {
    switch (timer) {
      case 'retry':
        for (const one of GENERATIONS) if (this.#slots[one].state === 'taken') this.#slots[one].state = 'free';
        return this.#considerFork();
      case 'recycle':
        return this.#onRecycle();
      case 'stable':
        this.#deaths = 0;
        return [];
      case 'kill':
        return GENERATIONS.filter((one) => isOccupied(this.#slots[one])).flatMap((one) =>
          this.#hang(one, 'it did not stop'),
        );
      case 'start-A':
      case 'start-B':
        return this.#onStartTimeout(timer === 'start-A' ? 'A' : 'B');
      case 'watch-A':
      case 'watch-B':
        return this.#onWatch(timer === 'watch-A' ? 'A' : 'B');
      default:
        return assertNever(timer, 'worker generations timer');
    }
  }

  #onRecycle(): readonly GenerationsOutput[] {
    if (this.#active === undefined || this.#phase !== 'running') return [];
    if (!this.#isRecycleDue()) return [this.#recycleTimer()];
    const outputs = this.#considerFork();
    const waits = this.#slots[other(this.#active)].state === 'draining';
    const facts = { event: 'worker-recycle-waits', generation: this.#active };
    return waits ? [log('info', facts, 'a recycle is due and waits for the other pair'), ...outputs] : outputs;
  }

  #onStartTimeout(generation: Generation): readonly GenerationsOutput[] {
    const { state } = this.#slots[generation];
    if (state !== 'starting' && state !== 'refused') return [];
    const killed = this.#hang(generation, 'it was not ready in time');
    return this.#phase === 'running' ? [...killed, ...this.#replace(other(generation))] : killed;
  }

  #onWatch(generation: Generation): readonly GenerationsOutput[] {
    const slot = this.#slots[generation];
    slot.silentLooks += 1;
    if (slot.silentLooks < LOOKS_PER_HANG) {
      return [{ kind: 'start-timer', timer: `watch-${generation}`, afterMs: this.#watchMs() }];
    }
    return [...this.#hang(generation, 'it gave no sign of life'), ...this.#considerFork()];
  }

  #watchMs(): number {
    return this.#times().hangTimeoutMs / LOOKS_PER_HANG;
  }

  // -- the end of all -------------------------------------------------------------------------------------------------

  #drain(): readonly GenerationsOutput[] {
    this.#phase = 'draining';
    return [...this.#takeNoNewCalls(), ...this.#tellAll({ kind: 'drain' }), ...this.#endIfEmpty()];
  }

  #stopNow(): readonly GenerationsOutput[] {
    this.#phase = 'stopping';
    return [
      ...this.#takeNoNewCalls(),
      { kind: 'start-timer', timer: 'kill', afterMs: STOP_KILL_MS },
      ...this.#tellAll({ kind: 'stop-now' }),
      ...this.#endIfEmpty(),
    ];
  }

  #takeNoNewCalls(): readonly GenerationsOutput[] {
    const wasActive = this.#active !== undefined;
    this.#active = undefined;
    for (const one of GENERATIONS) if (this.#slots[one].state === 'active') this.#slots[one].state = 'draining';
    return [
      { kind: 'stop-timer', timer: 'retry' },
      { kind: 'stop-timer', timer: 'recycle' },
      ...(wasActive ? [{ kind: 'active-changed', port: undefined } as const] : []),
    ];
  }

  /** Workers that are not ready yet have no calls: they are ended outright. */
  #tellAll(message: FromParent): readonly GenerationsOutput[] {
    return GENERATIONS.filter((one) => isOccupied(this.#slots[one])).map((generation): GenerationsOutput => {
      const { state } = this.#slots[generation];
      return state === 'draining' ? { kind: 'send', generation, message } : { kind: 'kill', generation };
    });
  }

  #endIfEmpty(): readonly GenerationsOutput[] {
    if (GENERATIONS.some((one) => isOccupied(this.#slots[one]))) return [];
    this.#phase = 'ended';
    return [{ kind: 'stop-timer', timer: 'kill' }, { kind: 'ended' }];
  }
}

function freeSlot(): Slot {
  return { state: 'free', calls: 0, silentLooks: 0, isToldTaken: false };
}

/** It is to take calls, and does not yet. */
function isOnItsWay({ state }: Slot): boolean {
  return state === 'starting' || state === 'waiting';
}

/** A process of ours stands there. */
function isOccupied(slot: Slot): boolean {
  return slot.state !== 'free' && slot.state !== 'taken';
}

function other(generation: Generation): Generation {
  return generation === 'A' ? 'B' : 'A';
}

function retryAfter(afterMs: number): GenerationsOutput {
  return { kind: 'start-timer', timer: 'retry', afterMs };
}
