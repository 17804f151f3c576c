import type { Argv } from 'yargs';
import { UmError } from '../../base/errors.js';
import { askDaemon } from '../../platform/control/control-client.js';
import { hasCode } from '../../platform/os-error.js';
import { type RunningDaemon, runningDaemon } from '../../platform/process/running-daemon.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { type CommandIo, EXIT } from '../command-io.js';
import { dataDirectoryOf } from '../data-directory.js';
import { counted } from '../text-table.js';

/** A second signal counts as "now" only after this time: see the supervisor. */
const SECOND_SIGNAL_AFTER_MS = 1_100;
const LOOK_EVERY_MS = 200;

/** `openum stop`: asks the daemon to drain, and waits for its end. */
export function addStopCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'stop',
    'Stop the server: no new calls, calls end by themselves, messages are kept',
    (command) =>
      command
        .option('now', { type: 'boolean', default: false, describe: 'End calls at once; their messages are kept' })
        .example('./bin/openum stop', 'waits for calls, at most DrainTimeout')
        .example('./bin/openum stop --now', 'ends calls in progress'),
    (args) => context.run(false, () => stop(dataDirectoryOf(args, context.environment), args.now, context.io)),
  );
}

async function stop(dataDirectory: string, now: boolean, io: CommandIo): Promise<number> {
  const daemon = runningDaemon(dataDirectory);
  if (daemon === undefined) throw new UmError('daemon-absent', dataDirectory);
  terminate(daemon);
  if (now) {
    await pause(SECOND_SIGNAL_AFTER_MS);
    if (daemon.isRunning()) terminate(daemon);
  }
  await waitForEnd(daemon, dataDirectory, io);
  io.err('openum has stopped\n');
  return EXIT.done;
}

function terminate({ pid }: RunningDaemon): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return; // ended a moment ago: what was wanted
    if (!hasCode(error, 'EPERM')) throw error;
    throw new UmError('data-unwritable', `process ${String(pid)} is another user's: stop it as that user, or as root`);
  }
}

async function waitForEnd(daemon: RunningDaemon, dataDirectory: string, io: CommandIo): Promise<void> {
  let told = -1;
  while (daemon.isRunning()) {
    await pause(LOOK_EVERY_MS);
    const left = await callsLeft(dataDirectory);
    if (left !== undefined && left > 0 && left !== told) {
      io.err(`waiting for ${counted(left, 'call')} to end (openum stop --now ends them)\n`);
      told = left;
    }
  }
}

/** Undefined once the mailbox service, which is the last to end, no longer answers. */
async function callsLeft(dataDirectory: string): Promise<number | undefined> {
  try {
    const status = await askDaemon(dataDirectory, 'status', {});
    return status.calls.length;
  } catch {
    return undefined;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, ms);
  });
}
