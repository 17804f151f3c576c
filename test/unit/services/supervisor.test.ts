import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Supervisor } from '../../../src/services/supervisor.js';
import { SERVICE_ROLES, type ServiceRole } from '../../../src/services/supervisor-machine.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { ScriptedChild } from '../../support/scripted-child.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

const DRAIN_MS = 60_000;

class Scene {
  readonly time = new VirtualTime();
  readonly log = new RecordingLogger();
  readonly said: string[] = [];
  readonly forks: Record<ServiceRole, ScriptedChild[]> = { mailbox: [], router: [], service: [] };
  readonly supervisor: Supervisor;
  status: number | undefined;

  constructor() {
    this.supervisor = new Supervisor({
      log: this.log,
      timers: this.time,
      clock: this.time,
      drainTimeoutMs: () => DRAIN_MS,
      fork: (role, events) => {
        const child = new ScriptedChild(events);
        this.forks[role].push(child);
        return child;
      },
      events: {
        onReady: (ports) => this.said.push(`ready ${JSON.stringify(ports)}`),
        onFailed: (code, detail) => this.said.push(`failed ${code} ${detail}`),
        onCallsLeft: (count) => this.said.push(`left ${String(count)}`),
        onCallsCut: (count) => this.said.push(`cut ${String(count)}`),
      },
    });
    void this.supervisor.run().then((status) => (this.status = status));
  }

  static running(): Scene {
    const scene = new Scene();
    for (const role of SERVICE_ROLES) scene.latest(role).says({ kind: 'ready' });
    return scene;
  }

  latest(role: ServiceRole): ScriptedChild {
    const child = this.forks[role].at(-1);
    assert(child, `the ${role} was never started`);
    return child;
  }

  count(role: ServiceRole): number {
    return this.forks[role].length;
  }

  /** Lets time pass while every child but those named beats each second. */
  async beating(ms: number, ...silent: ServiceRole[]): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      for (const role of SERVICE_ROLES.filter((one) => !silent.includes(one)))
        this.latest(role).says({ kind: 'heartbeat' });
      await this.time.pass(Math.min(left, 1_000));
    }
  }
}

test('mailbox, router and service ready -> one ready event with their ports', () => {
  const scene = new Scene();
  scene.latest('router').says({ kind: 'ready', ports: [5060] });
  scene.latest('service').says({ kind: 'listening', ports: [5062] });
  scene.latest('mailbox').says({ kind: 'ready' });
  assert.deepEqual(scene.said, []);
  scene.latest('service').says({ kind: 'ready', ports: [5062, 5065] });
  assert.deepEqual(scene.said, ['ready {"mailbox":[],"router":[5060],"service":[5062,5065]}']);
});

test('the router is told when the UM service listens and when it has ended', () => {
  const scene = new Scene();
  const router = scene.latest('router');
  assert.deepEqual(router.told, [{ kind: 'service-state', up: false }]);
  scene.latest('service').says({ kind: 'listening', ports: [5062] });
  scene.latest('service').ends('SIGKILL');
  assert.deepEqual(router.told.slice(1), [
    { kind: 'service-state', up: true },
    { kind: 'service-state', up: false },
  ]);
});

test('a router that starts again learns that the UM service listens', () => {
  const scene = Scene.running();
  scene.latest('router').ends('SIGKILL');
  assert.deepEqual(scene.latest('router').told, [{ kind: 'service-state', up: true }]);
});

for (const role of SERVICE_ROLES) {
  test(`the ${role} is killed -> it is started again at once`, () => {
    const scene = Scene.running();
    scene.latest(role).ends('SIGKILL');
    assert.equal(scene.count(role), 2);
    const ended = scene.log.lines.find(({ event }) => event === 'process-ended');
    assert.equal(ended?.['signal'], 'SIGKILL');
  });
}

test('a child that dies right after each start is started again at once, then after growing waits up to 5 s', async () => {
  const scene = Scene.running();
  const waits: number[] = [];
  for (let death = 1; death <= 7; death += 1) {
    scene.latest('router').ends(1);
    const count = scene.count('router');
    const fromMs = scene.time.nowMs();
    while (scene.count('router') === count && count <= death) await scene.beating(100, 'router');
    waits.push(scene.time.nowMs() - fromMs);
  }
  assert.deepEqual(waits, [0, 100, 500, 1_000, 2_000, 5_000, 5_000]);
});

test('a child that lived for more than 5 s is started again at once, however often it died before', async () => {
  const scene = Scene.running();
  for (let death = 1; death <= 4; death += 1) {
    await scene.beating(5_100);
    scene.latest('service').ends('SIGKILL');
    assert.equal(scene.count('service'), death + 1);
    scene.latest('service').says({ kind: 'ready' });
  }
});

test('a child without a sign of life for 10 s is killed, and started again when it has ended', async () => {
  const scene = Scene.running();
  const hung = scene.latest('mailbox');
  await scene.beating(8_000, 'mailbox');
  assert.equal(hung.killed, false);
  await scene.beating(2_000, 'mailbox');
  assert.equal(hung.killed, true);
  hung.ends('SIGKILL');
  assert.equal(scene.count('mailbox'), 2);
});

test('the supervisor itself was stopped for long -> each look is overdue once only, and no child is taken for hung', async () => {
  const scene = Scene.running();
  await scene.beating(1_000);
  // A stopped process finds its timers overdue, each once, before it reads what came meanwhile.
  await scene.time.pass(2_000);
  await scene.beating(1_000);
  assert.deepEqual(
    SERVICE_ROLES.filter((role) => scene.latest(role).killed),
    [],
  );
});

