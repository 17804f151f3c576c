import type { Argv } from 'yargs';
import { UmError } from '../../base/errors.js';
import type { ControlMethods } from '../../mailbox/control-protocol.js';
import { loadConfig } from '../../platform/config/config-file.js';
import { askDaemon } from '../../platform/control/control-client.js';
import { createLogger } from '../../platform/logging.js';
import { hostPortText, parseTarget, type Target } from '../../platform/network/target-address.js';
import { runningDaemon } from '../../platform/process/running-daemon.js';
import { spokenAudio } from '../../services/spoken-audio.js';
import { testCall, type TestCallHop, type TestCallResult } from '../../services/test-caller.js';
import { describeHop } from '../../services/test-call-words.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { dataDirectoryOf, startOptions } from '../data-directory.js';
import { shellWord } from '../text-table.js';

const LOOPBACK = '127.0.0.1';

interface TestCallArguments extends SharedArguments {
  readonly extension: string;
  readonly pilot: string | undefined;
  readonly to: string | undefined;
  readonly from: string;
  readonly say: string | undefined;
  readonly json: boolean;
}

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
          describe: 'HOST[:PORT] of the call router (default: that of the running server, else of the configuration)',
        })
        .option('pilot', {
          type: 'string',
          requiresArg: true,
          describe: 'The number of a hunt group that the PBX dials (default: the extension itself)',
        })
        .option('from', { type: 'string', requiresArg: true, default: '5551234', describe: 'The number that calls' })
        .option('say', {
          type: 'string',
          requiresArg: true,
          describe: 'A WAV file to speak (default: a shipped sample)',
        })
        .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document' })
        .example('./bin/openum test-call 1000', 'a message for extension 1000')
        .example('./bin/openum test-call 1000 --pilot 5000', 'diverted to a hunt group that has a number')
        .example('./bin/openum test-call 1000 --to 192.0.2.10:5060 --say hello.wav', 'on another machine'),
    (args) => context.run(args.json, () => runTestCall(args, context)),
  );
}

async function runTestCall(args: TestCallArguments, context: CommandContext): Promise<number> {
  const target = await targetOf(args.to ?? (await ownRouter(args, context.environment)));
  const hops: TestCallHop[] = [];
  let result: TestCallResult;
  try {
    result = await testCall({
      extension: args.extension,
      ...(args.pilot === undefined ? {} : { pilot: args.pilot }),
      to: target.destination,
      localAddress: target.localAddress,
      from: args.from,
      audio: spokenAudio(args.say),
      log: createLogger('test-call', 'error', 'command'),
      onHop: (hop) => {
        hops.push(hop);
        if (!args.json) context.io.out(`${describeHop(hop)}\n`);
      },
    });
  } catch (error) {
    // Before the first hop it is the router that cannot be reached.
    throw error instanceof UmError && error.code === 'call-failed' && hops.length === 0
      ? new UmError('call-failed', `${error.detail}\n${wayOut(args, context.environment)}`, { cause: error })
      : error;
  }
  if (args.json) printFacts(context.io, true, { ...result, hops }, () => '');
  else if (result.answered) context.io.err(nextStep(args));
  return result.answered ? EXIT.done : EXIT.failed;
}

/** @throws UmError 'usage-wrong' when `text` is no HOST[:PORT], 'call-failed' when it cannot be found or reached */
async function targetOf(text: string): Promise<Target> {
  try {
    return await parseTarget(text);
  } catch (error) {
    // With a cause it is the network's, not a slip of the pen.
    if (!(error instanceof UmError) || error.cause === undefined) throw error;
    throw new UmError('call-failed', `${error.detail}: is --to right?`, { cause: error });
  }
}

/**
 * The call router of this server: where the running daemon has it, else where the configuration would; where the defaults have
 * it while the configuration is faulty.
 */
async function ownRouter(shared: SharedArguments, environment: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { dataDirectory, listenAddress, sipTcpListeningPort } = loadConfig(startOptions(shared), environment).config;
    const running = await runningRouter(dataDirectory);
    const address = running ? running.address : listenAddress;
    return hostPortText({ address: address ?? LOOPBACK, port: running?.port ?? sipTcpListeningPort });
  } catch (error) {
    if (error instanceof UmError && error.code === 'config-faulty') return LOOPBACK;
    throw error;
  }
}

/** Undefined when no daemon runs, or cannot be asked. */
async function runningRouter(dataDirectory: string): Promise<ControlMethods['router-end']['result'] | undefined> {
  try {
    return await askDaemon(dataDirectory, 'router-end', {});
  } catch (error) {
    if (error instanceof UmError) return undefined;
    throw error;
  }
}

/** What to do when no router is where it was looked for. */
function wayOut(shared: SharedArguments, environment: NodeJS.ProcessEnv): string {
  try {
    const data = dataDirectoryOf(shared, environment);
    return runningDaemon(data) === undefined
      ? `no OpenUM runs on ${data}: start it, or name the call router of another with --to HOST[:PORT]`
      : `OpenUM runs on ${data}: name the address of its call router with --to, as given to start --listen`;
  } catch (error) {
    // A faulty configuration, or another user's directory: this is not the fault to be told.
    if (error instanceof UmError)
      return 'whether OpenUM runs here is not known: name its call router with --to HOST[:PORT]';
    throw error;
  }
}

function nextStep({ extension, data, to }: TestCallArguments): string {
  const flag = data === undefined ? '' : ` --data ${shellWord(data)}`;
  const where = to === undefined ? '' : ', on the server that was called';
  return `  To find the message:  ./bin/openum messages ${shellWord(extension)}${flag}${where}\n`;
}
