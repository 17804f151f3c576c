import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import type { ControlMethod, ControlMethods, MessageReport } from '../../../src/mailbox/control-protocol.js';
import { demonstrate } from '../../../src/services/demonstration-call.js';
import type { TestCallOptions, TestCallResult } from '../../../src/services/test-caller.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { testConfig } from '../../support/sip-scene.js';
import { VirtualTime } from '../../support/virtual-time.js';

const MESSAGE: MessageReport = {
  id: 'ab12cd34'.repeat(4),
  kind: 'voice',
  mailbox: '1000@um.example.test',
  from: '5551234',
  callerName: '',
  receivedAt: '2026-11-24T12:00:00.000Z',
  durationMs: 4_200,
  read: false,
  urgent: false,
  private: false,
  partial: false,
  codec: 'PCMU',
  audioFile: '/data/messages/ab.wav',
  callId: 'call-1',
  delivery: [{ kind: 'email', state: 'done', attempts: 1, nextAttemptAt: null, lastError: null }],
};

/** Runs the demonstration against a scripted caller and mailbox service; what a person reads. */
async function shown(script: {
  readonly answers?: readonly (readonly MessageReport[])[];
  readonly call?: () => Promise<TestCallResult>;
  readonly config?: Readonly<Record<string, string>>;
  readonly stopped?: AbortSignal;
}): Promise<{ readonly words: string; readonly calls: readonly TestCallOptions[]; readonly log: RecordingLogger }> {
  const time = new VirtualTime();
  const log = new RecordingLogger();
  const words: string[] = [];
  const calls: TestCallOptions[] = [];
  const answers = [...(script.answers ?? [[MESSAGE]])];
  const request = <M extends ControlMethod>(method: M): Promise<ControlMethods[M]['result']> => {
    assert.equal(method, 'messages');
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    return Promise.resolve((answer ?? []) as unknown as ControlMethods[M]['result']);
  };
  const done = demonstrate({
    control: { request },
    config: testConfig({ ListenAddress: '127.0.0.1', ...script.config }),
    routerPort: 5060,
    log,
    timers: time,
    stopped: script.stopped ?? new AbortController().signal,
    say: (text) => words.push(text),
    call: (options) => {
      calls.push(options);
      options.onHop({ kind: 'answered', status: 200, by: { address: '127.0.0.1', port: 5065 } });
      return script.call?.() ?? Promise.resolve({ answered: true, callId: 'call-1', spokenMs: 4_000, status: 200 });
    },
  });
  await time.pass(60_000);
  await done;
  return { words: words.join(''), calls, log };
}

test('a test call to 1000 is shown: hops, seconds, audio file, how to save it, where a gateway goes, who is trusted', async () => {
  const { words, calls } = await shown({});
  assert.equal(calls[0]?.extension, '1000');
  assert.deepEqual(calls[0].to, { address: '127.0.0.1', port: 5060 });
  assert(calls[0].audio.length > 8_000);
  for (const piece of [
    '127.0.0.1:5065 answers 200',
    '4.2 s were recorded: /data/messages/ab.wav',
    './bin/openum messages save ab12cd34',
    '127.0.0.1:5060',
    'Only this machine is trusted',
    './bin/openum directory export',
  ]) {
    assert(words.includes(piece), `${piece} is not in:\n${words}`);
  }
});

test('commands find the data directory: --data when it is not the usual one, in quotes when a shell would take it apart', async () => {
  const usual = await shown({ config: { DataDirectory: resolve('data') } });
  assert.doesNotMatch(usual.words, /--data/);
  const other = await shown({ config: { DataDirectory: '/srv/um' } });
  assert.match(other.words, /messages save ab12cd34 --data \/srv\/um\n/);
  assert.match(other.words, /directory import directory\.json --data \/srv\/um\n/);
  const blank = await shown({ config: { DataDirectory: "/srv/it's mine" } });
  assert(blank.words.includes(`messages save ab12cd34 --data '/srv/it'\\''s mine'\n`), blank.words);
});

test('the message comes a little later and its mail later still -> both are waited for', async () => {
  const waiting = { ...MESSAGE, delivery: MESSAGE.delivery.map((job) => ({ ...job, state: 'waiting' as const })) };
  const { words } = await shown({ answers: [[], [], [waiting], [waiting], [MESSAGE]] });
  assert.match(words, /Its e-mail was delivered/);
});

test('without a relay the file in the Maildir is named', async () => {
  const data = mkdtempSync(join(tmpdir(), 'openum-demo-'));
  const folder = join(data, 'mail/1000@um.example.test/new');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `1.${MESSAGE.id}.openum`), '');
  const { words } = await shown({ config: { DataDirectory: data } });
  assert(words.includes(join(folder, `1.${MESSAGE.id}.openum`)), words);
  rmSync(data, { recursive: true });
});

test('a mail that is discarded meanwhile -> said so', async () => {
  assert.match((await shown({ answers: [[{ ...MESSAGE, delivery: [] }]] })).words, /Its e-mail was discarded/);
});

test('a mail that is not delivered in time -> the outbox is pointed at', async () => {
  const waiting = { ...MESSAGE, delivery: MESSAGE.delivery.map((job) => ({ ...job, state: 'waiting' as const })) };
  const { words } = await shown({ answers: [[waiting]] });
  assert.match(words, /not delivered yet: see \.\/bin\/openum outbox/);
});

test('the call fails, is refused, or leaves no message -> said and logged; the way in is shown all the same', async () => {
  const refused = { answered: false, callId: 'call-1', spokenMs: 0, status: 503 };
  for (const [script, reason] of [
    [{ call: () => Promise.reject(new UmError('call-failed', 'ECONNREFUSED')) }, /ECONNREFUSED/],
    [{ call: () => Promise.resolve(refused) }, /status 503/],
    [{ answers: [[]] }, /no message/],
    [{ answers: [[{ ...MESSAGE, kind: 'missed-call' as const, audioFile: null }]] }, /missed call only/],
  ] as const) {
    const { words, log } = await shown(script);
    assert.match(words, reason);
    assert.match(words, /Point a gateway/);
    assert.deepEqual(log.events, ['test-call-failed']);
  }
});

test('the daemon is stopped meanwhile -> nothing more is shown', async () => {
  const { words, log } = await shown({ answers: [[]], stopped: AbortSignal.abort() });
  assert.doesNotMatch(words, /failed|Point a gateway/);
  assert.deepEqual(log.events, []);
});
