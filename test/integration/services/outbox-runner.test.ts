import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { afterEach, beforeEach } from 'node:test';
import { Directory } from '../../../src/directory/directory.js';
import { monotonicClock, timers } from '../../../src/platform/clock.js';
import { openStore } from '../../../src/platform/store/sql-message-store.js';
import { OutboxRunner } from '../../../src/services/outbox-runner.js';
import { decodedHeader, parseMail, rawHeader } from '../../support/mail-parser.js';
import { OutboxScene, relayAddress, sampleAudio, steady } from '../../support/outbox-scene.js';
import { sampleJob, sampleMessage } from '../../support/sample-message.js';
import { settled } from '../../support/virtual-time.js';

let scene: OutboxScene;
beforeEach(() => {
  scene = new OutboxScene();
});
afterEach(() => scene.dispose());

test('a job due at the start -> mailed through the relay, done, one log line', async () => {
  const peer = await scene.relay();
  await scene.take();
  scene.start();
  const job = await scene.attempted(1);
  assert.equal(job.state, 'done');
  assert.equal(job.lastError, undefined);
  const [mail] = peer.mails;
  assert.ok(mail);
  assert.deepEqual([mail.from, mail.to], ['voicemail@example.test', '1000@example.test']);
  const parsed = parseMail(mail.content);
  assert.equal(rawHeader(parsed, 'To'), 'Bob <1000@example.test>');
  assert.equal(rawHeader(parsed, 'Message-ID'), sampleMessage().messageId);
  assert.match(parsed.parts[0]?.parts[0]?.content.toString() ?? '', /Have a nice day\./);
  assert.deepEqual(parsed.parts[1]?.content, sampleAudio);
  assert.deepEqual(scene.log.events, ['mail-delivered']);
});

test('LMTP -> the same', async () => {
  const peer = await scene.relay({}, { lmtp: true });
  await scene.take();
  scene.start();
  assert.equal((await scene.attempted(1)).state, 'done');
  assert.equal(peer.mails.length, 1);
});

test('no relay configured -> a Maildir below the data directory', async () => {
  await scene.take();
  scene.start();
  assert.equal((await scene.attempted(1)).state, 'done');
  const folder = join(scene.data, 'mail/1000@example.test/new');
  const [file] = readdirSync(folder);
  const parsed = parseMail(readFileSync(join(folder, file ?? '')));
  assert.equal(decodedHeader(parsed, 'Subject'), 'Voice Mail from Ann Smith (22 seconds)');
});

test('the relay is down, then up -> tried after 5 s, 30 s and 1 min, then delivered with the same Message-ID', async () => {
  const first = await scene.relay({ taken: () => '451 4.3.0 down' });
  const { port } = first;
  await scene.take();
  scene.start();
  assert.match((await scene.attempted(1)).lastError ?? '', /^mail-unreachable: 451 4\.3\.0 down/);
  await first.close();
  for (const [attempts, afterMs] of [
    [2, 5_000],
    [3, 30_000],
  ] as const) {
    await scene.time.pass(afterMs - 1);
    assert.equal(scene.store.job().attempts, attempts - 1);
    await scene.time.pass(1);
    const job = await scene.attempted(attempts);
    assert.equal(job.state, 'waiting');
    assert.match(job.lastError ?? '', /^mail-unreachable: .*ECONNREFUSED/);
  }
  const peer = await scene.relay({}, { port });
  await scene.time.pass(60_000);
  assert.equal((await scene.attempted(4)).state, 'done');
  assert.equal(
    rawHeader(parseMail(peer.mails[0]?.content ?? Buffer.alloc(0)), 'Message-ID'),
    sampleMessage().messageId,
  );
  assert.deepEqual(scene.log.events, ['mail-deferred', 'mail-deferred', 'mail-deferred', 'mail-delivered']);
});

test('one recipient refused -> dead at once with the relay’s words, the other has the mail', async () => {
  const peer = await scene.relay({ recipient: (to) => (to.startsWith('gone') ? '550 5.1.1 who?' : '250 ok') });
  await scene.take(sampleJob(), sampleJob({ id: 'job-2', recipient: 'gone@example.test' }));
  scene.start();
  assert.equal((await scene.attempted(1)).state, 'done');
  const dead = await scene.attempted(1, 'job-2');
  assert.equal(dead.state, 'dead');
  assert.equal(dead.lastError, 'mail-refused: 550 5.1.1 who? (to RCPT TO)');
  assert.equal(peer.mails.length, 1);
  const line = scene.log.lines.find(({ event }) => event === 'mail-dead');
  assert.equal(line?.['recipient'], 'gone@example.test');
  assert.match(line.sentence, /outbox retry job-2/);
});

