import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../../src/base/limits.js';
import type { Directory } from '../../../src/directory/directory.js';
import { UmService } from '../../../src/services/um-service.js';
import type { Generation } from '../../../src/services/worker-start.js';
import { ownLoopbackAddress } from '../../support/daemon.js';
import { headerOf, RawConnection, type RawResponse } from '../../support/raw-caller.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { ScriptedChild } from '../../support/scripted-child.js';
import { requestText, testConfig, testDirectory } from '../../support/sip-scene.js';
import { settled, VirtualTime } from '../../support/virtual-time.js';

const ADDRESS = ownLoopbackAddress(0);

/** A UM service on real sockets with scripted workers. Waiting and workers are on virtual time, sockets are not. */
class Scene {
  readonly log = new RecordingLogger();
  readonly time = new VirtualTime();
  readonly workers: ScriptedChild[] = [];
  readonly said: string[] = [];
  directory: Directory | undefined = testDirectory();
  config = testConfig({ ListenAddress: ADDRESS });
  readonly service: UmService;
  #connection: RawConnection | undefined;

  private constructor() {
    this.service = new UmService({
      log: this.log,
      timers: this.time,
      clock: this.time,
      config: () => this.config,
      directory: () => this.directory,
      fork: (_generation: Generation, _port, events) => {
        const worker = new ScriptedChild(events);
        this.workers.push(worker);
        return worker;
      },
      isPortFree: () => Promise.resolve(true),
      events: {
        onActive: (port) => this.said.push(`active ${String(port)}`),
        onCalls: (count) => this.said.push(`calls ${String(count)}`),
        onFatal: (code) => this.said.push(`fatal ${code}`),
        onEnded: () => this.said.push('ended'),
        onChanged: () => this.said.push('changed'),
      },
    });
  }

  static async open(): Promise<Scene> {
    const scene = new Scene();
    await scene.service.listen();
    await settled();
    scene.#connection = await RawConnection.open(ADDRESS, 5062, ADDRESS);
    return scene;
  }

  get connection(): RawConnection {
    assert(this.#connection);
    return this.#connection;
  }

  worker(n: number): ScriptedChild {
    const worker = this.workers[n];
    assert(worker);
    return worker;
  }

  /** Sends an INVITE; the response comes when it comes. */
  invite(): { readonly response: Promise<RawResponse> } {
    const { text, callId } = requestText('INVITE', `sip:9000@${ADDRESS}:5062;transport=tcp`);
    this.connection.send(text);
    return { response: this.connection.final(callId, '1 INVITE') };
  }

  /** Resolves when what was sent before has been read by the service. */
  async read(): Promise<void> {
    const { text, callId } = requestText('OPTIONS', `sip:${ADDRESS}`);
    this.connection.send(text);
    await this.connection.final(callId, '1 OPTIONS');
  }

  async close(): Promise<void> {
    this.connection.close();
    await this.service.close();
  }
}

test('a worker is active -> 302 to its port at once', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  const response = await scene.invite().response;
  assert.equal(response.status, 302);
  assert.equal(headerOf(response.text, 'Contact'), `<sip:9000@${ADDRESS}:5065;transport=tcp>`);
  await scene.close();
});

test('a worker that was not heard of for a moment is asked first -> 302 when it lives', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  await scene.time.pass(21);
  const { response } = scene.invite();
  await scene.read();
  assert.equal(scene.worker(0).asked, 1);
  assert.deepEqual(scene.connection.responses.filter(({ status }) => status === 302), []); // prettier-ignore
  scene.worker(0).says({ kind: 'heartbeat' });
  assert.equal((await response).status, 302);
  await scene.close();
});

test('a worker was just killed, which nobody was told yet -> the INVITE waits for the next one', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  await scene.time.pass(21);
  const { response } = scene.invite();
  await scene.read();
  scene.worker(0).ends('SIGKILL');
  await settled();
  scene.worker(1).says({ kind: 'ready' });
  assert.equal((await response).status, 302);
  await scene.close();
});

test('no worker is ready -> the INVITE waits without a word, and is redirected when one is', async () => {
  const scene = await Scene.open();
  const { response } = scene.invite();
  await scene.read();
  await scene.time.pass(LIMITS.workerWaitMs - 1);
  await scene.read();
  scene.worker(0).says({ kind: 'ready' });
  assert.equal((await response).status, 302);
  await scene.close();
});

