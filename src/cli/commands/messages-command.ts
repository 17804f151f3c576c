import type { Argv } from 'yargs';
import { UmError } from '../../base/errors.js';
import type { MessageFilter, MessageMarks } from '../../mailbox/message-store.js';
import type { MessageReport } from '../../mailbox/control-protocol.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { STANDARD_STREAM } from '../command-words.js';
import { dataDirectoryOf } from '../data-directory.js';
import { givenId } from '../given-id.js';
import { readAudio, saveAudio } from '../save-audio.js';
import { askDaemonOrStore } from '../store-access.js';
import { counted, printable, textTable } from '../text-table.js';

const jsonOption = { type: 'boolean', default: false, describe: 'Print one JSON document' } as const;
const id = {
  type: 'string',
  demandOption: true,
  describe: 'Id of the message, or its first 6 or more digits',
} as const;

/** `openum messages` and what can be done with one. */
export function addMessagesCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'messages [extension]',
    'List voice messages, newest first; show, save, delete or mark one',
    (command) =>
      addDelete(addMark(addSave(addShow(command, context), context), context), context)
        .positional('extension', { type: 'string', describe: 'Only this mailbox: its extension or address' })
        .option('missed', { type: 'boolean', default: false, global: false, describe: 'List missed calls instead' })
        .option('json', jsonOption)
        .example('./bin/openum messages 1000', 'what lies in the mailbox of extension 1000')
        .example('./bin/openum messages --missed --json', 'all missed calls, for programs')
        // Of the list alone, not of what is done with one message.
        .option('extension', { type: 'string', global: false }),
    (args) =>
      context.run(args.json, async () => {
        const filter: MessageFilter = {
          kind: args.missed ? 'missed-call' : 'voice',
          ...(args.extension === undefined ? {} : { mailbox: args.extension }),
        };
        const messages = await askDaemonOrStore(dataDirectoryOf(args, context.environment), 'messages', filter);
        printFacts(context.io, args.json, messages, (all) => describeMessages(all, args.missed));
        return EXIT.done;
      }),
  );
}

function addShow(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'show <id>',
    'Show one message and its deliveries',
    (command) =>
      command.positional('id', id).option('json', jsonOption).example('./bin/openum messages show 3f9a1c', ''),
    (args) =>
      context.run(args.json, async () => {
        const message = await findMessage(args, args.id, context);
        printFacts(context.io, args.json, message, describeMessage);
        return EXIT.done;
      }),
  );
}

function addSave(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'save <id> [file]',
    'Save the audio of a message as a WAV file',
    (command) =>
      command
        .positional('id', id)
        .positional('file', {
          type: 'string',
          describe: 'Where to; - for standard output (default: a name made of caller and time, here)',
        })
        .option('force', { type: 'boolean', default: false, describe: 'Replace a file that is there already' })
        .option('json', jsonOption)
        .example('./bin/openum messages save 3f9a1c', '')
        .example('./bin/openum messages save 3f9a1c /tmp/message.wav', '')
        .example('./bin/openum messages save 3f9a1c - | aplay', ''),
    (args) =>
      context.run(args.json, async () => {
        if (args.file === STANDARD_STREAM && args.json)
          throw new UmError('usage-wrong', '--json and - both want standard output: take one of them');
        const message = await findMessage(args, args.id, context);
        if (args.file === STANDARD_STREAM) {
          context.io.out(readAudio(message));
          return EXIT.done;
        }
        const file = saveAudio(message, args.file, args.force);
        printFacts(context.io, args.json, { id: message.id, file }, (facts) => `saved to ${facts.file}`);
        return EXIT.done;
      }),
  );
}

function addDelete(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'delete <id>',
    'Delete a message, its audio and what waits to be delivered of it',
    (command) =>
      command.positional('id', id).option('json', jsonOption).example('./bin/openum messages delete 3f9a1c', ''),
    (args) =>
      context.run(args.json, async () => {
        const data = dataDirectoryOf(args, context.environment);
        const message = await askDaemonOrStore(data, 'delete-message', { id: givenId(args.id) });
        printFacts(context.io, args.json, message, (gone) => `deleted ${gone.id}`);
        return EXIT.done;
      }),
  );
}

