import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readStartOptions, readWorkerStart, type WorkerStart } from '../../../src/services/worker-start.js';

const START: WorkerStart = {
  start: { configFile: '/etc/um.config', data: '/var/um', listen: '127.0.0.1', inherited: { LogLevel: 'debug' } },
  generation: 'B',
  port: 5067,
};

test('what a worker is told at its start survives the command line', () => {
  assert.deepEqual(readWorkerStart(JSON.stringify(START)), START);
  assert.deepEqual(readStartOptions(JSON.stringify(START.start)), START.start);
  assert.deepEqual(readStartOptions('{}'), {});
});

test('anything else is refused: these programs are not started by hand', () => {
  for (const argument of [undefined, '', '--help', '[]', '{}', '{"start":{},"generation":"C","port":1}', 'null']) {
    assert.throws(() => readWorkerStart(argument), /usage|command line/);
  }
  assert.throws(() => readStartOptions('--help'), /command line/);
});
