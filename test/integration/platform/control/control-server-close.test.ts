import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import { askDaemon, socketPath } from '../../../../src/platform/control/control-client.js';
import { type ControlHandler, ControlServer } from '../../../../src/platform/control/control-server.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { VirtualTime } from '../../../support/virtual-time.js';

let data: string;
let time: VirtualTime;
let sockets: Socket[];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-control-close-'));
  time = new VirtualTime();
  sockets = [];
});
afterEach(() => {
  for (const socket of sockets) socket.destroy();
  rmSync(data, { recursive: true, force: true });
});

function listen(handle: ControlHandler): Promise<ControlServer> {
  return ControlServer.listen({
    dataDirectory: data,
    log: new RecordingLogger(),
    handle,
    snapshot: () => ({ version: 1, objects: [] }),
    timers: time,
  });
}

/** A client that has been welcomed as a subscriber. */
async function subscriber(): Promise<Socket> {
  const socket = connect(socketPath(data));
  sockets.push(socket);
  socket.on('error', () => undefined);
  socket.write('{"v":1,"id":1,"method":"hello","params":{"subscribe":true}}\n');
  await once(socket, 'data');
  return socket;
}

/** A method that goes on until it is told to end. */
function slowMethod(): { handle: ControlHandler; readonly hasBegun: Promise<void>; readonly end: () => void } {
  let began = (): void => undefined;
  let end = (): void => undefined;
  const hasBegun = new Promise<void>((done) => (began = done));
  const handle: ControlHandler = async () => {
    began();
    await new Promise<void>((done) => (end = done));
    return [] as never;
  };
  return {
    handle,
    hasBegun,
    end: () => {
      end();
    },
  };
}

const refuseAll: ControlHandler = () => Promise.reject(new UmError('not-found', 'nothing'));

test('closing answers what was asked before it lets go', async () => {
  const slow = slowMethod();
  const control = await listen(slow.handle);
  const asked = askDaemon(data, 'outbox', {});
  await slow.hasBegun;
  const closed = control.close();
  slow.end();
  assert.deepEqual(await asked, []);
  await closed;
});

test('clients that read are let go at once, without a timer left', async () => {
  const control = await listen(refuseAll);
  const ended = once(await subscriber(), 'close');
  await control.close();
  await ended;
  assert.equal(time.waiting, 0);
});

test('threat: a client that does not read what it is sent -> cut (controlCloseMs)', async () => {
  const control = await listen(refuseAll);
  const socket = await subscriber();
  socket.pause();
  control.broadcast({ version: 2, put: [], removed: ['x'.repeat(8 * 1024 * 1024)] });
  let isClosed = false;
  const closed = control.close().then(() => (isClosed = true));
  await time.pass(LIMITS.controlCloseMs - 1);
  assert.equal(isClosed, false, 'it may still read');
  await time.pass(1);
  await closed;
  assert.equal(time.waiting, 0);
});

test('threat: a request without end -> cut likewise', async () => {
  const slow = slowMethod();
  const control = await listen(slow.handle);
  const asked = askDaemon(data, 'outbox', {});
  const refused = assert.rejects(asked, (error) => error instanceof UmError && error.code === 'store-unavailable');
  await slow.hasBegun;
  const closed = control.close();
  await time.pass(LIMITS.controlCloseMs);
  await closed;
  await refused;
});