test('no worker becomes ready within 2 s -> 503 with Retry-After and a log line', async () => {
  const scene = await Scene.open();
  const { response } = scene.invite();
  await scene.read();
  await scene.time.pass(LIMITS.workerWaitMs);
  const { status, text } = await response;
  assert.equal(status, 503);
  assert.equal(headerOf(text, 'Retry-After'), '5');
  assert.match(headerOf(text, 'ms-diagnostics') ?? '', /^15012;/);
  assert.equal(scene.log.lines.find(({ event }) => event === 'call-refused')?.['code'], 'no-worker-ready');
  await scene.close();
});

test('the connection of a waiting INVITE closes -> it is forgotten, and its timer with it', async () => {
  const scene = await Scene.open();
  const before = scene.time.waiting;
  void scene.invite().response.catch(() => undefined);
  await scene.read();
  assert.equal(scene.time.waiting, before + 1);
  scene.connection.close();
  while (scene.time.waiting > before) await new Promise(setImmediate);
  scene.worker(0).says({ kind: 'ready' });
  await scene.service.close();
});

test('threat: a flood of INVITEs while no worker is ready -> the first 1,000 wait, the rest get 503 at once', async () => {
  const scene = await Scene.open();
  const flood = Array.from(
    { length: LIMITS.waitingInvites + 5 },
    () => requestText('INVITE', `sip:9000@${ADDRESS}`).text,
  );
  scene.connection.send(flood.join(''));
  await scene.read();
  const refused = scene.connection.responses.filter(({ status }) => status === 503);
  assert.equal(refused.length, 5);
  scene.worker(0).says({ kind: 'ready' });
  await scene.connection.received(() => {
    const redirected = scene.connection.responses.filter(({ status }) => status === 302);
    return redirected.length === LIMITS.waitingInvites ? true : undefined;
  });
  await scene.close();
});

test('the active worker dies -> the next INVITE waits for its successor', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  scene.worker(0).ends('SIGKILL');
  await settled();
  const { response } = scene.invite();
  await scene.read();
  scene.worker(1).says({ kind: 'ready' });
  assert.equal((await response).status, 302);
  assert.deepEqual(
    scene.said.filter((line) => line.startsWith('active')),
    ['active 5065', 'active undefined', 'active 5065'],
  );
  await scene.close();
});

test('WorkerRecycleInterval is changed while running -> it counts for the worker that is there', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  scene.config = testConfig({ ListenAddress: ADDRESS, WorkerRecycleInterval: '60' });
  scene.service.configChanged();
  for (let second = 0; second < 60; second += 5) {
    scene.worker(0).says({ kind: 'heartbeat' });
    await scene.time.pass(5_000);
  }
  scene.worker(1).says({ kind: 'ready' });
  const response = await scene.invite().response;
  assert.equal(headerOf(response.text, 'Contact'), `<sip:9000@${ADDRESS}:5067;transport=tcp>`);
  assert.deepEqual(scene.worker(0).told.at(-1), { kind: 'drain', successorPort: 5067 });
  await scene.close();
});

test('drain -> waiting and new INVITEs get 503 draining; ended when the last worker is gone', async () => {
  const scene = await Scene.open();
  const waiting = scene.invite();
  await scene.read();
  scene.service.obey({ kind: 'drain' });
  assert.match(headerOf((await waiting.response).text, 'ms-diagnostics') ?? '', /^15014;/);
  assert.match(headerOf((await scene.invite().response).text, 'ms-diagnostics') ?? '', /^15014;/);
  scene.worker(0).ends('SIGKILL');
  assert.equal(scene.said.filter((line) => line === 'ended').length, 1);
  await scene.close();
});

test('stop-now is passed on to the workers', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  scene.service.obey({ kind: 'drain' });
  scene.service.obey({ kind: 'stop-now' });
  assert.deepEqual(scene.worker(0).kinds.slice(-2), ['drain', 'stop-now']);
  await scene.close();
});

test('status shows port and workers', async () => {
  const scene = await Scene.open();
  scene.worker(0).says({ kind: 'ready' });
  assert.deepEqual(scene.service.report(), {
    role: 'service',
    pid: process.pid,
    tcp: 5062,
    tls: null,
    workers: [{ pid: scene.worker(0).pid, generation: 'A', port: 5065, securePort: null, state: 'active' }],
  });
  await scene.close();
});