test('never taken within MailRetryFor -> dead, with what happened the last time', async () => {
  await scene.relay({ mail: '451 4.7.1 greylisted' });
  scene.config = { ...scene.config, mailRetryForHours: 1 };
  await scene.take();
  scene.start();
  for (let attempts = 1; scene.store.job().state === 'waiting'; attempts += 1) {
    const { nextAttemptAtMs } = await scene.attempted(attempts);
    await scene.time.pass(nextAttemptAtMs - scene.time.epochMs());
    if (scene.store.job().state === 'waiting') await scene.store.until(() => scene.store.job().attempts > attempts);
  }
  const dead = scene.store.job();
  assert.equal(dead.lastError, 'mail-gave-up: the last time: mail-unreachable: 451 4.7.1 greylisted (to MAIL FROM)');
  assert.equal(scene.time.nowMs(), 3_600_000);
  assert.equal(scene.log.events.at(-1), 'mail-dead');
});

test('a relay that stalls on four mails holds up the fifth only until they time out', async () => {
  const peer = await scene.relay({ recipient: (to) => (to.startsWith('slow') ? 'stall' : '250 ok') });
  const slow = [1, 2, 3, 4].map((k) =>
    sampleJob({ id: `slow-${String(k)}`, recipient: `slow${String(k)}@example.test` }),
  );
  await scene.take(...slow, sampleJob({ nextAttemptAtMs: scene.time.epochMs() + 1 }));
  scene.start();
  await peer.until(() => peer.commands.filter((command) => command.startsWith('RCPT')).length === 4);
  await scene.time.pass(1_000);
  assert.equal(peer.connections, 4, 'no more than four at once');
  await scene.time.pass(599_000);
  assert.equal((await scene.attempted(1)).state, 'done');
  assert.equal((await scene.attempted(1, 'slow-1')).state, 'waiting');
});

test('twenty jobs -> all delivered, at most four connections at once', async () => {
  const peer = await scene.relay();
  let most = 0;
  peer.script = {
    taken: () => {
      most = Math.max(most, peer.open);
      return '250 ok';
    },
  };
  await scene.take(
    ...Array.from({ length: 20 }, (_, k) => sampleJob({ id: `job-${String(k)}`, recipient: `u${String(k)}@x.test` })),
  );
  scene.start();
  await peer.until(() => peer.mails.length === 20);
  // One that was told goodbye may still be closing.
  assert.ok(most <= 8, `${String(most)} connections`);
});

test('wake -> a job that came meanwhile is delivered at once', async () => {
  await scene.relay();
  const runner = scene.start();
  await settled();
  await scene.take();
  runner.wake();
  assert.equal((await scene.attempted(1)).state, 'done');
});

test('nobody wakes it -> found all the same within a minute', async () => {
  await scene.relay();
  scene.start();
  await settled();
  await scene.take();
  await scene.time.pass(60_000);
  assert.equal((await scene.attempted(1)).state, 'done');
});

test('the directory is not there yet -> nothing is attempted until it is', async () => {
  const { directory } = scene;
  const peer = await scene.relay();
  scene.directory = undefined;
  await scene.take();
  scene.start();
  await scene.time.pass(10_000);
  assert.equal(peer.connections, 0);
  scene.directory = directory;
  await scene.time.pass(2_000);
  assert.equal((await scene.attempted(1)).state, 'done');
});

test('the mailbox is gone -> its mail is delivered all the same', async () => {
  const peer = await scene.relay();
  scene.directory = new Directory(2, []);
  await scene.store.takeMessage(sampleMessage({ kind: 'missed-call', audioFile: undefined }), [sampleJob()]);
  scene.start();
  assert.equal((await scene.attempted(1)).state, 'done');
  assert.equal(rawHeader(parseMail(peer.mails[0]?.content ?? Buffer.alloc(0)), 'To'), '1000@example.test');
});

test('the store is away at the start -> delivered once it is back', async () => {
  await scene.relay();
  await scene.take();
  scene.store.away = true;
  scene.start();
  await scene.time.pass(10_000);
  assert.ok(scene.log.events.every((event) => event === 'outbox-store-away'));
  scene.store.away = false;
  await scene.time.pass(2_000);
  assert.equal((await scene.attempted(1)).state, 'done');
});

test('the store is away when a mail was taken -> its outcome is kept until it is back, and the mail is not sent again', async () => {
  const peer = await scene.relay();
  peer.script = {
    taken: () => {
      scene.store.away = true;
      return '250 ok';
    },
  };
  await scene.take();
  scene.start();
  await peer.until(() => peer.mails.length === 1 && peer.open === 0);
  await scene.time.pass(100_000);
  scene.store.away = false;
  await scene.time.pass(2_000);
  assert.equal((await scene.attempted(1)).state, 'done');
  assert.equal(peer.mails.length, 1);
});

