import { assertNever } from '../base/assert.js';
import type { MonotonicClock } from '../base/clock.js';
import { type ErrorCode, ERRORS } from '../base/errors.js';
import type { TimerOutput } from '../base/run-loop.js';
import type { FromChild, FromParent } from '../platform/process/parent-link.js';
import { log, type LogOutput } from './log-output.js';
import { restartWaitMs, STABLE_AFTER_MS } from './restart-wait.js';

/** The three services, as children of the supervisor. */
export type ServiceRole = 'mailbox' | 'router' | 'service';

export const SERVICE_ROLES: readonly ServiceRole[] = Object.freeze(['mailbox', 'router', 'service']);

/** States of the whole; see the picture at {@link SupervisorMachine}. */
export type SupervisorState = 'starting' | 'running' | 'draining' | 'stopping' | 'closing' | 'failing' | 'ended';

/** `watch`: the next look whether a child still beats; `kill`: what has not ended by then is ended. */
export type SupervisorTimer =
  `restart-${ServiceRole}` | `stable-${ServiceRole}` | `watch-${ServiceRole}` | 'drain' | 'kill';

export type SupervisorInput =
  | { readonly kind: 'start' }
  | { readonly kind: 'stop-requested' }
  | { readonly kind: 'child-said'; readonly role: ServiceRole; readonly message: FromChild }
  | { readonly kind: 'child-ended'; readonly role: ServiceRole }
  | { readonly kind: 'timer-fired'; readonly timer: SupervisorTimer };

/** The ports on which each service said that it can be reached. */
export type ReadyPorts = Readonly<Record<ServiceRole, readonly number[]>>;

export type SupervisorOutput =
  | TimerOutput<SupervisorTimer>
  | LogOutput
  | { readonly kind: 'fork'; readonly role: ServiceRole }
  | { readonly kind: 'send'; readonly role: ServiceRole; readonly message: FromParent }
  | { readonly kind: 'kill'; readonly role: ServiceRole }
  /** Everything runs for the first time. */
  | { readonly kind: 'ready'; readonly ports: ReadyPorts }
  /** The first start failed; told once for each reason. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly detail: string }
  /** New calls are refused from now on, or another call has ended since. */
  | { readonly kind: 'calls-left'; readonly count: number }
  /** The calls left are being ended. */
  | { readonly kind: 'calls-cut'; readonly count: number }
  | { readonly kind: 'exit'; readonly status: number };

export interface SupervisorMachineOptions {
  readonly clock: MonotonicClock;
  /** DrainTimeout as it is when it is needed. */
  readonly drainTimeoutMs: () => number;
}

/** A second signal within this time is the same key press, which reached us by two ways. */
const SAME_SIGNAL_MS = 1_000;
/** A child is looked at this often, and ended after so many looks without a sign of life. Counting looks instead of time keeps
 * a supervisor that was itself stopped from taking its own sleep for theirs. */
const WATCH_EVERY_MS = 2_000;
const SILENT_LOOKS = 5;
/** Loading the program on a busy machine takes its time. */
const SILENT_LOOKS_AT_START = 15;
/** What does not end by itself when it should is killed after this. */
const STOP_KILL_MS = 10_000;
const CLOSE_KILL_MS = 30_000;
/** Deaths of one child in a row that make the first start a failure. */
const DEATHS_OF_FIRST_START = 5;

type ChildState = 'absent' | 'waiting' | 'starting' | 'listening' | 'ready';

interface Watched {
  state: ChildState;
  /** Deaths in a row soon after the start. */
  deaths: number;
  silentLooks: number;
  ports: readonly number[];
}

/**
 * Keeps the three services running, and ends them in the right order.
 *
 * ```text
 *  start +----------+ all three ready +---------+
 * ------>| Starting |---------------->| Running |      a child that ends is started again, in every state
 *        +----------+                 +---------+      but Closing, Failing (and the UM service: Draining)
 *          |      | stop-requested       | stop-requested: router and service drain
 *    fatal |      +----------+-----------+
 *          v                 v
 *     +---------+       +----------+ again, or DrainTimeout +----------+
 *     | Failing |       | Draining |----------------------->| Stopping |  stop-now to the UM service;
 *     +---------+       +----------+                        +----------+  the router goes on refusing calls
 *          |                 | the UM service has ended          |
 *          |                 +-----------------+-----------------+
 *          |                                   v
 *          | all have ended              +---------+
 *          |                             | Closing |  router, then mailbox service
 *          v exit 2                      +---------+
 *     +-------+  exit 0, all have ended        |
 *     | Ended |<-------------------------------+
 *     +-------+
 * ```
 *
 * Pure: forks nothing and starts no timer. Feed one input, perform every output, then feed the next.
 */
