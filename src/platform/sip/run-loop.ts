import type { StartedTimer, Timers } from '../../base/clock.js';

/** What every transaction asks of timers. */
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

/**
 * Runs a state machine: feeds one input, performs every output in order, then feeds the next. Inputs that arise meanwhile
 * wait their turn. A timer of 0 ms (reliable transports) is no timer: it fires as soon as the outputs are performed.
 */
export class RunLoop<Timer extends string, Input, Output extends KindOfOutput, Subject> {
  readonly #driver: Driver<Timer, Input, Output, Subject>;
  readonly #running = new Map<Timer, StartedTimer>();
  /** Inputs whose turn is to come; undefined while nothing is being performed. */
  #queue: (readonly [Input, Subject | undefined])[] | undefined;

  constructor(driver: Driver<Timer, Input, Output, Subject>) {
    this.#driver = driver;
  }

  /**
   * Feeds an input.
   *
   * @throws RangeError of the machine, for an input that cannot be; nothing was performed
   */
  feed(input: Input, subject?: Subject): void {
    if (this.#queue !== undefined) {
      this.#queue.push([input, subject]);
      return;
    }
    this.#queue = [];
    try {
      this.#perform(input, subject);
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#perform(...next);
    } finally {
      this.#queue = undefined;
    }
  }

  /** Stops every timer; called when the machine is done with. */
  stop(): void {
    for (const timer of this.#running.values()) timer.stop();
    this.#running.clear();
  }

  #perform(input: Input, subject: Subject | undefined): void {
    for (const output of this.#driver.machine.handle(input)) {
      if (this.#isOfTimer(output)) this.#performTimer(output);
      else this.#driver.perform(output, subject);
    }
  }

  #performTimer(output: TimerOutput<Timer>): void {
    const { timer } = output;
    this.#running.get(timer)?.stop();
    this.#running.delete(timer);
    if (output.kind === 'stop-timer') return;
    if (output.afterMs === 0) {
      this.#queue?.push([this.#driver.fired(timer), undefined]);
      return;
    }
    const started = this.#driver.timers.start(output.afterMs, () => {
      this.#running.delete(timer);
      this.feed(this.#driver.fired(timer));
    });
    this.#running.set(timer, started);
  }

  #isOfTimer(output: TimerOutput<Timer> | Output): output is TimerOutput<Timer> {
    return output.kind === 'start-timer' || output.kind === 'stop-timer';
  }
}
