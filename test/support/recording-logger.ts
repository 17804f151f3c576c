import type { LogFacts, Logger } from '../../src/base/logger.js';

/** A logger that keeps its lines. */
export class RecordingLogger implements Logger {
  readonly lines: (LogFacts & { readonly level: string; readonly sentence: string })[] = [];

  debug(facts: LogFacts, sentence: string): void {
    this.lines.push({ ...facts, level: 'debug', sentence });
  }

  info(facts: LogFacts, sentence: string): void {
    this.lines.push({ ...facts, level: 'info', sentence });
  }

  warn(facts: LogFacts, sentence: string): void {
    this.lines.push({ ...facts, level: 'warn', sentence });
  }

  error(facts: LogFacts, sentence: string): void {
    this.lines.push({ ...facts, level: 'error', sentence });
  }

  child(): Logger {
    return this;
  }

  /** Events of its lines, in order. */
  get events(): string[] {
    return this.lines.map(({ event }) => event ?? '');
  }
}
