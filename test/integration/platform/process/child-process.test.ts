import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Child, type ChildEnd, forkChild } from '../../../../src/platform/process/child-process.js';
import { connectParent, type FromChild } from '../../../../src/platform/process/parent-link.js';

const PROGRAM = new URL('../../../fixtures/processes/obedient-child.ts', import.meta.url);
const PARENT = fileURLToPath(new URL('../../../fixtures/processes/parent-of-one.ts', import.meta.url));

/** A forked child, with what it said; every wait is for an event. */
class Watched {
  readonly child: Child;
  readonly said: FromChild[] = [];
  readonly ended: Promise<ChildEnd>;
  #wake: (() => void) | undefined;

  constructor(plan: string) {
    let end: (end: ChildEnd) => void = () => undefined;
    this.ended = new Promise((done) => (end = done));
    this.child = forkChild(PROGRAM, plan, {
      onMessage: (message) => {
        this.said.push(message);
        this.#wake?.();
      },
      onEnded: (how) => {
        end(how);
      },
    });
  }

  async heard<K extends FromChild['kind']>(kind: K, times = 1): Promise<Extract<FromChild, { kind: K }>> {
    for (;;) {
      const found = this.said.filter((message): message is Extract<FromChild, { kind: K }> => message.kind === kind);
      const last = found[times - 1];
      if (last !== undefined) return last;
      await new Promise<void>((done) => (this.#wake = done));
    }
  }
}

test('a child says at once that it lives, then that it is ready, then beats each second', async () => {
  const watched = new Watched('wait');
  const ready = await watched.heard('ready');
  assert.deepEqual(ready.ports, [watched.child.pid]);
  assert.equal(watched.said[0]?.kind, 'heartbeat');
  await watched.heard('heartbeat', 3);
  watched.child.kill();
  assert.deepEqual(await watched.ended, { status: null, signal: 'SIGKILL' });
});

test('what is told to a child before it listens reaches it', async () => {
  const watched = new Watched('wait');
  watched.child.send({ kind: 'other-calls', count: 41 });
  assert.equal((await watched.heard('calls')).count, 42);
  watched.child.kill();
  await watched.ended;
});

test('a child obeys its parent only: SIGINT, SIGTERM and SIGHUP of the group do not end it', async () => {
  const watched = new Watched('wait');
  await watched.heard('ready');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(watched.child.pid ?? 0, signal);
  watched.child.send({ kind: 'other-calls', count: 0 });
  await watched.heard('calls');
  watched.child.send({ kind: 'drain' });
  assert.deepEqual(await watched.ended, { status: 5, signal: null });
});

test('the last words of a child that ends at once are heard before its end', async () => {
  const watched = new Watched('fatal');
  assert.deepEqual(await watched.ended, { status: 2, signal: null });
  assert.deepEqual(watched.said.at(-1), { kind: 'fatal', code: 'port-taken', detail: '5060' });
});

test('a child whose event loop hangs stops beating, and can be killed', async () => {
  const watched = new Watched('hang');
  await watched.heard('heartbeat');
  watched.child.kill();
  assert.equal((await watched.ended).signal, 'SIGKILL');
  assert(watched.said.filter(({ kind }) => kind === 'heartbeat').length < 3);
});

test('messages to a child that has ended are lost without a fault', async () => {
  const watched = new Watched('fatal');
  await watched.ended;
  watched.child.send({ kind: 'stop-now' });
  watched.child.kill();
});

test('the parent is killed -> its child learns it and ends', async () => {
  const parent = spawn(process.execPath, [...process.execArgv, PARENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: parent.stdout })[Symbol.asyncIterator]();
  const pid = (await lines.next()).value as string;
  assert(existsSync(`/proc/${pid}`));
  parent.kill('SIGKILL');
  // The child holds the other end of the pipe: its end is the end of the stream.
  await once(parent, 'close');
});

test('a service that is started by hand says so', () => {
  assert.equal(process.connected, undefined);
  assert.throws(() => {
    connectParent();
  }, /started by/);
});
