import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timers } from '../../../src/base/clock.js';
import { RunLoop, type TimerOutput } from '../../../src/base/run-loop.js';
import { VirtualTime } from '../../support/virtual-time.js';

type Timer = 'a' | 'b';
type Input = string | { readonly fired: Timer };
interface Word {
  readonly kind: 'word';
  readonly text: string;
}
type Output = Word | TimerOutput<Timer>;

const word = (text: string): Word => ({ kind: 'word', text });
const start = (timer: Timer, afterMs: number): Output => ({ kind: 'start-timer', timer, afterMs });
const stop = (timer: Timer): Output => ({ kind: 'stop-timer', timer });

/** A loop over a machine that answers each input by what is written beside it. */
class Scene {
  readonly time = new VirtualTime();
  readonly fed: string[] = [];
  readonly performed: string[] = [];
  readonly loop: RunLoop<Timer, Input, Word, string>;
  /** Called with each output that is performed. */
  onWord: (text: string) => void = () => undefined;

  constructor(answers: (input: string) => readonly Output[], timers?: Timers) {
    this.loop = new RunLoop<Timer, Input, Word, string>({
      machine: {
        handle: (input) => {
          const text = typeof input === 'string' ? input : `fired ${input.fired}`;
          this.fed.push(text);
          return answers(text);
        },
      },
      timers: timers ?? this.time,
      fired: (timer) => ({ fired: timer }),
      perform: ({ text }, subject) => {
        this.performed.push(subject === undefined ? text : `${text} of ${subject}`);
        this.onWord(text);
      },
    });
  }
}

test('an input that arises while outputs are performed waits until all of them are', () => {
  const scene = new Scene((input) => (input.length > 2 ? [] : [word(`${input}1`), word(`${input}2`)]));
  scene.onWord = (text) => {
    scene.loop.feed(text);
  };
  scene.loop.feed('a');
  assert.deepEqual(scene.performed, ['a1', 'a2', 'a11', 'a12', 'a21', 'a22']);
});

test('an output that fails does not stop the loop for ever', () => {
  const scene = new Scene((input) => [word(input)]);
  scene.onWord = (text) => {
    if (text === 'bad') throw new Error('cannot');
  };
  assert.throws(() => {
    scene.loop.feed('bad');
  }, /cannot/);
  scene.loop.feed('good');
  assert.deepEqual(scene.performed, ['bad', 'good']);
});

test('each output is performed with the subject of its own input, also when that had to wait', () => {
  const scene = new Scene((input) => (input === 'first' ? [word('1'), word('2')] : [word('3')]));
  scene.onWord = (text) => {
    if (text === '1') scene.loop.feed('second', 'Ben');
  };
  scene.loop.feed('first', 'Ann');
  scene.loop.feed('third');
  assert.deepEqual(scene.performed, ['1 of Ann', '2 of Ann', '3 of Ben', '3']);
});

test('timers are known by their names: started again, one starts anew; stopped, it never fires', async () => {
  const scene = new Scene((input) => {
    if (input === 'start') return [start('a', 100), start('b', 150)];
    return input === 'stop b' ? [stop('b')] : [];
  });
  scene.loop.feed('start');
  await scene.time.pass(60);
  scene.loop.feed('start');
  await scene.time.pass(99);
  scene.loop.feed('stop b');
  assert.deepEqual(scene.fed, ['start', 'start', 'stop b']);
  await scene.time.pass(1);
  assert.equal(scene.fed.at(-1), 'fired a');
  await scene.time.pass(1_000);
  assert.equal(scene.fed.length, 4);
  assert.equal(scene.time.waiting, 0);
});

test('a timer of 0 ms is no timer: it fires when the outputs are performed, in its turn', () => {
  const scene = new Scene((input) => (input === 'go' ? [word('1'), start('a', 0), word('2')] : []));
  scene.onWord = (text) => {
    scene.loop.feed(`after ${text}`);
  };
  scene.loop.feed('go');
  assert.deepEqual(scene.fed, ['go', 'after 1', 'fired a', 'after 2']);
  assert.equal(scene.time.waiting, 0);
});

test('a timer of 0 ms that is stopped before its turn does not fire; started again, it fires once', () => {
  const scene = new Scene((input) => {
    if (input === 'stopped') return [start('a', 0), stop('a')];
    return input === 'twice' ? [start('a', 0), start('b', 0), start('a', 0)] : [];
  });
  scene.loop.feed('stopped');
  scene.loop.feed('twice');
  assert.deepEqual(scene.fed, ['stopped', 'twice', 'fired b', 'fired a']);
});

test('stop: no timer fires any more, neither one that runs nor one of 0 ms', async () => {
  const scene = new Scene((input) => (input === 'go' ? [start('a', 100), start('b', 0), word('over')] : []));
  scene.onWord = () => {
    scene.loop.stop();
  };
  scene.loop.feed('go');
  assert.equal(scene.time.waiting, 0);
  await scene.time.pass(1_000);
  assert.deepEqual(scene.fed, ['go']);
});

test('a timer of 60 days is made of waits that a timer of the platform can have (24.8 days)', async () => {
  const days = 86_400_000;
  const time = new VirtualTime();
  const waits: number[] = [];
  const timers: Timers = {
    start: (afterMs, fire) => {
      waits.push(afterMs);
      return time.start(afterMs, fire);
    },
  };
  const scene = new Scene((input) => (input === 'go' ? [start('a', 60 * days)] : []), timers);
  scene.loop.feed('go');
  await time.pass(60 * days - 1);
  assert.deepEqual(scene.fed, ['go']);
  await time.pass(1);
  assert.deepEqual(scene.fed, ['go', 'fired a']);
  assert.ok(Math.max(...waits) <= 2 ** 31 - 1);
});
