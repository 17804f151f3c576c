import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PoolScene, TIMES } from '../../support/pool-scene.js';
import { settled } from '../../support/virtual-time.js';

test('the first worker is generation A on 5065, and takes calls once it is ready', async () => {
  const scene = await PoolScene.starting();
  assert.deepEqual(
    scene.forks.map(({ port }) => port),
    [5065],
  );
  assert.equal(scene.pool.activePort, undefined);
  assert.equal(scene.pool.workers[0]?.port, null);
  scene.child(0).says({ kind: 'ready' });
  assert.equal(scene.pool.activePort, 5065);
  assert.deepEqual(scene.pool.workers, [
    { pid: scene.child(0).pid, generation: 'A', port: 5065, securePort: null, state: 'active' },
  ]);
});

test('A is held by a worker that outlived its UM service -> B, without starting a process for nothing', async () => {
  const scene = new PoolScene();
  scene.taken.add(5065);
  scene.pool.start();
  await settled();
  assert.deepEqual(
    scene.forks.map(({ port }) => port),
    [5067],
  );
});

test('a worker finds its port taken after all -> the other pair at once', async () => {
  const scene = await PoolScene.starting();
  scene.child(0).says({ kind: 'fatal', code: 'port-taken', detail: '5065' });
  await settled();
  assert.equal(scene.generations, 'AB');
  scene.child(0).ends(2);
  assert.equal(scene.forks.length, 2);
});

test('both pairs taken -> looked at each second until one is free', async () => {
  const scene = new PoolScene();
  scene.taken.add(5065).add(5067);
  scene.pool.start();
  await scene.time.pass(5_500);
  assert.equal(scene.forks.length, 0);
  scene.taken.delete(5067);
  await scene.time.pass(1_000);
  assert.equal(scene.generations, 'B');
  assert.deepEqual(scene.said, []);
});

test('both pairs taken for half an hour -> one line each, not two a second; told again when it happens again', async () => {
  const scene = new PoolScene();
  const told = (): readonly unknown[] =>
    scene.log.lines.filter(({ event }) => event === 'worker-ports-taken').map((line) => line['generation']);
  scene.taken.add(5065).add(5067);
  scene.pool.start();
  await scene.time.pass(1_800_000);
  assert.deepEqual(told(), ['A', 'B']);
  scene.taken.clear();
  await scene.time.pass(1_000);
  scene.child(0).says({ kind: 'ready' });
  scene.taken.add(5065);
  scene.child(0).ends('SIGKILL');
  await scene.time.pass(10_000);
  assert.deepEqual(told(), ['A', 'B', 'A']);
});

test('the active worker is killed -> replaced at once on its own pair, which is surely free', async () => {
  const scene = await PoolScene.active();
  await scene.beating(60_000, 0);
  scene.child(0).ends('SIGKILL');
  assert.equal(scene.pool.activePort, undefined);
  await settled();
  assert.equal(scene.generations, 'AA');
  scene.child(1).says({ kind: 'ready' });
  assert.deepEqual(scene.said, ['active 5065', 'active undefined', 'active 5065']);
});

test('the channel of the active worker closes -> nobody is redirected to it any more; replaced when its end is told', async () => {
  const scene = await PoolScene.active();
  scene.child(0).isLost();
  assert.equal(scene.pool.activePort, undefined);
  await settled();
  assert.equal(scene.generations, 'A');
  scene.child(0).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'AA');
  assert.deepEqual(scene.said, ['active 5065', 'active undefined']);
});

test('a worker that was not heard of for 20 ms is asked once whether it lives; its answer is told', async () => {
  const scene = await PoolScene.active();
  await scene.time.pass(20);
  assert.equal(scene.pool.isSure, true);
  await scene.time.pass(1);
  assert.equal(scene.pool.isSure, false);
  scene.pool.ask();
  scene.pool.ask();
  assert.equal(scene.child(0).asked, 1);
  scene.child(0).says({ kind: 'heartbeat' });
  assert.equal(scene.pool.isSure, true);
  scene.child(0).says({ kind: 'heartbeat' });
  assert.deepEqual(scene.said, ['active 5065', 'alive 5065']);
});

test('a worker that is asked and dies -> its successor is asked in its turn', async () => {
  const scene = await PoolScene.active();
  await scene.time.pass(21);
  scene.pool.ask();
  scene.child(0).ends('SIGKILL');
  await settled();
  scene.pool.ask(); // nobody is there
  scene.child(1).says({ kind: 'ready' });
  await scene.time.pass(21);
  scene.pool.ask();
  assert.equal(scene.child(1).asked, 1);
});

