import type { Argv } from 'yargs';
import type { StatusReport } from '../../mailbox/control-protocol.js';
import { askDaemon } from '../../platform/control/control-client.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { dataDirectoryOf } from '../data-directory.js';
import { counted, textTable } from '../text-table.js';

/** `openum status`: processes, ports, calls, outbox. */
export function addStatusCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'status',
    'Show processes, ports, calls in progress and the outbox',
    (command) =>
      command
        .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document' })
        .example('./bin/openum status', 'for people')
        .example('./bin/openum status --json', 'for programs'),
    (args) =>
      context.run(args.json, async () => {
        const status = await askDaemon(dataDirectoryOf(args, context.environment), 'status', {});
        printFacts(context.io, args.json, status, describeStatus);
        return EXIT.done;
      }),
  );
}

function describeStatus(status: StatusReport): string {
  const port = (value: number | null): string => (value === null ? '-' : String(value));
  const pid = (value: number | null): string => (value === null ? 'not reporting' : String(value));
  const processes = textTable(
    ['PROCESS', 'PID', 'TCP', 'TLS', 'STATE', 'CALLS'],
    [
      ['supervisor', pid(status.supervisor.pid), '', '', '', ''],
      ['mailbox service', pid(status.mailbox.pid), '', '', '', ''],
      ['call router', pid(status.router.pid), port(status.router.tcp), port(status.router.tls), '', ''],
      ['UM service', pid(status.service.pid), port(status.service.tcp), port(status.service.tls), '', ''],
      ...status.workers.map((worker) => [
        `worker ${worker.generation}`,
        pid(worker.pid),
        port(worker.port),
        port(worker.securePort),
        worker.state,
        String(worker.calls),
      ]),
    ],
  );
  const calls =
    status.calls.length === 0
      ? 'no calls'
      : textTable(
          ['FROM', 'NAME', 'MAILBOX', 'STATE', 'SINCE'],
          status.calls.map((call) => [call.from, call.callerName, call.mailbox, call.state, call.startedAt]),
        );
  const { rtp, outbox } = status;
  return [
    `OpenUM ${status.version}, directory version ${String(status.directoryVersion)}`,
    processes,
    `RTP ports ${String(rtp.min)} to ${String(rtp.max)}, ${counted(rtp.inUse, 'pair')} in use; SIP over UDP and TLS: off (not implemented yet)`,
    `outbox: ${String(outbox.waiting)} waiting, ${String(outbox.dead)} dead`,
    calls,
  ].join('\n\n');
}
