import type { CommandIo } from '../../src/cli/command-io.js';
import { runProgram } from '../../src/cli/program.js';

/** Streams of a command that a test plays. */
export class ScriptedIo implements CommandIo {
  readonly isTerminal = false;
  readonly #out: Uint8Array[] = [];
  readonly #input: Iterable<Uint8Array>;
  readonly #lost: Error | undefined;
  /** Everything that was written for people. */
  told = '';

  constructor(script: { readonly input?: Iterable<Uint8Array>; readonly lost?: Error } = {}) {
    this.#input = script.input ?? [];
    this.#lost = script.lost;
  }

  out(data: string | Uint8Array): void {
    this.#out.push(Buffer.from(data));
  }

  err(text: string): void {
    this.told += text;
  }

  async *input(): AsyncIterable<Uint8Array> {
    await Promise.resolve();
    yield* this.#input;
  }

  written(): Promise<Error | undefined> {
    return Promise.resolve(this.#lost);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#out);
  }
}

/** What a command line came to. */
export interface ProgramResult {
  readonly status: number;
  readonly out: string;
  readonly bytes: Buffer;
  readonly err: string;
}

/** Runs one command line in this process, in an empty environment. */
export async function runScripted(words: readonly string[], io = new ScriptedIo()): Promise<ProgramResult> {
  const status = await runProgram(words, io, {});
  return { status, out: io.bytes.toString(), bytes: io.bytes, err: io.told };
}
