import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import { FLAGS, prepareWords, STANDARD_STREAM, VALUE_OPTIONS } from '../../../src/cli/command-words.js';
import { runScripted } from '../../support/scripted-io.js';

const refuses = (words: readonly string[], why: RegExp): void => {
  assert.throws(
    () => prepareWords(words),
    (error) => error instanceof UmError && error.code === 'usage-wrong' && why.test(error.detail),
    words.join(' '),
  );
};

describe('the words before yargs sees them', () => {
  test('a lone dash where a file stands means standard input or output, options between or not', () => {
    for (const words of [
      ['directory', 'export', '-'],
      ['directory', '--data', 'x', 'import', '--json', '-'],
      ['messages', 'save', 'abcdef', '--force', '-'],
    ])
      assert.equal(prepareWords(words).at(-1), STANDARD_STREAM);
  });

  test('a lone dash elsewhere -> refused, for it would become an empty text', () => {
    for (const words of [
      ['messages', '-'],
      ['messages', 'save', '-'],
      ['test-call', '-'],
      ['directory', '-'],
    ])
      refuses(words, /- stands for a file only/);
  });

  test('a lone dash as the value of an option stays: a file may be called so', () => {
    assert.deepEqual(prepareWords(['status', '--data', '-']), ['status', '--data', '-']);
  });

  test('an empty value -> refused, of every option', () => {
    for (const option of VALUE_OPTIONS) {
      refuses(['status', `--${option}`, ''], new RegExp(`--${option} is empty`));
      refuses(['status', `--${option}=`], new RegExp(`--${option} is empty`));
    }
  });

  test('an empty word, a double dash -> refused', () => {
    refuses(['messages', ''], /empty/);
    refuses(['messages', '--', '1000'], /--/);
  });

  test('no value, another option in its place, the same option twice -> refused', () => {
    refuses(['status', '--data'], /a value must follow --data/);
    refuses(['status', '--data', '--json'], /a value must follow --data/);
    refuses(['status', '--data', 'a', '--data=b'], /--data is given twice/);
    refuses(['status', '--no-data', 'a'], /--no-data/);
  });

  test('a value of a flag -> refused, in every form that yargs takes', () => {
    for (const flag of FLAGS) {
      refuses(['status', `--${flag}=maybe`], new RegExp(`--${flag} takes no value.*maybe`));
      refuses(['status', `--${flag}`, 'false'], new RegExp(`--${flag} takes no value`));
      refuses(['status', `--no-${flag}=1`], new RegExp(`--no-${flag} takes no value`));
    }
  });

  test('values keep their equals signs, zeros and line ends', () => {
    assert.deepEqual(prepareWords(['x', '--from=00=1\n2', '0x10', '-h']), ['x', '--from', '00=1\n2', '0x10', '-h']);
  });

  test('every option of every command is known as one with a value or as a flag', async () => {
    for (const command of ['', 'start', 'stop', 'status', 'test-call', 'messages', 'messages save', 'messages mark']) {
      const { out } = await runScripted([...command.split(' ').filter((word) => word !== ''), '--help']);
      const options = [...out.matchAll(/^ +(?:-h, )?--([\w-]+) .*\[(string|boolean)\]/gm)];
      assert.ok(options.length >= 4, command);
      for (const [line, name = '', type] of options)
        assert.ok((type === 'string' ? VALUE_OPTIONS : FLAGS).includes(name), line);
    }
  });
});
