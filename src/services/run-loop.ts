/** A state machine of ours: one input in, the outputs it asks for out, in order. */
export interface Machine<Input, Output> {
  handle(input: Input): readonly Output[];
}

/**
 * Drives a machine: performs every output of an input before it feeds the next. Inputs that arise while outputs are performed
 * wait their turn, so that a machine never sees one half-way.
 */
export class RunLoop<Input, Output> {
  readonly #machine: Machine<Input, Output>;
  readonly #perform: (output: Output) => void;
  readonly #waiting: Input[] = [];
  #isRunning = false;

  constructor(machine: Machine<Input, Output>, perform: (output: Output) => void) {
    this.#machine = machine;
    this.#perform = perform;
  }

  feed(input: Input): void {
    this.#waiting.push(input);
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        for (const output of this.#machine.handle(next)) this.#perform(output);
      }
    } finally {
      this.#isRunning = false;
    }
  }
}
