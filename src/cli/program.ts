import yargs, { type Argv } from 'yargs';
import { UmError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import type { CommandContext, SharedArguments } from './command-context.js';
import { type CommandIo, EXIT, printFault } from './command-io.js';
import { addDirectoryCommand } from './commands/directory-command.js';
import { addMessagesCommand } from './commands/messages-command.js';
import { addOutboxCommand } from './commands/outbox-command.js';
import { addStartCommand } from './commands/start-command.js';
import { addStatusCommand } from './commands/status-command.js';
import { addStopCommand } from './commands/stop-command.js';
import { addTestCallCommand } from './commands/test-call-command.js';

/**
 * Runs one command line (the words after the program's name); its exit status. Extensions, PINs and ids stay strings.
 */
export async function runProgram(
  words: readonly string[],
  io: CommandIo,
  environment: NodeJS.ProcessEnv,
): Promise<number> {
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
  let refused = '';
  const program = addCommands(shared(words), context)
    .demandCommand(1, 'say what to do: one of the commands above')
    .fail((message, error) => {
      refused = message || error.message;
      throw error instanceof Error ? error : new Error(message);
    });
  try {
    await program.parse([...words], {}, (_fault, _args, output) => {
      if (output !== '' && refused === '') io.out(`${output}\n`);
    });
  } catch (error) {
    if (refused === '') return printFault(io, words.includes('--json'), error);
    return printFault(io, words.includes('--json'), new UmError('usage-wrong', refused));
  }
  return status;
}

function shared(words: readonly string[]): Argv<SharedArguments> {
  return (
    yargs([...words])
      .scriptName('./bin/openum')
      .parserConfiguration({
        'parse-numbers': false,
        'parse-positional-numbers': false,
        'duplicate-arguments-array': false,
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