test('a worker that dies after each start is replaced after growing waits, up to 5 s', async () => {
  const scene = await PoolScene.starting();
  const waits: number[] = [];
  for (let death = 1; death <= 7; death += 1) {
    const fromMs = scene.time.nowMs();
    scene.child(death - 1).ends(1);
    await settled();
    while (scene.forks.length === death) await scene.time.pass(100);
    waits.push(scene.time.nowMs() - fromMs);
  }
  assert.deepEqual(waits, [0, 100, 500, 1_000, 2_000, 5_000, 5_000]);
});

test('a worker that crashed after each 6 s of work is replaced at once each time', async () => {
  const scene = await PoolScene.active();
  for (let crash = 0; crash < 4; crash += 1) {
    await scene.beating(6_000, crash);
    scene.child(crash).ends('SIGSEGV');
    await settled();
    scene.child(crash + 1).says({ kind: 'ready' });
  }
  assert.equal(scene.forks.length, 5);
});

test('the active worker hangs for WorkerHangTimeout -> killed, shown as hung, replaced at once on the other pair', async () => {
  const scene = await PoolScene.active();
  await scene.beating(29_000, 0);
  await scene.time.pass(30_000);
  assert.equal(scene.child(0).killed, true);
  assert.deepEqual(
    scene.pool.workers.map(({ state }) => state),
    ['hung', 'starting'],
  );
  assert.equal(scene.generations, 'AB');
  scene.child(0).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'AB');
});

test('the active worker hangs while the other pair still drains -> replaced on its own pair when it has ended', async () => {
  const scene = await PoolScene.active();
  await scene.beating(TIMES.recycleMs, 0);
  scene.child(1).says({ kind: 'ready' });
  await scene.beating(30_000, 0);
  assert.equal(scene.child(1).killed, true);
  assert.equal(scene.generations, 'AB');
  scene.child(1).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'ABB');
});

test('a recycled worker hangs, which only a timer says -> the change is told at once, and only once', async () => {
  const scene = await PoolScene.active();
  await scene.beating(TIMES.recycleMs, 0);
  scene.child(1).says({ kind: 'ready' });
  const before = scene.changes;
  await scene.beating(30_000, 1);
  assert.equal(scene.child(0).killed, true);
  assert.equal(scene.changes, before + 1);
  scene.child(1).says({ kind: 'heartbeat' });
  assert.equal(scene.changes, before + 1);
});

test('a worker that is not ready within WorkerStartTimeout is killed, and the other pair is tried', async () => {
  const scene = await PoolScene.starting();
  await scene.beating(19_999, 0);
  assert.equal(scene.child(0).killed, false);
  await scene.time.pass(1);
  assert.equal(scene.child(0).killed, true);
  assert.equal(scene.generations, 'AB');
  scene.child(0).ends('SIGKILL');
  await scene.time.pass(20_000);
  assert.equal(scene.child(1).killed, true);
  assert.equal(scene.forks.length, 2);
  await scene.time.pass(100);
  assert.equal(scene.generations, 'ABA');
});

test('WorkerRecycleInterval has passed -> the next starts on the other pair, and only then the old one drains', async () => {
  const scene = await PoolScene.active();
  await scene.beating(TIMES.recycleMs - 1, 0);
  assert.equal(scene.forks.length, 1);
  await scene.beating(1, 0);
  assert.equal(scene.generations, 'AB');
  assert.equal(scene.pool.activePort, 5065);
  scene.child(1).says({ kind: 'ready' });
  assert.equal(scene.pool.activePort, 5067);
  assert.deepEqual(scene.child(0).told.at(-1), { kind: 'drain', successorPort: 5067 });
  assert.deepEqual(
    scene.pool.workers.map(({ state }) => state),
    ['active', 'draining'],
  );
  scene.child(0).ends(0);
  assert.deepEqual(
    scene.pool.workers.map(({ generation }) => generation),
    ['B'],
  );
  assert.equal(scene.forks.length, 2);
});

test('a recycle that falls due while the other pair still drains waits for it', async () => {
  const scene = await PoolScene.active();
  scene.times = { ...TIMES, recycleMs: 10_000 };
  scene.pool.settingsChanged();
  await scene.beating(10_000, 0);
  scene.child(1).says({ kind: 'ready' });
  await scene.beating(30_000, 0, 1);
  assert.equal(scene.generations, 'AB');
  assert(scene.log.events.includes('worker-recycle-waits'));
  scene.child(0).ends(0);
  await settled();
  assert.equal(scene.generations, 'ABA');
});

test('a recycle whose other pair is held by a stranger is tried again, and the active worker stays', async () => {
  const scene = await PoolScene.active();
  scene.taken.add(5067);
  scene.times = { ...TIMES, recycleMs: 10_000 };
  scene.pool.settingsChanged();
  await scene.beating(20_000, 0);
  assert.equal(scene.pool.activePort, 5065);
  scene.taken.clear();
  await scene.beating(30_000, 0);
  assert.equal(scene.generations, 'AB');
});

