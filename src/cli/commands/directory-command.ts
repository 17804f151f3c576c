import { readFileSync, statSync, writeFileSync } from 'node:fs';
import type { Argv } from 'yargs';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { CommandContext, SharedArguments } from '../command-context.js';
import { EXIT, printFacts } from '../command-io.js';
import { dataDirectoryOf } from '../data-directory.js';
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
        const text = `${JSON.stringify(document, null, 2)}\n`;
        if (args.file === '-') context.io.out(text);
        else writeText(args.file, text);
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
        const result = await askDaemonOrStore(data, 'import-directory', { document: readDocument(args.file) });
        printFacts(context.io, args.json, result, ({ version }) => `directory version ${String(version)} is in effect`);
        return EXIT.done;
      }),
  );
}

function writeText(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw new UmError('usage-wrong', `${path} cannot be written: ${words(error)}`, { cause: error });
  }
}

/** @throws UmError 'usage-wrong' when it cannot be read, 'directory-invalid' when it is no JSON */
function readDocument(path: string): unknown {
  let text: string;
  try {
    if (path !== '-' && statSync(path).size > LIMITS.controlRequestBytes)
      throw new Error(`larger than ${String(LIMITS.controlRequestBytes)} bytes`);
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UmError('usage-wrong', `${path} cannot be read: ${words(error)}`, { cause: error });
  }
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch (error) {
    throw new UmError('directory-invalid', `${path} is no JSON: ${words(error)}`, { cause: error });
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
