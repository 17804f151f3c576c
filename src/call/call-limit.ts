/** A place among the calls allowed. Giving it back twice does nothing. */
export interface CallPlace {
  release(): void;
}

/**
 * MaxCallsAllowed: calls of this worker, those being set up among them, and those of the other generation count together.
 * Stops a burst of calls from starving the ones that are up.
 */
export class CallLimit {
  readonly #onChange: (own: number) => void;
  #own = 0;
  #others = 0;

  /** @param onChange - told the number of calls here whenever it changes */
  constructor(onChange: (own: number) => void) {
    this.#onChange = onChange;
  }

  get own(): number {
    return this.#own;
  }

  /** Calls up in the other generation, as the UM service last told. */
  set others(count: number) {
    this.#others = count;
  }

  /** @returns undefined when `allowed` calls are up already */
  take(allowed: number): CallPlace | undefined {
    if (this.#own + this.#others >= allowed) return undefined;
    this.#count(1);
    let isTaken = true;
    return {
      release: () => {
        if (isTaken) this.#count(-1);
        isTaken = false;
      },
    };
  }

  #count(by: number): void {
    this.#own += by;
    this.#onChange(this.#own);
  }
}
