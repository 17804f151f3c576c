import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { Directory } from '../../../../src/directory/directory.js';
import type { ProcessReport } from '../../../../src/mailbox/control-protocol.js';
import { timers } from '../../../../src/platform/clock.js';
import {
  askDaemon,
  ControlClient,
  type ControlClientOptions,
  socketPath,
} from '../../../../src/platform/control/control-client.js';
import {
  type ControlHandler,
  ControlServer,
  type ControlServerOptions,
} from '../../../../src/platform/control/control-server.js';
import { DataLock, daemonLockPath } from '../../../../src/platform/store/data-lock.js';
import { smallDirectory } from '../../../support/mailbox-facts.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { VirtualTime } from '../../../support/virtual-time.js';

let data: string;
let log: RecordingLogger;
let server: ControlServer | undefined;
let directory: Directory;
const clients: ControlClient[] = [];
const sockets: Socket[] = [];

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

/** Answers `export-directory` with what it is told, and refuses everything else. */
const handle: ControlHandler = (method) =>
  method === 'export-directory'
    ? Promise.resolve({ greeting: 'grüß dich' } as never)
    : Promise.reject(new UmError('not-found', `no ${method}`));

async function listen(changes: Partial<ControlServerOptions> = {}): Promise<ControlServer> {
  server = await ControlServer.listen({
    dataDirectory: data,
    log,
    handle,
    snapshot: () => ({ version: directory.version, objects: directory.objects }),
    ...changes,
  });
  return server;
}

function makeClient(changes: Partial<ControlClientOptions> = {}): ControlClient {
  const client = new ControlClient({ dataDirectory: data, log, timers, ...changes });
  clients.push(client);
  client.start();
  return client;
}

/** A connection that speaks the protocol by hand. */
async function dial(): Promise<{ socket: Socket; readonly line: () => Promise<unknown>; ended: Promise<unknown> }> {
  const socket = connect(socketPath(data));
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  let text = '';
  const waiting: (() => void)[] = [];
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (const wake of waiting.splice(0)) wake();
  });
  const line = async (): Promise<unknown> => {
    while (!text.includes('\n')) await new Promise<void>((done) => waiting.push(done));
    const [first = '', ...rest] = text.split('\n');
    text = rest.join('\n');
    return JSON.parse(first) as unknown;
  };
  return { socket, line, ended: once(socket, 'close') };
}

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-control-'));
  log = new RecordingLogger();
  directory = new Directory(1, smallDirectory());
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.close();
  server = undefined;
  rmSync(data, { recursive: true, force: true });
});

describe('asking once', () => {
  test('nobody listens -> daemon-absent, also beside the socket of a dead daemon', async () => {
    await assert.rejects(askDaemon(data, 'outbox', {}), codeIs('daemon-absent'));
    writeFileSync(socketPath(data), '');
    await assert.rejects(askDaemon(data, 'outbox', {}), codeIs('daemon-absent'));
  });

  test('the answer comes, or the error with its code and words', async () => {
    await listen();
    assert.deepEqual(await askDaemon(data, 'export-directory', {}), { greeting: 'grüß dich' });
    await assert.rejects(askDaemon(data, 'outbox', {}), (error) => {
      assert.ok(error instanceof UmError);
      assert.deepEqual([error.code, error.detail], ['not-found', 'no outbox']);
      return true;
    });
  });

  test('a daemon runs whose mailbox service is being started again -> the answer comes once it listens', async () => {
    const lock = DataLock.tryAcquire(daemonLockPath(data));
    writeFileSync(join(data, 'openum.pid'), `${String(process.pid)}\n`);
    const asked = askDaemon(data, 'export-directory', {});
    await listen();
    assert.deepEqual(await asked, { greeting: 'grüß dich' });
    lock?.release();
  });

  test('a daemon that goes before it answers -> store-unavailable', async () => {
    const mute = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((done) => mute.listen(socketPath(data), done));
    await assert.rejects(askDaemon(data, 'outbox', {}), codeIs('store-unavailable'));
    await new Promise((done) => mute.close(done));
  });

  test('threat: a store that hangs -> store-unavailable in the end (controlAnswerMs); an import may take longer', async () => {
    const time = new VirtualTime();
    let answer = (): void => undefined;
    let asked = 0;
    await listen({
      handle: async () => {
        asked += 1;
        await new Promise<void>((done) => (answer = done));
        return { version: 2 } as never;
      },
    });
    const status = askDaemon(data, 'status', {}, time);
    const refused = assert.rejects(status, codeIs('store-unavailable'));
    while (asked === 0) await new Promise((done) => setImmediate(done));
    await time.pass(LIMITS.controlAnswerMs - 1);
    assert.equal(time.waiting, 1);
    await time.pass(1);
    await refused;
    answer();

    const imported = askDaemon(data, 'import-directory', { document: {} }, time);
    while (asked === 1) await new Promise((done) => setImmediate(done));
    await time.pass(LIMITS.controlAnswerMs * 10);
    answer();
    assert.deepEqual(await imported, { version: 2 });
  });

  test('an answer in time leaves no timer', async () => {
    const time = new VirtualTime();
    await listen();
    await askDaemon(data, 'export-directory', {}, time);
    assert.equal(time.waiting, 0);
  });

  test('a fault of the service itself -> internal-fault, with a log line; it goes on', async () => {
    await listen({ handle: () => Promise.reject(new TypeError('a bug')) });
    await assert.rejects(askDaemon(data, 'outbox', {}), codeIs('internal-fault'));
    await assert.rejects(askDaemon(data, 'outbox', {}), codeIs('internal-fault'));
    assert.deepEqual(log.events, ['control-request-failed', 'control-request-failed']);
  });
});

