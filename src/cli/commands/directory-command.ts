import { resolve } from 'node:path';
import type { Argv } from 'yargs';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { STANDARD_STREAM } from '../command-words.js';
import { dataDirectoryOf } from '../data-directory.js';
import { readDocument, writeDocument } from '../document-file.js';
import { askDaemonOrStore } from '../store-access.js';

const file = { type: 'string', demandOption: true, describe: 'The JSON file; - for standard output or input' } as const;

/** `openum directory`: the whole directory as one JSON document. */
export function addDirectoryCommand(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'directory',
    'Export or import dial plans, gateways, hunt groups, mailboxes and settings',
    (command) =>
      addImport(addExport(command, context), context)
        .demandCommand(1, 'say what to do: export FILE or import FILE')
        .example('./bin/openum directory export directory.json', 'the directory as one JSON document')
        .example('./bin/openum directory import directory.json', 'after editing: checked whole, in effect at once'),
  );
}

function addExport(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'export <file>',
    'Write the whole directory to a JSON file',
    (command) => command.positional('file', file).example('./bin/openum directory export -', 'to standard output'),
    (args) =>
      context.run(false, async () => {
        const data = dataDirectoryOf(args, context.environment);
        const document = await askDaemonOrStore(data, 'export-directory', {});
        writeDocument(args.file, document, context.io);
        if (args.file !== STANDARD_STREAM) context.io.err(`the directory is in ${resolve(args.file)}\n`);
        return EXIT.done;
      }),
  );
}

function addImport(program: Argv<SharedArguments>, context: CommandContext): Argv<SharedArguments> {
  return program.command(
    'import <file>',
    'Replace the whole directory by that of a JSON file',
    (command) =>
      command
        .positional('file', file)
        .option('json', { type: 'boolean', default: false, describe: 'Print one JSON document' })
        .example('./bin/openum directory import directory.json', 'all faults are named at once, or all of it is taken'),
    (args) =>
      context.run(args.json, async () => {
        const data = dataDirectoryOf(args, context.environment);
        const document = await readDocument(args.file, context.io);
        const result = await askDaemonOrStore(data, 'import-directory', { document });
        printFacts(context.io, args.json, result, ({ version }) => `directory version ${String(version)} is in effect`);
        return EXIT.done;
      }),
  );
}
