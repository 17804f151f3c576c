import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import type { StartOptions } from '../../../src/platform/config/config-file.js';
import { verifyPin } from '../../../src/platform/pin-hash.js';
import { pidFilePath } from '../../../src/platform/process/running-daemon.js';
import { DataLock, daemonLockPath } from '../../../src/platform/store/data-lock.js';
import { openStore } from '../../../src/platform/store/sql-message-store.js';
import { type ClearPreflight, preflight, type PreflightResult } from '../../../src/services/preflight.js';
import { ownLoopbackAddress } from '../../support/daemon.js';
import { RecordingLogger } from '../../support/recording-logger.js';

const ADDRESS = ownLoopbackAddress(0);
const log = new RecordingLogger();

let top = '';
let data = '';
let servers: Server[] = [];
let pins: ReadonlyMap<string, string> | undefined;
let keepPins: () => Promise<void>;

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'openum-preflight-'));
  data = join(top, 'data');
  servers = [];
  pins = undefined;
  keepPins = () => Promise.resolve();
});

afterEach(() => {
  for (const server of servers) server.close();
  rmSync(top, { recursive: true, force: true });
});

async function occupy(...ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const server = createServer().listen(port, ADDRESS);
    await once(server, 'listening');
    servers.push(server);
  }
}

function configFile(...lines: readonly string[]): string {
  const path = join(top, 'msexchangeum.config');
  writeFileSync(path, `<configuration><appSettings>\n${lines.join('\n')}\n</appSettings></configuration>\n`);
  return path;
}

function look(start: StartOptions): Promise<PreflightResult> {
  return preflight({
    start,
    environment: {},
    log,
    keepPins: (_dataDirectory, made) => {
      pins = made;
      return keepPins();
    },
  });
}

/** What stood in the way, as `code: detail`; the lock is given back when nothing did. */
async function faultsOf(start: StartOptions): Promise<readonly string[]> {
  const result = await look(start);
  if (result.kind === 'faulty') return result.faults.map(({ code, detail }) => `${code}: ${detail}`);
  result.lock.release();
  return [];
}

async function clear(start: StartOptions): Promise<ClearPreflight> {
  const result = await look(start);
  assert(result.kind === 'clear', JSON.stringify(result));
  result.lock.release();
  return result;
}

test('no configuration file, empty directory -> the demonstration, with PINs that open its mailboxes', async () => {
  const { madeDemonstration } = await clear({ data, listen: ADDRESS });
  assert(madeDemonstration);
  assert.deepEqual([...(pins?.keys() ?? [])], ['1000', '1001']);
  const store = await openStore(data, log);
  const { objects } = await store.readDirectory();
  await store.close();
  for (const object of objects) {
    if (object.kind !== 'mailbox') continue;
    const pin = pins?.get(object.extensions[0] ?? '') ?? '';
    assert.match(pin, /^\d{6}$/);
    assert(object.pin && (await verifyPin(pin, object.pin)));
  }
});

test('a second start on the same directory makes no demonstration', async () => {
  await clear({ data, listen: ADDRESS });
  pins = undefined;
  assert(!(await clear({ data, listen: ADDRESS })).madeDemonstration);
  assert.equal(pins, undefined);
});

test('PINs that cannot be kept -> data-unwritable, and the next start makes others', async () => {
  keepPins = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }));
  const [fault] = await faultsOf({ data, listen: ADDRESS });
  assert.match(fault ?? '', /^data-unwritable: .*ENOSPC/);
  const lost = pins;
  keepPins = () => Promise.resolve();
  const { madeDemonstration } = await clear({ data, listen: ADDRESS });
  assert(madeDemonstration);
  assert(lost !== undefined && pins !== undefined);
  assert.notDeepEqual([...pins], [...lost]);
});

test('a process id that cannot be written -> data-unwritable, and the data directory is free again', async () => {
  const found = faultsOf({ data, listen: ADDRESS });
  // Once the stale one is gone (it goes with the taking of the lock) and the ports are being looked at.
  while (!existsSync(daemonLockPath(data))) await new Promise((done) => setImmediate(done));
  symlinkSync('/no/such/place/openum.pid', pidFilePath(data));
  assert.match((await found)[0] ?? '', /^data-unwritable: .*openum\.pid/);
  assert.equal(pins, undefined, 'and nothing is invented');
  await clear({ data, listen: ADDRESS });
});

test('a stale process id that cannot be removed -> data-unwritable, and the data directory is free again', async () => {
  mkdirSync(join(pidFilePath(data), 'in the way'), { recursive: true });
  assert.match((await faultsOf({ data, listen: ADDRESS }))[0] ?? '', /^data-unwritable: .*openum\.pid/);
  rmSync(pidFilePath(data), { recursive: true });
  await clear({ data, listen: ADDRESS });
});