describe('a client', () => {
  test('gets the snapshot, then every delta in order', async () => {
    const control = await listen();
    const seen: number[] = [];
    let copy: Directory | undefined;
    await new Promise<void>((done) => {
      const client = makeClient({
        onSnapshot: ({ version, objects }) => {
          copy = new Directory(version, objects);
          seen.push(version);
          for (let next = version + 1; next <= 20; next += 1) {
            const delta = { version: next, put: [{ ...directory.settings, maxCallsAllowed: next }], removed: [] };
            directory = directory.apply(delta);
            control.broadcast(delta);
          }
        },
        onDelta: (delta) => {
          seen.push(delta.version);
          copy = copy?.apply(delta);
          if (delta.version === 20) done();
        },
      });
      assert.ok(client);
    });
    assert.deepEqual(
      seen,
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    assert.equal(copy?.settings.maxCallsAllowed, 20);
    assert.deepEqual(copy.objects, directory.objects);
  });

  test('that does not subscribe gets no directory', async () => {
    await listen();
    const { socket, line } = await dial();
    socket.write('{"v":1,"id":1,"method":"hello","params":{}}\n');
    await line();
    server?.broadcast({ version: 2, put: [], removed: [] });
    socket.write('{"v":1,"id":2,"method":"export-directory"}\n');
    assert.deepEqual(await line(), { id: 2, result: { greeting: 'grüß dich' } });
  });

  test('connects as soon as the service is there, and again after every restart; its report is sent each time', async () => {
    const report: ProcessReport = { role: 'router', pid: 4_711, tcp: 5060, tls: null };
    let snapshots = 0;
    let onSnapshot = (): void => undefined;
    const client = makeClient({
      report: () => report,
      onSnapshot: () => {
        snapshots += 1;
        onSnapshot();
      },
    });
    await assert.rejects(client.request('outbox', {}), codeIs('store-unavailable'));
    for (let life = 1; life <= 3; life += 1) {
      const connected = new Promise<void>((done) => (onSnapshot = done));
      const control = await listen();
      await connected;
      assert.deepEqual(await client.request('export-directory', {}), { greeting: 'grüß dich' });
      assert.deepEqual(control.reports, [report]);
      assert.equal(snapshots, life);
      await control.close();
    }
  });

  test('publishes a changed report; it is forgotten when the client goes', async () => {
    let calls = 0;
    const control = await listen();
    const client = makeClient({
      report: () => ({ role: 'router', pid: calls, tcp: null, tls: null }),
      onSnapshot: () => {
        calls = 7;
        client.publish();
      },
    });
    const { socket, line } = await dial();
    while (control.reports.every((report) => report.pid !== 7)) {
      socket.write('{"v":1,"id":1,"method":"export-directory"}\n');
      await line();
    }
    assert.deepEqual(control.reports, [{ role: 'router', pid: 7, tcp: null, tls: null }]);
    client.close();
    while (control.reports.length > 0) {
      socket.write('{"v":1,"id":1,"method":"export-directory"}\n');
      await line();
    }
  });

  test('a service that goes with a request unanswered -> store-unavailable', async () => {
    const mute = createServer((socket) => socket.on('data', (chunk) => chunk.includes('outbox') && socket.destroy()));
    await new Promise<void>((done) => mute.listen(socketPath(data), done));
    const connected = once(mute, 'connection');
    const client = makeClient();
    await connected;
    await new Promise((done) => setImmediate(done));
    await assert.rejects(client.request('outbox', {}), codeIs('store-unavailable'));
    client.close();
    await new Promise((done) => mute.close(done));
  });
});

describe('the socket', () => {
  test('is for its owner only, and gone after close', async () => {
    const control = await listen();
    assert.equal(statSync(socketPath(data)).mode & 0o777, 0o600);
    await control.close();
    assert.equal(existsSync(socketPath(data)), false);
  });

  test('that somebody listens on is not taken away -> data-in-use', async () => {
    await listen();
    const first = server;
    await assert.rejects(listen(), codeIs('data-in-use'));
    server = first;
    assert.deepEqual(await askDaemon(data, 'export-directory', {}), { greeting: 'grüß dich' });
  });

  test('in a directory with a long path is a short one, the same by every way to that directory', async () => {
    const long = join(data, 'd'.repeat(120));
    mkdirSync(long);
    symlinkSync(long, join(data, 'link'));
    const path = socketPath(long);
    assert.ok(Buffer.byteLength(path) <= 100);
    assert.equal(socketPath(join(data, 'link')), path);
    assert.notEqual(socketPath(join(data, 'e'.repeat(120))), path);
    const inner = data;
    data = long;
    await listen();
    assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    assert.deepEqual(await askDaemon(long, 'export-directory', {}), { greeting: 'grüß dich' });
    await server?.close();
    server = undefined;
    data = inner;
    rmSync(dirname(path), { recursive: true });
  });

  test('threat: somebody made the short directory before us -> neither server nor client uses it', async () => {
    const inner = data;
    const long = join(data, 'f'.repeat(120));
    mkdirSync(long);
    const trap = dirname(socketPath(long));
    mkdirSync(trap);
    chmodSync(trap, 0o777);
    data = long;
    await assert.rejects(listen(), codeIs('data-unwritable'));
    await assert.rejects(askDaemon(long, 'outbox', {}), codeIs('data-unwritable'));
    rmSync(trap, { recursive: true });
    symlinkSync(inner, trap);
    await assert.rejects(listen(), codeIs('data-unwritable'));
    rmSync(trap);
    data = inner;
  });
});

describe('threat: a client that', () => {
  test('sends no JSON is told and dropped; others are served', async () => {
    await listen();
    const { socket, line, ended } = await dial();
    socket.write('GET / HTTP/1.1\r\n\r\n');
    assert.deepEqual(await line(), { id: null, error: { code: 'request-invalid', detail: 'the line is no JSON' } });
    await ended;
    assert.deepEqual(await askDaemon(data, 'export-directory', {}), { greeting: 'grüß dich' });
    assert.ok(log.events.includes('control-client-dropped'));
  });

  test('speaks another version is told daemon-protocol', async () => {
    await listen();
    const { socket, line, ended } = await dial();
    socket.write('{"v":2,"id":1,"method":"status"}\n');
    const { error } = (await line()) as { error: { code: string } };
    assert.equal(error.code, 'daemon-protocol');
    await ended;
  });

  test('asks for an unknown method, or with wrong parameters, is refused and may go on', async () => {
    await listen();
    const { socket, line } = await dial();
    socket.write('{"v":1,"id":1,"method":"constructor"}\n{"v":1,"id":2,"method":"retry-job","params":{"id":{}}}\n');
    for (const id of [1, 2]) {
      const refused = (await line()) as { id: number; error: { code: string } };
      assert.deepEqual([refused.id, refused.error.code], [id, 'request-invalid']);
    }
    socket.write('{"v":1,"id":3,"method":"export-directory"}\n');
    assert.deepEqual(await line(), { id: 3, result: { greeting: 'grüß dich' } });
  });

  test('sends a line without end is dropped (controlRequestBytes)', async () => {
    await listen({ requestBytes: 1_000 });
    const { socket, line, ended } = await dial();
    socket.write('x'.repeat(1_001));
    const { error } = (await line()) as { error: { code: string } };
    assert.equal(error.code, 'request-invalid');
    await ended;
    assert.equal(LIMITS.controlRequestBytes, 64 * 1024 * 1024);
  });

  test('never reads is dropped (controlUnsentBytes)', async () => {
    const control = await listen({ unsentBytes: 100_000 });
    const { socket, line, ended } = await dial();
    socket.write('{"v":1,"id":1,"method":"hello","params":{"subscribe":true}}\n');
    await line();
    socket.pause();
    while (!log.events.includes('control-client-dropped')) {
      control.broadcast({ version: 2, put: [], removed: ['x'.repeat(50_000)] });
      await new Promise((done) => setImmediate(done));
    }
    socket.resume();
    await ended;
    assert.equal(LIMITS.controlUnsentBytes, 256 * 1024 * 1024);
  });

  test('sends one byte at a time, characters torn apart, is understood', async () => {
    await listen();
    const { socket, line } = await dial();
    socket.setNoDelay(true);
    for (const byte of Buffer.from('{"v":1,"id":5,"method":"export-directory","params":{},"x":"ü"}\n')) {
      await new Promise((done) => socket.write(Buffer.of(byte), done));
    }
    assert.deepEqual(await line(), { id: 5, result: { greeting: 'grüß dich' } });
  });
});

test('a data directory of another user -> said so, whether a daemon runs there or not', async () => {
  chmodSync(data, 0);
  // Root may do everything: what anybody else is told is seen as nobody.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    await assert.rejects(askDaemon(data, 'status', {}), codeIs('data-unwritable'));
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(data, 0o700);
  }
});
