import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { askDaemon, socketPath } from '../../../src/platform/control/control-client.js';
import type { FromChild } from '../../../src/platform/process/parent-link.js';
import { databasePath } from '../../../src/platform/store/sql-message-store.js';
import { factsOf, idOf } from '../../support/mailbox-facts.js';
import { audioOf, record, SpoolSite } from '../../support/spool-site.js';

const program = fileURLToPath(new URL('../../../src/services/mailbox-service-main.ts', import.meta.url));
let site: SpoolSite;
let child: ChildProcess | undefined;

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<unknown[]>;
  /** The first message of this kind. */
  readonly said: (kind: FromChild['kind']) => Promise<FromChild>;
}

function start(): Running {
  const env = { ...process.env, NODE_TEST_CONTEXT: '' };
  const forked = fork(program, [JSON.stringify({ data: site.data })], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env,
  });
  child = forked;
  const messages: FromChild[] = [];
  forked.on('message', (message: FromChild) => messages.push(message));
  const ended = once(forked, 'exit');
  const said = async (kind: FromChild['kind']): Promise<FromChild> => {
    for (;;) {
      const found = messages.find((message) => message.kind === kind);
      if (found) return found;
      await once(forked, 'message');
    }
  };
  return { child: forked, ended, said };
}

beforeEach(() => {
  site = new SpoolSite();
});
afterEach(() => {
  child?.kill('SIGKILL');
  site.remove();
});

test('ready once the socket answers; drain -> the spool is moved in, exit status 0', async () => {
  const service = start();
  await service.said('ready');
  assert.equal((await askDaemon(site.data, 'status', {})).mailbox.pid, service.child.pid);
  assert.equal(statSync(socketPath(site.data)).mode & 0o777, 0o600);
  const spool = await site.worker();
  await record(spool, factsOf(idOf('a1')), audioOf(9_000));
  service.child.send({ kind: 'drain' });
  assert.deepEqual(await service.ended, [0, null]);
  assert.deepEqual(site.spooled(), []);
  await spool.close();
});

test('the parent is lost -> it ends by itself', async () => {
  const service = start();
  await service.said('ready');
  service.child.disconnect();
  assert.deepEqual(await service.ended, [0, null]);
});

test('signals of the terminal do not end it, its parent does', async () => {
  const service = start();
  await service.said('ready');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) service.child.kill(signal);
  assert.equal((await askDaemon(site.data, 'status', {})).mailbox.pid, service.child.pid);
  service.child.send({ kind: 'stop-now' });
  assert.deepEqual(await service.ended, [0, null]);
});

test('a damaged database -> fatal with its code, exit status 2', async () => {
  writeFileSync(databasePath(site.data), 'no database '.repeat(1_000));
  const service = start();
  const fatal = await service.said('fatal');
  assert.ok(fatal.kind === 'fatal');
  assert.equal(fatal.code, 'database-damaged');
  assert.deepEqual(await service.ended, [2, null]);
});

test('kill -9, started again -> the socket of the dead one is no obstacle', async () => {
  const first = start();
  await first.said('ready');
  first.child.kill('SIGKILL');
  await first.ended;
  const second = start();
  await second.said('ready');
  assert.equal((await askDaemon(site.data, 'status', {})).mailbox.pid, second.child.pid);
  assert.ok(statSync(join(site.data, 'store.lock')).isFile());
  second.child.send({ kind: 'drain' });
  await second.ended;
});
