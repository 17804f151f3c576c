import { ERRORS, UmError } from '../base/errors.js';

/** What a command reads and writes: facts to `out`, everything else to `err`. */
export interface CommandIo {
  /** Whether a person reads `err`. */
  readonly isTerminal: boolean;
  out(data: string | Uint8Array): void;
  err(text: string): void;
  /** Standard input, until its end. */
  input(): AsyncIterable<Uint8Array>;
  /** Resolves when all of `out` has gone its way: why some was lost, unless its reader went away (`| head`). */
  written(): Promise<Error | undefined>;
}

/** Exit statuses of the command line. */
export const EXIT = { done: 0, failed: 1, usage: 2, noDaemon: 3, notFound: 4 } as const;

/** Prints facts: one JSON document, or the words that `words` makes of them. */
export function printFacts<T>(io: CommandIo, json: boolean, facts: T, words: (facts: T) => string): void {
  io.out(json ? `${JSON.stringify(facts, null, 2)}\n` : `${words(facts)}\n`);
}

/** Says why a command failed, and what to do; its exit status. */
export function printFault(io: CommandIo, json: boolean, fault: unknown): number {
  if (!(fault instanceof UmError)) {
    const words = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
    if (json) io.out(`${JSON.stringify({ error: { code: 'internal-fault', detail: words } }, null, 2)}\n`);
    io.err(`openum: ${words}\n`);
    return EXIT.failed;
  }
  const spec = ERRORS[fault.code];
  const details = fault.detail.split('\n');
  if (json) io.out(`${JSON.stringify({ error: { code: fault.code, detail: details } }, null, 2)}\n`);
  const [first = '', ...more] = details;
  const facts = more.length === 0 ? `: ${first}` : `:\n${details.map((line) => `  ${line}`).join('\n')}`;
  io.err(`openum: ${spec.summary}${facts} [${fault.code}]\n  ${spec.advice}\n`);
  return 'exit' in spec ? (spec.exit ?? EXIT.failed) : EXIT.failed;
}
