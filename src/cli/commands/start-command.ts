import type { Argv } from 'yargs';
import { startDaemon } from '../../services/start-daemon.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { startOptions } from '../data-directory.js';

/** `openum start`: everything, in the foreground. */
export function addStartCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'start',
    'Run the server in the foreground until it is stopped',
    (command) =>
      command
        .option('listen', {
          type: 'string',
          requiresArg: true,
          describe: 'Bind all SIP and RTP to this address only (default: all addresses, IPv4 and IPv6)',
        })
        .example('./bin/openum start', 'data in ./data, configuration from ./msexchangeum.config if there is one')
        .example('./bin/openum start --listen 192.0.2.10 --data /var/lib/openum', 'one address, another directory'),
    (args) => context.run(false, () => startDaemon({ start: startOptions(args, args.listen), io: context.io })),
  );
}