test('first start, a child cannot work -> the others are ended, exit status 2', async () => {
  const scene = new Scene();
  scene.latest('mailbox').says({ kind: 'fatal', code: 'database-newer', detail: 'version 9' });
  scene.latest('mailbox').ends(2);
  assert.deepEqual(scene.said, ['failed database-newer version 9']);
  assert.deepEqual(scene.latest('router').kinds.at(-1), 'stop-now');
  scene.latest('router').ends(0);
  assert.equal(scene.status, undefined);
  scene.latest('service').ends(0);
  await settled();
  assert.equal(scene.status, 2);
  assert.equal(scene.count('mailbox'), 1);
});

test('first start, a child dies five times without a word -> exit status 1', async () => {
  const scene = new Scene();
  for (let death = 1; death <= 5; death += 1) {
    scene.latest('router').ends('SIGSEGV');
    await scene.beating(1_000, 'router');
  }
  assert.deepEqual(scene.said, ['failed internal-fault the call router ended 5 times before it was ready']);
  scene.latest('mailbox').ends(0);
  scene.latest('service').ends(0);
  await settled();
  assert.equal(scene.status, 1);
});

test('first start fails and a child does not end -> it is killed after 10 s', async () => {
  const scene = new Scene();
  scene.latest('mailbox').says({ kind: 'fatal', code: 'database-damaged', detail: 'x' });
  await scene.beating(10_000);
  assert.deepEqual(
    SERVICE_ROLES.filter((role) => scene.latest(role).killed),
    [...SERVICE_ROLES],
  );
});

test('a child cannot work later on -> a log line, and it is started again', () => {
  const scene = Scene.running();
  scene.latest('router').says({ kind: 'fatal', code: 'port-taken', detail: 'port 5060' });
  scene.latest('router').ends(2);
  assert.equal(scene.count('router'), 2);
  assert(scene.log.events.includes('process-fault'));
});

test('stop -> router and service drain; calls left are told; then router, then mailbox service, then exit 0', async () => {
  const scene = Scene.running();
  scene.latest('service').says({ kind: 'calls', count: 2 });
  scene.supervisor.requestStop();
  assert.equal(scene.latest('router').kinds.at(-1), 'drain');
  assert.equal(scene.latest('service').kinds.at(-1), 'drain');
  scene.latest('service').says({ kind: 'calls', count: 1 });
  scene.latest('service').says({ kind: 'calls', count: 1 });
  scene.latest('service').says({ kind: 'calls', count: 0 });
  assert.deepEqual(scene.said.slice(1), ['left 2', 'left 1', 'left 0']);
  assert.deepEqual(scene.latest('mailbox').told, []);
  scene.latest('service').ends(0);
  assert.equal(scene.latest('router').kinds.at(-1), 'stop-now');
  assert.deepEqual(scene.latest('mailbox').told, []);
  scene.latest('router').ends(0);
  assert.deepEqual(scene.latest('mailbox').kinds, ['drain']);
  scene.latest('mailbox').ends(0);
  await settled();
  assert.equal(scene.status, 0);
  assert.equal(scene.time.waiting, 0);
});

test('a second signal within 1 s is the same key press; one after it ends calls at once', async () => {
  const scene = Scene.running();
  scene.latest('service').says({ kind: 'calls', count: 3 });
  scene.supervisor.requestStop();
  await scene.time.pass(1_000);
  scene.supervisor.requestStop();
  assert.equal(scene.latest('service').kinds.at(-1), 'drain');
  await scene.time.pass(1);
  scene.supervisor.requestStop();
  assert.equal(scene.latest('service').kinds.at(-1), 'stop-now');
  assert.equal(
    scene.latest('router').kinds.at(-1),
    'drain',
    'the router goes on refusing calls until the service ended',
  );
  assert.equal(scene.said.at(-1), 'cut 3');
});

test('DrainTimeout passes -> calls are ended; a service that ignores it is killed after 10 s more', async () => {
  const scene = Scene.running();
  scene.supervisor.requestStop();
  await scene.beating(DRAIN_MS);
  assert.equal(scene.latest('service').kinds.at(-1), 'stop-now');
  await scene.beating(10_000);
  assert.equal(scene.latest('service').killed, true);
  assert.equal(scene.latest('mailbox').killed, false);
  scene.latest('service').ends('SIGKILL');
  scene.latest('router').ends(0);
  scene.latest('mailbox').ends(0);
  await settled();
  assert.equal(scene.status, 0);
});

test('while calls are waited for, mailbox service and router are kept running, the UM service is not', async () => {
  const scene = Scene.running();
  scene.supervisor.requestStop();
  scene.latest('mailbox').ends('SIGKILL');
  scene.latest('router').ends('SIGKILL');
  assert.equal(scene.count('mailbox'), 2);
  assert.deepEqual(scene.latest('router').kinds, ['service-state', 'drain']);
  scene.latest('service').ends('SIGKILL');
  assert.equal(scene.count('service'), 1);
  scene.latest('router').ends(0);
  scene.latest('mailbox').ends(0);
  await settled();
  assert.equal(scene.status, 0);
});

test('stopped before it was ready -> ends all the same', async () => {
  const scene = new Scene();
  scene.supervisor.requestStop();
  for (const role of ['service', 'router', 'mailbox'] as const) scene.latest(role).ends(0);
  await settled();
  assert.equal(scene.status, 0);
});

test('a router that does not end is killed after 30 s, and only then the mailbox service is asked to end', async () => {
  const scene = Scene.running();
  scene.supervisor.requestStop();
  scene.latest('service').ends(0);
  await scene.beating(30_000, 'service');
  assert.equal(scene.latest('router').killed, true);
  assert.equal(scene.latest('mailbox').killed, false);
  scene.latest('router').ends('SIGKILL');
  assert.deepEqual(scene.latest('mailbox').kinds, ['drain']);
});
