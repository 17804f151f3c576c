import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolScene, TIMES } from '../../support/pool-scene.js';
import type { ScriptedChild } from '../../support/scripted-child.js';
import { settled } from '../../support/virtual-time.js';

test('a successor without the directory -> the active worker keeps the calls, the other waits, however long', async () => {
  const scene = await PoolScene.withBlindSuccessor();
  await scene.beating(10 * TIMES.startTimeoutMs, 0, 1);
  assert.equal(scene.pool.activePort, 5065);
  assert.deepEqual(scene.child(0).kinds, ['other-calls']);
  assert.equal(scene.child(1).killed, false);
  assert.deepEqual(
    scene.pool.workers.map(({ port, state }) => [port, state]),
    [
      [5065, 'active'],
      [null, 'starting'],
    ],
  );
  scene.child(1).says({ kind: 'ready', hasDirectory: true });
  assert.equal(scene.pool.activePort, 5067);
  assert.deepEqual(scene.child(0).told.at(-1), { kind: 'drain', successorPort: 5067 });
  assert.equal(scene.generations, 'AB');
});

for (const [what, happens] of [
  [
    'is killed',
    (active: ScriptedChild): void => {
      active.ends('SIGKILL');
    },
  ],
  [
    'loses its channel',
    (active: ScriptedChild): void => {
      active.isLost();
    },
  ],
] as const) {
  test(`the active worker ${what} while its successor has no directory -> the successor takes the calls at once`, async () => {
    const scene = await PoolScene.withBlindSuccessor();
    happens(scene.child(0));
    assert.equal(scene.pool.activePort, 5067);
    assert.deepEqual(scene.said, ['active 5065', 'active 5067']);
    await scene.beating(60_000, 1);
    assert.equal(scene.child(1).killed, false);
    scene.child(1).says({ kind: 'ready', hasDirectory: true });
    assert.deepEqual(scene.said, ['active 5065', 'active 5067']);
    assert.equal(scene.generations, 'AB');
  });
}

test('the active worker hangs while its successor has no directory -> killed, the successor takes the calls at once', async () => {
  const scene = await PoolScene.withBlindSuccessor();
  await scene.beating(30_000, 1);
  assert.equal(scene.child(0).killed, true);
  assert.equal(scene.pool.activePort, 5067);
  scene.child(0).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'AB');
});

test('a successor without the directory that hangs is killed, one that dies is replaced', async () => {
  const scene = await PoolScene.withBlindSuccessor();
  await scene.beating(30_000, 0);
  assert.equal(scene.child(1).killed, true);
  scene.child(1).ends('SIGKILL');
  await settled();
  scene.child(2).says({ kind: 'ready', hasDirectory: false });
  scene.child(2).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'ABBB');
  assert.equal(scene.pool.activePort, 5065);
});

test('drain ends a successor that has no directory outright', async () => {
  const scene = await PoolScene.withBlindSuccessor();
  scene.pool.drain();
  assert.deepEqual(scene.child(0).told.at(-1), { kind: 'drain' });
  assert.equal(scene.child(1).killed, true);
  scene.child(1).says({ kind: 'ready', hasDirectory: true }); // in the moment before its end
  assert.equal(scene.pool.activePort, undefined);
  scene.child(0).ends(0);
  scene.child(1).ends('SIGKILL');
  assert.equal(scene.said.at(-1), 'ended');
  assert.equal(scene.time.waiting, 0);
});

test('nobody else is active -> a worker without the directory takes calls, and refuses them by itself', async () => {
  const scene = await PoolScene.starting();
  scene.child(0).says({ kind: 'ready', hasDirectory: false });
  assert.equal(scene.pool.activePort, 5065);
});