test('with a configuration file nothing is invented: the log says that no call can be taken yet', async () => {
  const { madeDemonstration } = await clear({ data, listen: ADDRESS, configFile: configFile() });
  assert(!madeDemonstration);
  assert.equal(pins, undefined);
  assert(log.lines.some(({ event, level }) => event === 'directory-empty' && level === 'warn'));
  const store = await openStore(data, log);
  assert.deepEqual(
    (await store.readDirectory()).objects.filter(({ kind }) => kind !== 'settings'),
    [],
  );
  await store.close();
});

test('ports in use -> each is named with its owner, all in one fault', async () => {
  await occupy(5060, 5062);
  const [fault = '', ...more] = await faultsOf({ data, listen: ADDRESS });
  assert.deepEqual(more, []);
  const owner = `in use by process ${String(process.pid)} `;
  assert(fault.startsWith('port-taken: '));
  assert(fault.includes(`${ADDRESS}:5060 (call router): ${owner}`));
  assert(fault.includes(`${ADDRESS}:5062 (UM service): ${owner}`));
});

test('one pair of worker ports in use is no fault, both are', async () => {
  await occupy(5065);
  assert.deepEqual(await faultsOf({ data, listen: ADDRESS }), []);
  await occupy(5067);
  const [fault] = await faultsOf({ data, listen: ADDRESS });
  assert.match(fault ?? '', /5065.*5067.*one of them must be free/);
});

test('a port that is given up a moment later (a daemon killed just now) is no fault', async () => {
  await occupy(5062);
  const found = faultsOf({ data, listen: ADDRESS });
  setImmediate(() => servers[0]?.close());
  assert.deepEqual(await found, []);
});

test('an address that this machine does not have -> one fault that names it', async () => {
  const faults = await faultsOf({ data, listen: '192.0.2.1' });
  assert.deepEqual(faults, ['config-faulty: ListenAddress is "192.0.2.1", which this machine does not have']);
});

test('a directory that cannot be made -> data-unwritable with the reason', async () => {
  writeFileSync(data, 'a file');
  const [fault] = await faultsOf({ data, listen: ADDRESS });
  assert.match(fault ?? '', /^data-unwritable: .*data: E(EXIST|NOTDIR)/);
});

test('another daemon holds the directory -> data-in-use', async () => {
  mkdirSync(data);
  const lock = DataLock.tryAcquire(daemonLockPath(data));
  assert.deepEqual(await faultsOf({ data, listen: ADDRESS }), [`data-in-use: ${data}`]);
  lock?.release();
});

test('the process id that a killed daemon left goes: nobody else is to get the signals of a stop', async () => {
  mkdirSync(data);
  writeFileSync(pidFilePath(data), '4711\n');
  await occupy(5060);
  await faultsOf({ data, listen: ADDRESS });
  assert(!existsSync(pidFilePath(data)));
  servers[0]?.close();
  writeFileSync(pidFilePath(data), '4711\n');
  await clear({ data, listen: ADDRESS });
  assert.equal(readFileSync(pidFilePath(data), 'utf8'), `${String(process.pid)}\n`);
});

test('a damaged database -> database-damaged, and nothing of it is changed', async () => {
  mkdirSync(data);
  writeFileSync(join(data, 'openum.db'), 'this is no database, it only lies where one should be'.repeat(100));
  const [fault] = await faultsOf({ data, listen: ADDRESS });
  assert.match(fault ?? '', /^database-damaged: /);
});

test('faults of every kind are found at once, also with a faulty configuration file', async () => {
  await occupy(5060, 5062);
  mkdirSync(data);
  writeFileSync(join(data, 'openum.db'), 'no database'.repeat(1_000));
  const file = configFile('<add key="DrainTimeout" value="soon" />', '<add key="NoSuchKey" value="1" />');
  const faults = await faultsOf({ data, listen: ADDRESS, configFile: file });
  assert.deepEqual(
    faults.map((fault) => fault.split(':')[0]),
    ['config-faulty', 'port-taken', 'database-damaged'],
  );
  assert.match(faults[0] ?? '', /NoSuchKey.*\n.*DrainTimeout/);
  assert.match(faults[1] ?? '', /5060.*\n.*5062/);
});

test('with a faulty file only what it does not speak of is looked at', async () => {
  await occupy(5060, 5062);
  const file = configFile('<add key="SipTcpListeningPort" value="5070" />', '<add key="DrainTimeout" value="soon" />');
  const faults = await faultsOf({ data, listen: ADDRESS, configFile: file });
  assert.equal(faults.length, 2);
  assert.doesNotMatch(faults[1] ?? '', /5060/);
});

test('whatever stands in the way, no lock and no probe file stays behind', async () => {
  await occupy(5060);
  await faultsOf({ data, listen: ADDRESS });
  assert(existsSync(data));
  assert.deepEqual(
    readdirSync(data).filter((name) => name.startsWith('.openum-probe')),
    [],
  );
  const lock = DataLock.tryAcquire(daemonLockPath(data));
  assert(lock);
  lock.release();
});
