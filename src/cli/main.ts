import type { CommandIo } from './command-io.js';
import { runProgram } from './program.js';

const io: CommandIo = {
  isTerminal: process.stderr.isTTY,
  out: (text) => {
    process.stdout.write(text);
  },
  err: (text) => {
    process.stderr.write(text);
  },
};

// A reader that closes early (`| head`) is no fault of the command.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

process.exitCode = await runProgram(process.argv.slice(2), io, process.env);
