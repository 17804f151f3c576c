import type { LogFacts } from '../base/logger.js';

/** What a machine has to say in the log. */
export interface LogOutput {
  readonly kind: 'log';
  readonly level: 'info' | 'warn' | 'error';
  readonly facts: LogFacts;
  /** One sentence for people. */
  readonly words: string;
}

/** One line of the log, as a machine's output. */
export function log(level: LogOutput['level'], facts: LogFacts, words: string): LogOutput {
  return { kind: 'log', level, facts, words };
}
