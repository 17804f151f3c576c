import type { Argv } from 'yargs';
import type { OutboxReport } from '../../mailbox/control-protocol.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { dataDirectoryOf } from '../data-directory.js';
import { givenId } from '../given-id.js';
import { askDaemonOrStore } from '../store-access.js';
import { textTable } from '../text-table.js';

const jsonOption = { type: 'boolean', default: false, describe: 'Print one JSON document' } as const;
const id = { type: 'string', demandOption: true, describe: 'Id of the delivery' } as const;

/** `openum outbox`: deliveries that wait or were given up. */
export function addOutboxCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'outbox',
    'List deliveries that wait or are dead; retry or discard one',
    (command) =>
      command
        .command(
          'retry <id>',
          'Try a delivery again now, as if it were new',
          (retry) =>
            retry.positional('id', id).option('json', jsonOption).example('./bin/openum outbox retry 7b21e0', ''),
          (args) =>
            context.run(args.json, async () => {
              const data = dataDirectoryOf(args, context.environment);
              const job = await askDaemonOrStore(data, 'retry-job', { id: givenId(args.id) });
              printFacts(context.io, args.json, job, (again) => `${again.id} is tried again`);
              return EXIT.done;
            }),
        )
        .command(
          'discard <id>',
          'Give a delivery up for good; the message stays in the mailbox',
          (discard) =>
            discard.positional('id', id).option('json', jsonOption).example('./bin/openum outbox discard 7b21e0', ''),
          (args) =>
            context.run(args.json, async () => {
              const data = dataDirectoryOf(args, context.environment);
              const job = await askDaemonOrStore(data, 'discard-job', { id: givenId(args.id) });
              printFacts(context.io, args.json, job, (gone) => `${gone.id} is discarded`);
              return EXIT.done;
            }),
        )
        .option('json', jsonOption)
        .example('./bin/openum outbox', 'what waits and what is dead, with the reason')
        .example('./bin/openum outbox --json', 'for programs'),
    (args) =>
      context.run(args.json, async () => {
        const jobs = await askDaemonOrStore(dataDirectoryOf(args, context.environment), 'outbox', {});
        printFacts(context.io, args.json, jobs, describeOutbox);
        return EXIT.done;
      }),
  );
}

function describeOutbox(jobs: readonly OutboxReport[]): string {
  if (jobs.length === 0) return 'the outbox is empty';
  return textTable(
    ['ID', 'KIND', 'TO', 'STATE', 'ATTEMPTS', 'NEXT', 'LAST ERROR'],
    jobs.map((job) => [
      job.id,
      job.kind,
      job.recipient,
      job.state,
      String(job.attempts),
      job.nextAttemptAt ?? '-',
      job.lastError ?? '',
    ]),
  );
}