test('an unusable audio file -> deferred with its reason, then delivered once it is mended', async () => {
  const peer = await scene.relay();
  rmSync(join(scene.data, 'audio/sample.wav'));
  await scene.take();
  scene.start();
  const job = await scene.attempted(1);
  assert.equal(job.state, 'waiting');
  assert.match(job.lastError ?? '', /^audio-unusable: ENOENT/);
  assert.equal(peer.connections, 0);
  writeFileSync(join(scene.data, 'audio/sample.wav'), sampleAudio);
  await scene.time.pass(5_000);
  assert.equal((await scene.attempted(2)).state, 'done');
});

test('a job whose message is gone -> discarded', async () => {
  await scene.store.takeMessage(sampleMessage(), [sampleJob()]);
  await scene.store.deleteMessage(sampleMessage().id);
  scene.start();
  await scene.store.until(() => {
    try {
      scene.store.job();
      return false;
    } catch {
      return true;
    }
  });
});

test('the configuration is asked for each attempt: a relay named meanwhile is used', async () => {
  scene.config = { ...scene.config, smtpHost: relayAddress, smtpPort: 1 };
  await scene.take();
  scene.start();
  await scene.attempted(1);
  await scene.relay();
  await scene.time.pass(5_000);
  assert.equal((await scene.attempted(2)).state, 'done');
});

test('closed in mid-attempt -> the attempt finishes and its outcome is stored', async () => {
  const peer = await scene.relay();
  await scene.take();
  const runner = scene.start();
  await peer.until(() => peer.connections === 1);
  await runner.close();
  assert.equal(scene.store.job().state, 'done');
});

test('closed while a relay stalls -> the attempt gets five seconds, then is broken off and made again after the next start', async () => {
  const peer = await scene.relay({ taken: () => 'stall' });
  await scene.take();
  const runner = scene.start();
  await peer.until(() => peer.commands.includes('DATA'));
  const closed = runner.close();
  await scene.time.pass(4_999);
  assert.equal(peer.open, 1);
  await scene.time.pass(1);
  await closed;
  await peer.until(() => peer.open === 0);
  assert.deepEqual([scene.store.job().attempts, scene.store.job().state], [0, 'waiting']);
});

test('closed -> no further job is begun, whatever wakes it', async () => {
  const peer = await scene.relay();
  const runner = scene.start();
  await runner.close();
  await scene.take();
  runner.wake();
  await scene.time.pass(120_000);
  assert.equal(peer.connections, 0);
});

test('the calendar is set back by a year while a job waits -> tried again when its wait is over', async () => {
  const peer = await scene.relay({ mail: '451 later' });
  await scene.take();
  scene.start();
  await scene.attempted(1);
  scene.wallClock = { epochMs: () => scene.time.epochMs() - 365 * 24 * 3_600_000 };
  peer.script = {};
  await scene.time.pass(5_000);
  assert.equal((await scene.attempted(2)).state, 'done');
});

test('the calendar is set forward by a year -> the job is not given up', async () => {
  await scene.relay({ mail: '451 later' });
  await scene.take();
  scene.start();
  await scene.attempted(1);
  scene.wallClock = { epochMs: () => scene.time.epochMs() + 365 * 24 * 3_600_000 };
  await scene.time.pass(5_000);
  assert.equal((await scene.attempted(2)).state, 'waiting');
});

test('the calendar was set back while the server was off -> a job that would be due in a year is tried at once', async () => {
  await scene.relay();
  await scene.take(sampleJob({ nextAttemptAtMs: scene.time.epochMs() + 365 * 24 * 3_600_000 }));
  scene.start();
  assert.equal((await scene.attempted(1)).state, 'done');
});

test('a job stored with a wait by an earlier process -> tried when that wait is over, without being woken', async () => {
  await scene.relay();
  await scene.take(sampleJob({ attempts: 2, nextAttemptAtMs: scene.time.epochMs() + 12_345 }));
  scene.start();
  await scene.time.pass(12_344);
  assert.equal(scene.store.job().attempts, 2);
  await scene.time.pass(1);
  assert.equal((await scene.attempted(3)).state, 'done');
});

test('over the real store and real clocks -> delivered, and stored as done with its attempt counted', async () => {
  const peer = await scene.relay();
  const store = await openStore(scene.data, scene.log);
  try {
    await store.takeMessage(sampleMessage(), [
      sampleJob(),
      sampleJob({ id: 'job-2', recipient: 'second@example.test' }),
    ]);
    const runner = new OutboxRunner({
      store,
      config: () => scene.config,
      directory: () => scene.directory,
      dataDirectory: scene.data,
      log: scene.log,
      clock: monotonicClock,
      wallClock: { epochMs: () => sampleJob().nextAttemptAtMs },
      timers,
      random: steady,
    });
    runner.start();
    await peer.until(() => peer.mails.length === 2);
    await runner.close();
    const jobs = await store.jobs({ message: sampleMessage().id });
    assert.deepEqual(
      jobs.map(({ state, attempts }) => [state, attempts]),
      [
        ['done', 1],
        ['done', 1],
      ],
    );
  } finally {
    await store.close();
  }
});
