/** Facts of one log line. `event` is a stable kebab-case name that an admin's tools may match on. */
export interface LogFacts {
  readonly event?: string;
  readonly [fact: string]: unknown;
}

/** What every layer logs through: facts for programs first, then one sentence for people. */
export interface Logger {
  debug(facts: LogFacts, sentence: string): void;
  info(facts: LogFacts, sentence: string): void;
  warn(facts: LogFacts, sentence: string): void;
  error(facts: LogFacts, sentence: string): void;
  /** A logger that adds `facts` to each of its lines. */
  child(facts: LogFacts): Logger;
}
