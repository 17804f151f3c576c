import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pause } from '../../../src/platform/pause.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

test('a pause ends after its time, not before', async () => {
  const time = new VirtualTime();
  let isOver = false;
  void pause(time, 1_000).then(() => (isOver = true));
  await time.pass(999);
  assert.equal(isOver, false);
  await time.pass(1);
  assert.equal(isOver, true);
});

test('its signal ends it at once, and nothing is left of it', async () => {
  const time = new VirtualTime();
  const abort = new AbortController();
  let isOver = false;
  void pause(time, 1_000, abort.signal).then(() => (isOver = true));
  abort.abort();
  await settled();
  assert.deepEqual([isOver, time.waiting], [true, 0]);
  await pause(time, 1_000, abort.signal);
  assert.equal(time.waiting, 0);
});
