import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunLoop } from '../../../src/services/run-loop.js';

test('an input that arises while outputs are performed waits until all of them are', () => {
  const performed: string[] = [];
  const machine = {
    handle: (input: string): readonly string[] => (input.length > 2 ? [] : [`${input}1`, `${input}2`]),
  };
  const loop = new RunLoop(machine, (output: string) => {
    performed.push(output);
    loop.feed(output);
  });
  loop.feed('a');
  assert.deepEqual(performed, ['a1', 'a2', 'a11', 'a12', 'a21', 'a22']);
});

test('an output that fails does not stop the loop for ever', () => {
  const performed: string[] = [];
  const loop = new RunLoop({ handle: (input: string) => [input] }, (output: string) => {
    if (output === 'bad') throw new Error('cannot');
    performed.push(output);
  });
  assert.throws(() => {
    loop.feed('bad');
  }, /cannot/);
  loop.feed('good');
  assert.deepEqual(performed, ['good']);
});