function addMark(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  const mark = (describe: string) => ({ type: 'boolean', describe }) as const;
  return program.command(
    'mark <id>',
    'Mark a message as read, urgent or private',
    (command) =>
      command
        .positional('id', id)
        .option('read', mark('Read (--no-read: new again)'))
        .option('urgent', mark('Urgent (--no-urgent: not)'))
        .option('private', mark('Private (--no-private: not)'))
        .option('json', jsonOption)
        .check(({ read, urgent, private: isPrivate }) => {
          if ([read, urgent, isPrivate].some((mark) => mark !== undefined)) return true;
          throw new Error('say how to mark it: --read, --urgent, --private or their --no- forms');
        })
        .example('./bin/openum messages mark 3f9a1c --read', '')
        .example('./bin/openum messages mark 3f9a1c --no-urgent', ''),
    (args) =>
      context.run(args.json, async () => {
        const marks: MessageMarks = {
          ...(args.read === undefined ? {} : { read: args.read }),
          ...(args.urgent === undefined ? {} : { urgent: args.urgent }),
          ...(args.private === undefined ? {} : { private: args.private }),
        };
        const data = dataDirectoryOf(args, context.environment);
        const message = await askDaemonOrStore(data, 'mark-message', { id: givenId(args.id), marks });
        printFacts(context.io, args.json, message, describeMessage);
        return EXIT.done;
      }),
  );
}

/** @throws UmError 'not-found', 'usage-wrong' */
async function findMessage(shared: SharedArguments, wanted: string, context: CommandContext): Promise<MessageReport> {
  const data = dataDirectoryOf(shared, context.environment);
  const [message] = await askDaemonOrStore(data, 'messages', { id: givenId(wanted) });
  if (message === undefined) throw new UmError('not-found', `no message has the id ${wanted}`);
  return message;
}

function seconds(message: MessageReport): string {
  return `${(message.durationMs / 1000).toFixed(1)} s`;
}

function deliveryState(message: MessageReport): string {
  return [...new Set(message.delivery.map((delivery) => delivery.state))].join(', ');
}

function describeMessages(messages: readonly MessageReport[], missed: boolean): string {
  if (messages.length === 0) return missed ? 'no missed calls' : 'no messages';
  return textTable(
    ['ID', 'MAILBOX', 'FROM', 'NAME', 'RECEIVED', 'LENGTH', 'MARKS', 'E-MAIL'],
    messages.map((message) => [
      message.id.slice(0, 12),
      message.mailbox,
      message.from,
      message.callerName,
      message.receivedAt,
      seconds(message),
      marksOf(message),
      deliveryState(message),
    ]),
  );
}

function marksOf(message: MessageReport): string {
  const marks = [
    message.read ? '' : 'new',
    message.urgent ? 'urgent' : '',
    message.private ? 'private' : '',
    message.partial ? 'partial' : '',
  ];
  return marks.filter((mark) => mark !== '').join(' ');
}

function describeMessage(message: MessageReport): string {
  const rows: readonly (readonly [string, string])[] = [
    ['id', message.id],
    ['mailbox', message.mailbox],
    ['from', `${message.from} ${message.callerName}`.trim()],
    ['received', message.receivedAt],
    ['length', seconds(message)],
    ['marks', marksOf(message)],
    ['codec', message.codec ?? '-'],
    ['audio', message.audioFile ?? '-'],
    ['Call-ID', message.callId],
    ...message.delivery.map((delivery): readonly [string, string] => [
      delivery.kind,
      `${delivery.state} after ${counted(delivery.attempts, 'attempt')}${delivery.lastError === null ? '' : `: ${delivery.lastError}`}`,
    ]),
  ];
  return rows.map(([name, value]) => `${name.padEnd(10)}${printable(value)}`).join('\n');
}
