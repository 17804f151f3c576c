import type { Argv } from 'yargs';
import { UmError } from '../../base/errors.js';
import { loadConfig } from '../../platform/config/config-file.js';
import { createLogger } from '../../platform/logging.js';
import { hostPortText, parseTarget } from '../../platform/network/target-address.js';
import { spokenAudio } from '../../services/spoken-audio.js';
import { testCall } from '../../services/test-caller.js';
import { describeHop } from '../../services/test-call-words.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { startOptions } from '../data-directory.js';

const LOOPBACK = '127.0.0.1';

/** `openum test-call`: a real caller that shows each hop. */
export function addTestCallCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'test-call <extension>',
    'Call a mailbox as a gateway would, leave a message, and show each hop',
    (command) =>
      command
        .positional('extension', { type: 'string', demandOption: true, describe: 'The extension that did not answer' })
        .option('to', {
          type: 'string',
          requiresArg: true,
          describe: 'HOST[:PORT] of the call router (default: where the configuration has it, on this machine)',
        })
        .option('from', { type: 'string', requiresArg: true, default: '5551234', describe: 'The number that calls' })
        .option('say', {
          type: 'string',
          requiresArg: true,
          describe: 'A WAV file to speak (default: a shipped sample)',
        })
        .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document' })
        .example('./bin/openum test-call 1000', 'a message for extension 1000')
        .example('./bin/openum test-call 1000 --to 192.0.2.10:5060 --say hello.wav', 'on another machine'),
    (args) =>
      context.run(args.json, async () => {
        const { destination, localAddress } = await parseTarget(args.to ?? ownRouter(args, context.environment));
        const hops: unknown[] = [];
        const result = await testCall({
          extension: args.extension,
          to: destination,
          localAddress,
          from: args.from,
          audio: spokenAudio(args.say),
          log: createLogger('test-call', 'error', 'command'),
          onHop: (hop) => {
            hops.push(hop);
            if (!args.json) context.io.out(`${describeHop(hop)}\n`);
          },
        });
        if (args.json) printFacts(context.io, true, { ...result, hops }, () => '');
        return result.answered ? EXIT.done : EXIT.failed;
      }),
  );
}

/** The call router of the server that the configuration describes; where the defaults have it while the configuration is faulty. */
function ownRouter(shared: SharedArguments, environment: NodeJS.ProcessEnv): string {
  try {
    const { listenAddress, sipTcpListeningPort } = loadConfig(startOptions(shared), environment).config;
    return hostPortText({ address: listenAddress ?? LOOPBACK, port: sipTcpListeningPort });
  } catch (error) {
    if (error instanceof UmError && error.code === 'config-faulty') return LOOPBACK;
    throw error;
  }
}
