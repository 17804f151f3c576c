import assert from 'node:assert/strict';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import type { UmConfig } from '../../../src/config/um-config.js';
import { Directory } from '../../../src/directory/directory.js';
import { monotonicClock, timers, wallClock } from '../../../src/platform/clock.js';
import { loadConfig } from '../../../src/platform/config/config-file.js';
import { askDaemon, ControlClient } from '../../../src/platform/control/control-client.js';
import { cryptoRandom } from '../../../src/platform/random.js';
import { databasePath, openStore } from '../../../src/platform/store/sql-message-store.js';
import { MailboxService } from '../../../src/services/mailbox-service.js';
import { factsOf, idOf, smallDirectory } from '../../support/mailbox-facts.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { audioOf, record, SpoolSite, wavPayload } from '../../support/spool-site.js';

const A = idOf('a1');
let site: SpoolSite;
let log: RecordingLogger;
let config: UmConfig;
let service: MailboxService | undefined;

const codeIs =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UmError && error.code === code;

async function start(): Promise<MailboxService> {
  service = await MailboxService.start({
    dataDirectory: site.data,
    config: () => config,
    log,
    timers,
    clock: monotonicClock,
    wallClock,
    random: cryptoRandom,
  });
  return service;
}

/** Asks until it holds; each question is a round trip to the service. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds()));
}

beforeEach(async () => {
  site = new SpoolSite();
  log = new RecordingLogger();
  config = loadConfig({ data: site.data }, {}).config;
  const store = await openStore(site.data, log);
  await store.replaceDirectory(smallDirectory());
  await store.close();
});
afterEach(async () => {
  await service?.close();
  service = undefined;
  site.remove();
});

test('a worker takes a message -> it is in the mailbox and its e-mail in the Maildir; a restart changes nothing', async () => {
  await start();
  const spool = await site.worker();
  const client = new ControlClient({ dataDirectory: site.data, log, timers });
  client.start();
  await record(spool, factsOf(A), audioOf(16_000));
  await askDaemon(site.data, 'spool-changed', {});
  await until(
    async () => (await askDaemon(site.data, 'messages', { mailbox: '1000' }))[0]?.delivery[0]?.state === 'done',
  );
  const [message] = await askDaemon(site.data, 'messages', {});
  assert.equal(message?.id, A);
  assert.deepEqual(wavPayload(message.audioFile ?? ''), audioOf(16_000));
  await service?.close();

  await start();
  assert.deepEqual(await askDaemon(site.data, 'messages', {}), [message]);
  const mails = readdirSync(site.data, { recursive: true, encoding: 'utf8' }).filter((name) => /\/new\/./.test(name));
  assert.equal(mails.length, 1);
  client.close();
  await spool.close();
});

test('without a word from the worker the file system tells: the message comes in by itself', async () => {
  await start();
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(16_000));
  await until(async () => (await askDaemon(site.data, 'messages', {})).length === 1);
  await spool.close();
});

test('an import reaches every subscriber as a delta, in effect before it is answered', async () => {
  await start();
  let copy: Directory | undefined;
  let arrived = (): void => undefined;
  const client = new ControlClient({
    dataDirectory: site.data,
    log,
    timers,
    onSnapshot: ({ version, objects }) => {
      copy = new Directory(version, objects);
      arrived();
    },
    onDelta: (delta) => {
      copy = copy?.apply(delta);
    },
    report: () => ({ role: 'router', pid: 77, tcp: 5060, tls: null }),
  });
  const connected = new Promise<void>((done) => (arrived = done));
  client.start();
  await connected;
  const document = (await client.request('export-directory', {})) as { settings: object };
  const changed = { ...document, settings: { ...document.settings, maxCallsAllowed: 7 } };
  const { version } = await client.request('import-directory', { document: changed });
  const copied = copy;
  assert.deepEqual([copied?.version, copied?.settings.maxCallsAllowed], [version, 7]);

  const status = await askDaemon(site.data, 'status', {});
  assert.deepEqual([status.directoryVersion, status.mailbox.pid], [version, process.pid]);
  assert.deepEqual(status.router, { pid: 77, tcp: 5060, tls: null });
  assert.deepEqual(await askDaemon(site.data, 'router-end', {}), { address: null, port: 5060 });
  assert.deepEqual(status.rtp, { min: config.minimumRtpPort, max: config.maximumRtpPort, inUse: 0 });
  client.close();
});

test('closing first moves in what lies in the spool', async () => {
  await start();
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(16_000));
  await service?.close();
  assert.deepEqual(site.spooled(), []);
  const store = await openStore(site.data, log);
  assert.equal((await store.messages({})).length, 1);
  await store.close();
  await spool.close();
  await assert.rejects(askDaemon(site.data, 'outbox', {}), codeIs('daemon-absent'));
});

test('a damaged database -> the start is refused with its code, and the store lock is free again', async () => {
  for (const suffix of ['', '-wal', '-shm']) rmSync(databasePath(site.data) + suffix, { force: true });
  writeFileSync(databasePath(site.data), 'no database '.repeat(1_000));
  await assert.rejects(start(), codeIs('database-damaged'));
  rmSync(databasePath(site.data));
  await start();
});

test('somebody has the store open -> the service waits until it is let go', async () => {
  const store = await openStore(site.data, log);
  const started = start();
  await askNobody();
  await store.close();
  await started;
  assert.deepEqual(await askDaemon(site.data, 'outbox', {}), []);
});

async function askNobody(): Promise<void> {
  await assert.rejects(askDaemon(site.data, 'outbox', {}), codeIs('daemon-absent'));
}

test('what was left in the spool while no service ran is moved in at the next start', async () => {
  const spool = await site.worker();
  await record(spool, factsOf(A), audioOf(16_000));
  await spool.close();
  await start();
  await until(async () => (await askDaemon(site.data, 'messages', {})).length === 1);
  await service?.close();
  assert.equal(readdirSync(join(site.data, 'spool')).length, 0);
});
