import type { CommandIo } from './command-io.js';

/** What a command is given beside its own arguments. */
export interface CommandContext {
  readonly io: CommandIo;
  readonly environment: NodeJS.ProcessEnv;
  /** Runs a command's work; what it throws is told, and becomes the exit status. */
  run(json: boolean, work: () => Promise<number>): Promise<void>;
}

/** The options that every command has. */
export interface SharedArguments {
  readonly data: string | undefined;
  readonly config: string | undefined;
}
