import { UmError } from '../base/errors.js';

/** What a lone `-` becomes where it means standard input or output: yargs takes it for an empty text. No word can hold a NUL. */
export const STANDARD_STREAM = '\0-';

/** Options that a value follows. */
export const VALUE_OPTIONS: readonly string[] = ['data', 'config', 'listen', 'to', 'from', 'pilot', 'say'];

/** Options that stand alone, or as `--no-…`. */
export const FLAGS: readonly string[] = [
  'json',
  'now',
  'missed',
  'force',
  'read',
  'urgent',
  'private',
  'help',
  'version',
];

/** Place of the word, among those that are no options, which may be `-`. */
const STREAM_PLACES: readonly (readonly [string, number])[] = [
  ['directory export', 2],
  ['directory import', 2],
  ['messages save', 3],
];

const OPTION = /^--(?<name>[^=]+)(?:=(?<value>.*))?$/su;

/**
 * The words of a command line as yargs shall see them: without those that it would take silently for something else.
 *
 * @throws UmError 'usage-wrong': an empty word (of a variable that is not set, mostly), an option given twice, a value where none
 *   belongs, `-` or `--` where they mean nothing
 */
export function prepareWords(words: readonly string[]): readonly string[] {
  const prepared: string[] = [];
  const given = new Set<string>();
  const plain: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    const { name, value } = OPTION.exec(word)?.groups ?? {};
    if (name === undefined) prepared.push(plainWord(word, plain));
    else if (VALUE_OPTIONS.includes(name)) {
      const text = value ?? words[(at += 1)];
      prepared.push(`--${name}`, valueOf(name, text, given));
    } else {
      checkFlag(name, value ?? words[at + 1], value !== undefined);
      prepared.push(word);
    }
  }
  return prepared;
}

/** @param plain - the words before it that are no options; it is added */
function plainWord(word: string, plain: string[]): string {
  if (word === '') throw usage('an argument is empty: is a variable not set?');
  if (word === '--') throw usage('unknown here: --');
  if (word !== '-' && word.startsWith('-')) return word;
  plain.push(word);
  if (word !== '-') return word;
  const place = STREAM_PLACES.find(([command]) => plain.slice(0, 2).join(' ') === command)?.[1];
  if (plain.length - 1 !== place)
    throw usage('- stands for a file only: that of messages save, directory export or import');
  return STANDARD_STREAM;
}

function valueOf(name: string, text: string | undefined, given: Set<string>): string {
  if (text === undefined || /^-./su.test(text)) throw usage(`a value must follow --${name}`);
  if (text === '') throw usage(`the value of --${name} is empty: is a variable not set?`);
  if (given.has(name)) throw usage(`--${name} is given twice`);
  given.add(name);
  return text;
}

/** Words that yargs would take as the value of a flag, and any value as false but `true`. */
function checkFlag(name: string, next: string | undefined, isInline: boolean): void {
  const base = name.replace(/^no-/u, '');
  if (name !== base && VALUE_OPTIONS.includes(base)) throw usage(`unknown here: --${name}`);
  if (FLAGS.includes(base) && (isInline || next === 'true' || next === 'false'))
    throw usage(`--${name} takes no value, but has ${JSON.stringify(next)}`);
}

function usage(detail: string): UmError {
  return new UmError('usage-wrong', detail);
}