test('the active worker crashes while its successor starts -> the successor is waited for, no third one', async () => {
  const scene = await PoolScene.active();
  await scene.beating(TIMES.recycleMs, 0);
  scene.child(0).ends('SIGKILL');
  await settled();
  assert.equal(scene.generations, 'AB');
  scene.child(1).says({ kind: 'ready' });
  assert.equal(scene.pool.activePort, 5067);
});

test('an interval of 30 days is not taken for none (a timer of Node holds 24)', async () => {
  const scene = await PoolScene.active();
  scene.times = { ...TIMES, recycleMs: 30 * 86_400_000, hangTimeoutMs: 86_400_000 };
  scene.pool.settingsChanged();
  await scene.beating(29 * 86_400_000, 0);
  assert.equal(scene.forks.length, 1);
  await scene.beating(86_400_000, 0);
  assert.equal(scene.forks.length, 2);
});

test('calls: each generation learns the count of the other, the sum goes up', async () => {
  const scene = await PoolScene.active();
  scene.child(0).says({ kind: 'calls', count: 3 });
  await scene.beating(TIMES.recycleMs, 0);
  scene.child(1).says({ kind: 'ready' });
  assert.deepEqual(scene.child(1).told, [{ kind: 'other-calls', count: 3 }]);
  scene.child(1).says({ kind: 'calls', count: 2 });
  assert.deepEqual(scene.child(0).told.at(-1), { kind: 'other-calls', count: 2 });
  scene.child(0).ends('SIGKILL');
  assert.deepEqual(scene.child(1).told.at(-1), { kind: 'other-calls', count: 0 });
  assert.deepEqual(
    scene.said.filter((line) => line.startsWith('calls')),
    ['calls 3', 'calls 5', 'calls 2'],
  );
});

test('the first three workers cannot work -> fatal', async () => {
  const scene = await PoolScene.starting();
  for (let n = 0; n < 3; n += 1) {
    assert.deepEqual(scene.said, []);
    scene.child(n).says({ kind: 'fatal', code: 'spool-unwritable', detail: 'EROFS' });
    scene.child(n).ends(2);
    await scene.time.pass(500);
  }
  assert.deepEqual(scene.said, ['fatal spool-unwritable EROFS']);
});

test('once a worker has worked, those that cannot are only logged and replaced', async () => {
  const scene = await PoolScene.active();
  scene.child(0).ends('SIGKILL');
  for (let n = 1; n < 6; n += 1) {
    await scene.time.pass(5_000);
    scene.child(n).says({ kind: 'fatal', code: 'spool-unwritable', detail: 'EROFS' });
    scene.child(n).ends(2);
  }
  assert.deepEqual(
    scene.said.filter((line) => line.startsWith('fatal')),
    [],
  );
});

test('drain -> workers drain without a successor, one that only starts is ended; ended when the last is gone', async () => {
  const scene = await PoolScene.active();
  await scene.beating(TIMES.recycleMs, 0);
  scene.pool.drain();
  assert.deepEqual(scene.child(0).told.at(-1), { kind: 'drain' });
  assert.equal(scene.child(1).killed, true);
  scene.child(1).ends('SIGKILL');
  assert(!scene.said.includes('ended'));
  scene.child(0).ends(0);
  assert.equal(scene.said.at(-1), 'ended');
  await settled();
  assert.equal(scene.forks.length, 2);
  assert.equal(scene.time.waiting, 0);
});

test('a worker that crashes while everything drains is not replaced', async () => {
  const scene = await PoolScene.active();
  scene.pool.drain();
  scene.child(0).ends('SIGKILL');
  await scene.time.pass(60_000);
  assert.equal(scene.forks.length, 1);
  assert.equal(scene.said.at(-1), 'ended');
});

test('stop-now -> passed on; a worker that ignores it is killed', async () => {
  const scene = await PoolScene.active();
  scene.pool.drain();
  scene.pool.stopNow();
  assert.deepEqual(scene.child(0).kinds.slice(-2), ['drain', 'stop-now']);
  await scene.time.pass(8_000);
  assert.equal(scene.child(0).killed, true);
  scene.child(0).ends('SIGKILL');
  assert.equal(scene.said.at(-1), 'ended');
});

test('drain before a process was even started -> ended', async () => {
  const scene = new PoolScene();
  scene.pool.start();
  scene.pool.drain();
  await settled();
  assert.deepEqual(scene.said, ['ended']);
  assert.equal(scene.forks.length, 0);
});
