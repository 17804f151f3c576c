import yargs, { type Argv } from 'yargs';
import { UmError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import type { CommandContext, SharedArguments } from './command-context.js';
import { type CommandIo, EXIT, printFault } from './command-io.js';
import { prepareWords } from './command-words.js';
import { addDirectoryCommand } from './commands/directory-command.js';
import { addMessagesCommand } from './commands/messages-command.js';
import { addOutboxCommand } from './commands/outbox-command.js';
import { addStartCommand } from './commands/start-command.js';
import { addStatusCommand } from './commands/status-command.js';
import { addStopCommand } from './commands/stop-command.js';
import { addTestCallCommand } from './commands/test-call-command.js';
import { fileUnusable } from './file-fault.js';

/**
 * Runs one command line (the words after the program's name); its exit status. Extensions, PINs and ids stay strings.
 */
export async function runProgram(
  words: readonly string[],
  io: CommandIo,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
  let status: number;
  try {
    status = await dispatch(prepareWords(words), io, environment);
  } catch (error) {
    const json = words.some((word) => /^--json(?:=|$)/u.test(word));
    status = printFault(io, json, error);
  }
  const lost = await io.written();
  if (lost === undefined) return status;
  const fault = printFault(io, false, fileUnusable('standard output cannot be written', lost));
  return status === EXIT.done ? fault : status;
}

/** @throws UmError 'usage-wrong' */
async function dispatch(words: readonly string[], io: CommandIo, environment: NodeJS.ProcessEnv): Promise<number> {
  let status: number = EXIT.done;
  const context: CommandContext = {
    io,
    environment,
    run: async (json, work) => {
      try {
        status = await work();
      } catch (error) {
        status = printFault(io, json, error);
      }
    },
  };
  let refused: UmError | undefined;
  const program = addCommands(shared(words), context)
    .demandCommand(1, 'say what to do: start, stop, status, test-call, messages, outbox or directory')
    .fail((message, error, usage) => {
      // In spite of its type this is what prints usage: `help` is the text of the command in question.
      const help: unknown = usage.help();
      refused = new UmError('usage-wrong', usageFault(message || error.message, words, String(help)));
      throw refused;
    });
  await program.parse([...words], {}, (_fault, _args, output) => {
    if (output !== '' && refused === undefined) io.out(`${output}\n`);
  });
  return status;
}

/** What is wrong, and how the command is used; an option that the command does not have is the fault before all others. */
function usageFault(message: string, words: readonly string[], help: string): string {
  const [usage = ''] = help.split('\n');
  return `${plainly(message, words, help)} (usage: ${usage})`;
}

/** What yargs says, in our words; what a command itself says stays. */
function plainly(message: string, words: readonly string[], help: string): string {
  const options = words.filter((word) => word.startsWith('--')).map((word) => word.replace(/[=].*/su, ''));
  const unknown = /^Unknown arguments?: (?<names>.*)$/su.exec(message)?.groups?.['names'];
  if (unknown !== undefined) {
    const named = unknown.split(', ').map((name) => options.find((option) => option === `--${name}`) ?? name);
    return `unknown here: ${named.join(', ')}`;
  }
  if (!message.startsWith('Not enough non-option arguments')) return message;
  // yargs takes the word behind an option that it does not know for its value.
  const strange = options.filter((option) => !help.includes(option.replace(/^--no-/u, '--')));
  return strange.length > 0 ? `unknown here: ${strange.join(', ')}` : 'an argument is missing';
}

function shared(words: readonly string[]): Argv<SharedArguments> {
  return (
    yargs([...words])
      .scriptName('./bin/openum')
      .parserConfiguration({
        'parse-numbers': false,
        'parse-positional-numbers': false,
        'duplicate-arguments-array': false,
        'dot-notation': false,
      })
      .usage('$0 COMMAND [OPTIONS]\n\nOpenUM, an open unified-messaging server')
      .option('data', {
        type: 'string',
        requiresArg: true,
        describe: 'The data directory (default: OPENUM_DATA, else DataDirectory of the configuration, else ./data)',
      })
      .option('config', {
        type: 'string',
        requiresArg: true,
        describe: 'The configuration file (default: ./msexchangeum.config if there is one)',
      })
      .version(VERSION)
      .help()
      .alias('help', 'h')
      .strict()
      .exitProcess(false)
      // Its own words follow the user's locale, ours are English; and it would wrap in the midst of a word.
      .locale('en')
      .wrap(null)
  );
}

function addCommands(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  const daemon = addStatusCommand(addStopCommand(addStartCommand(program, context), context), context);
  const mailboxes = addOutboxCommand(addMessagesCommand(addTestCallCommand(daemon, context), context), context);
  return addDirectoryCommand(mailboxes, context);
}