export class SupervisorMachine {
  #state: SupervisorState = 'starting';
  #calls = 0;
  #drainingSinceMs = 0;
  #failStatus = 2;
  readonly #clock: MonotonicClock;
  readonly #drainTimeoutMs: () => number;
  readonly #children: Readonly<Record<ServiceRole, Watched>> = {
    mailbox: unborn(),
    router: unborn(),
    service: unborn(),
  };

  constructor(options: SupervisorMachineOptions) {
    this.#clock = options.clock;
    this.#drainTimeoutMs = options.drainTimeoutMs;
  }

  get state(): SupervisorState {
    return this.#state;
  }

  /** Advances the machine by one input; the outputs must be performed in their order. */
  handle(input: SupervisorInput): readonly SupervisorOutput[] {
    if (this.#state === 'ended') return [];
    switch (input.kind) {
      case 'start':
        return SERVICE_ROLES.flatMap((role) => this.#fork(role));
      case 'stop-requested':
        return this.#onStopRequested();
      case 'child-said':
        return this.#onChildSaid(input.role, input.message);
      case 'child-ended':
        return this.#onChildEnded(input.role);
      case 'timer-fired':
        return this.#onTimer(input.timer);
      default:
        return assertNever(input, 'supervisor input');
    }
  }

  #fork(role: ServiceRole): readonly SupervisorOutput[] {
    const child = this.#children[role];
    Object.assign(child, { state: 'starting', silentLooks: SILENT_LOOKS - SILENT_LOOKS_AT_START, ports: [] });
    return [
      { kind: 'fork', role },
      { kind: 'start-timer', timer: `stable-${role}`, afterMs: STABLE_AFTER_MS },
      { kind: 'start-timer', timer: `watch-${role}`, afterMs: WATCH_EVERY_MS },
      ...(role === 'router' ? this.#routerBriefing() : []),
    ];
  }

  /** What a router must know before it opens its port. */
  #routerBriefing(): readonly SupervisorOutput[] {
    const { state } = this.#children.service;
    const up = state === 'listening' || state === 'ready';
    const drain = this.#state === 'starting' || this.#state === 'running' ? [] : [toRouter({ kind: 'drain' })];
    return [toRouter({ kind: 'service-state', up }), ...drain];
  }

  #onStopRequested(): readonly SupervisorOutput[] {
    switch (this.#state) {
      case 'starting':
      case 'running':
        return this.#drain();
      case 'draining':
        return this.#clock.nowMs() - this.#drainingSinceMs > SAME_SIGNAL_MS ? this.#stopNow('asked again') : [];
      default:
        return [];
    }
  }

  #drain(): readonly SupervisorOutput[] {
    this.#state = 'draining';
    this.#drainingSinceMs = this.#clock.nowMs();
    const afterMs = this.#drainTimeoutMs();
    return [
      log(
        'info',
        { event: 'draining', calls: this.#calls, drainTimeoutMs: afterMs },
        'stopping: no new calls are taken',
      ),
      toRouter({ kind: 'drain' }),
      { kind: 'send', role: 'service', message: { kind: 'drain' } },
      { kind: 'start-timer', timer: 'drain', afterMs },
      { kind: 'calls-left', count: this.#calls },
      ...(isGone(this.#children.service) ? this.#close() : []),
    ];
  }

  #stopNow(why: string): readonly SupervisorOutput[] {
    this.#state = 'stopping';
    const facts = { event: 'stopping-now', calls: this.#calls, why };
    return [
      log('warn', facts, 'calls in progress are ended now, their messages are kept'),
      { kind: 'calls-cut', count: this.#calls },
      { kind: 'stop-timer', timer: 'drain' },
      { kind: 'send', role: 'service', message: { kind: 'stop-now' } },
      { kind: 'start-timer', timer: 'kill', afterMs: STOP_KILL_MS },
    ];
  }

  /** The UM service and its workers have ended: router and mailbox service follow, in this order. */
  #close(): readonly SupervisorOutput[] {
    this.#state = 'closing';
    return [{ kind: 'stop-timer', timer: 'drain' }, ...this.#forgetRestarts(), ...this.#closeNext()];
  }

  #closeNext(): readonly SupervisorOutput[] {
    const patience: SupervisorOutput = { kind: 'start-timer', timer: 'kill', afterMs: CLOSE_KILL_MS };
    if (!isGone(this.#children.router)) return [toRouter({ kind: 'stop-now' }), patience];
    if (isGone(this.#children.mailbox)) return this.#end(0);
    return [{ kind: 'send', role: 'mailbox', message: { kind: 'drain' } }, patience];
  }

  #fail(code: ErrorCode, detail: string): readonly SupervisorOutput[] {
    const failed: SupervisorOutput = { kind: 'failed', code, detail };
    if (this.#state === 'failing') return [failed];
    this.#state = 'failing';
    const spec = ERRORS[code];
    this.#failStatus = 'exit' in spec ? spec.exit : code === 'internal-fault' ? 1 : 2;
    const alive = SERVICE_ROLES.filter((role) => !isGone(this.#children[role]));
    return [
      failed,
      ...this.#forgetRestarts(),
      ...alive.map((role): SupervisorOutput => {
        return { kind: 'send', role, message: { kind: role === 'mailbox' ? 'drain' : 'stop-now' } };
      }),
      { kind: 'start-timer', timer: 'kill', afterMs: STOP_KILL_MS },
      ...(alive.length === 0 ? this.#end(this.#failStatus) : []),
    ];
  }

  #forgetRestarts(): readonly SupervisorOutput[] {
    return SERVICE_ROLES.filter((role) => this.#children[role].state === 'waiting').map((role): SupervisorOutput => {
      this.#children[role].state = 'absent';
      return { kind: 'stop-timer', timer: `restart-${role}` };
    });
  }

  #end(status: number): readonly SupervisorOutput[] {
    this.#state = 'ended';
    return [
      { kind: 'stop-timer', timer: 'kill' },
      { kind: 'exit', status },
    ];
  }

  #onChildSaid(role: ServiceRole, message: FromChild): readonly SupervisorOutput[] {
    const child = this.#children[role];
    if (isGone(child)) return [];
    child.silentLooks = 0;
    switch (message.kind) {
      case 'heartbeat':
        return [];
      case 'listening':
        child.state = 'listening';
        return role === 'service' ? [toRouter({ kind: 'service-state', up: true })] : [];
      case 'ready':
        return this.#onReady(role, message.ports ?? []);
      case 'calls':
        return role === 'service' ? this.#onCalls(message.count) : [];
      case 'fatal':
        return this.#onFatal(role, message.code, message.detail);
      default:
        return assertNever(message, 'message of a child');
    }
  }

  #onReady(role: ServiceRole, ports: readonly number[]): readonly SupervisorOutput[] {
    const child = this.#children[role];
    const before = child.state;
    child.state = 'ready';
    child.ports = ports;
    if (before === 'ready') return []; // it says so again when its ports have changed
    const said = log('info', { event: 'process-ready', role, ports }, `the ${NAMES[role]} is ready`);
    if (this.#state !== 'starting' || SERVICE_ROLES.some((other) => this.#children[other].state !== 'ready'))
      return [said];
    this.#state = 'running';
    const { mailbox, router, service } = this.#children;
    return [said, { kind: 'ready', ports: { mailbox: mailbox.ports, router: router.ports, service: service.ports } }];
  }

  #onCalls(count: number): readonly SupervisorOutput[] {
    if (count === this.#calls) return [];
    this.#calls = count;
    return this.#state === 'draining' || this.#state === 'stopping' ? [{ kind: 'calls-left', count }] : [];
  }

  #onFatal(role: ServiceRole, code: ErrorCode, detail: string): readonly SupervisorOutput[] {
    const said = log(
      'error',
      { event: 'process-fault', role, code, detail },
      `the ${NAMES[role]} cannot work: ${detail}`,
    );
    return this.#state === 'starting' || this.#state === 'failing' ? [said, ...this.#fail(code, detail)] : [said];
  }

  #onChildEnded(role: ServiceRole): readonly SupervisorOutput[] {
    const child = this.#children[role];
    if (isGone(child)) return [];
    child.state = 'absent';
    child.deaths += 1;
    const gone: readonly SupervisorOutput[] = [
      { kind: 'stop-timer', timer: `watch-${role}` },
      { kind: 'stop-timer', timer: `stable-${role}` },
      ...(role === 'service' ? [toRouter({ kind: 'service-state', up: false })] : []),
    ];
    if (role === 'service') this.#calls = 0;
    return [...gone, ...this.#afterEnd(role)];
  }

  #afterEnd(role: ServiceRole): readonly SupervisorOutput[] {
    switch (this.#state) {
      case 'starting':
        return this.#children[role].deaths >= DEATHS_OF_FIRST_START ? this.#cannotStart(role) : this.#restart(role);
      case 'running':
        return this.#restart(role);
      case 'draining':
      case 'stopping':
        return role === 'service' ? this.#close() : this.#restart(role);
      case 'closing':
        return this.#closeNext();
      case 'failing':
        return SERVICE_ROLES.every((other) => isGone(this.#children[other])) ? this.#end(this.#failStatus) : [];
      default:
        return [];
    }
  }

  #cannotStart(role: ServiceRole): readonly SupervisorOutput[] {
    const times = String(DEATHS_OF_FIRST_START);
    return this.#fail('internal-fault', `the ${NAMES[role]} ended ${times} times before it was ready`);
  }

  #restart(role: ServiceRole): readonly SupervisorOutput[] {
    const afterMs = restartWaitMs(this.#children[role].deaths);
    const said = log('warn', { event: 'process-restarted', role, afterMs }, `the ${NAMES[role]} is started again`);
    if (afterMs === 0) return [said, ...this.#fork(role)];
    this.#children[role].state = 'waiting';
    return [said, { kind: 'start-timer', timer: `restart-${role}`, afterMs }];
  }

  #onTimer(timer: SupervisorTimer): readonly SupervisorOutput[] {
    if (timer === 'drain') return this.#state === 'draining' ? this.#stopNow('DrainTimeout has passed') : [];
    if (timer === 'kill') return this.#killWhatIsLeft();
    const [what, role] = splitTimer(timer);
    switch (what) {
      case 'restart':
        return this.#children[role].state === 'waiting' ? this.#fork(role) : [];
      case 'stable':
        this.#children[role].deaths = 0;
        return [];
      case 'watch':
        return this.#onWatch(role);
      default:
        return assertNever(what, 'supervisor timer');
    }
  }

  #onWatch(role: ServiceRole): readonly SupervisorOutput[] {
    const child = this.#children[role];
    if (isGone(child)) return [];
    child.silentLooks += 1;
    const again: SupervisorOutput = { kind: 'start-timer', timer: `watch-${role}`, afterMs: WATCH_EVERY_MS };
    return child.silentLooks < SILENT_LOOKS ? [again] : [...kill(role, 'it gave no sign of life'), again];
  }

  #killWhatIsLeft(): readonly SupervisorOutput[] {
    const alive = SERVICE_ROLES.filter((role) => !isGone(this.#children[role]));
    if (this.#state === 'failing') return alive.flatMap((role) => kill(role, 'it did not end in time'));
    // In the order of their end: the mailbox service, which takes messages in, is the last.
    const next = (['service', 'router', 'mailbox'] as const).find((role) => alive.includes(role));
    return next === undefined ? [] : kill(next, 'it did not end in time');
  }
}

/** What each service is called in words for people. */
export const NAMES: Readonly<Record<ServiceRole, string>> = Object.freeze({
  mailbox: 'mailbox service',
  router: 'call router',
  service: 'UM service',
});

function unborn(): Watched {
  return { state: 'absent', deaths: 0, silentLooks: 0, ports: [] };
}

function isGone(child: Watched): boolean {
  return child.state === 'absent' || child.state === 'waiting';
}

function toRouter(message: FromParent): SupervisorOutput {
  return { kind: 'send', role: 'router', message };
}

function kill(role: ServiceRole, reason: string): readonly SupervisorOutput[] {
  const said = log('error', { event: 'process-killed', role, reason }, `the ${NAMES[role]} is ended: ${reason}`);
  return [said, { kind: 'kill', role }];
}

function splitTimer(timer: Exclude<SupervisorTimer, 'drain' | 'kill'>): ['restart' | 'stable' | 'watch', ServiceRole] {
  const role = SERVICE_ROLES.find((one) => timer.endsWith(`-${one}`)) ?? 'mailbox';
  return [timer.startsWith('restart') ? 'restart' : timer.startsWith('stable') ? 'stable' : 'watch', role];
}
