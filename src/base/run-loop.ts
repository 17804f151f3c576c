import type { StartedTimer, Timers } from './clock.js';

/** Longest wait, in milliseconds, that one timer of the platform can have (24.8 days): a longer one would fire at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** What every machine asks of timers, each known by its name; starting one again restarts it. */
export type TimerOutput<Timer extends string> =
  | { readonly kind: 'start-timer'; readonly timer: Timer; readonly afterMs: number }
  | { readonly kind: 'stop-timer'; readonly timer: Timer };

interface KindOfOutput {
  readonly kind: string;
}

/** What a run loop runs, and who performs what the machine asks for besides timers. */
export interface Driver<Timer extends string, Input, Output extends KindOfOutput, Subject> {
  readonly machine: { handle(input: Input): readonly (TimerOutput<Timer> | Output)[] };
  readonly timers: Timers;
  /** The input that says that a timer fired. */
  fired(timer: Timer): Input;
  /** `subject`: what the input was about, as given to `feed`. Must not throw. */
  perform(output: Output, subject: Subject | undefined): void;
}

/** An input whose turn is to come; `timer`: the one that it says has fired, which may still be stopped. */
interface Waiting<Timer extends string, Input, Subject> {
  readonly input: Input;
  readonly subject: Subject | undefined;
  readonly timer: Timer | undefined;
}

/**
 * Runs a state machine: feeds one input, performs every output in order, then feeds the next. Inputs that arise meanwhile wait
 * their turn, so that a machine never sees one half-way. A timer of 0 ms (RFC 3261 on reliable transports) is no timer: it fires
 * as soon as the outputs are performed.
 *
 * Every SIP request runs through here several times: what a feed allocates is one empty array.
 */
export class RunLoop<Timer extends string, Input, Output extends KindOfOutput, Subject = undefined> {
  readonly #driver: Driver<Timer, Input, Output, Subject>;
  readonly #running = new Map<Timer, StartedTimer>();
  /** Undefined while nothing is being performed. */
  #waiting: Waiting<Timer, Input, Subject>[] | undefined;

  constructor(driver: Driver<Timer, Input, Output, Subject>) {
    this.#driver = driver;
  }

  /**
   * Feeds an input.
   *
   * @throws RangeError of the machine, for an input that cannot be: nothing was performed of that one, and what waits behind it is
   *   dropped. The loop goes on with the next.
   */
  feed(input: Input, subject?: Subject): void {
    if (this.#waiting !== undefined) {
      this.#waiting.push({ input, subject, timer: undefined });
      return;
    }
    const waiting: Waiting<Timer, Input, Subject>[] = [];
    this.#waiting = waiting;
    try {
      this.#step(input, subject);
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) this.#step(next.input, next.subject);
    } finally {
      this.#waiting = undefined;
    }
  }

  /** Stops every timer; called when the machine is done with. */
  stop(): void {
    for (const timer of this.#running.values()) timer.stop();
    this.#running.clear();
    for (const { timer } of [...(this.#waiting ?? [])]) if (timer !== undefined) this.#withdraw(timer);
  }

  #step(input: Input, subject: Subject | undefined): void {
    for (const output of this.#driver.machine.handle(input)) {
      if (this.#isOfTimer(output)) this.#performTimer(output);
      else this.#driver.perform(output, subject);
    }
  }

  #performTimer(output: TimerOutput<Timer>): void {
    const { timer } = output;
    this.#running.get(timer)?.stop();
    this.#running.delete(timer);
    this.#withdraw(timer);
    if (output.kind === 'stop-timer') return;
    if (output.afterMs > 0) this.#start(timer, output.afterMs);
    else this.#waiting?.push({ input: this.#driver.fired(timer), subject: undefined, timer });
  }

  #start(timer: Timer, afterMs: number): void {
    const stepMs = Math.min(afterMs, LONGEST_TIMER_MS);
    const started = this.#driver.timers.start(stepMs, () => {
      this.#running.delete(timer);
      if (afterMs > stepMs) this.#start(timer, afterMs - stepMs);
      else this.feed(this.#driver.fired(timer));
    });
    this.#running.set(timer, started);
  }

  /** Takes back a timer of 0 ms whose turn has not come. */
  #withdraw(timer: Timer): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.length === 0) return;
    const at = waiting.findIndex((one) => one.timer === timer);
    if (at >= 0) waiting.splice(at, 1);
  }

  #isOfTimer(output: TimerOutput<Timer> | Output): output is TimerOutput<Timer> {
    return output.kind === 'start-timer' || output.kind === 'stop-timer';
  }
}
