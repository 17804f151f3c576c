import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { UmError } from '../../../src/base/errors.js';
import type {
  ControlMethod,
  ControlMethods,
  MessageReport,
  StatusReport,
} from '../../../src/mailbox/control-protocol.js';
import { ControlServer } from '../../../src/platform/control/control-server.js';
import { DataLock, daemonLockPath } from '../../../src/platform/store/data-lock.js';
import { RecordingLogger } from '../../support/recording-logger.js';
import { runScripted as run } from '../../support/scripted-io.js';

const AUDIO = Buffer.from('RIFF....WAVE and bytes that are no text: \u0000\u00ff\u0080', 'latin1');
const ID = 'ab12cd34'.repeat(4);

let data: string;
const closing: (() => unknown)[] = [];

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'openum-commands-'));
  writeFileSync(join(data, 'audio.wav'), AUDIO);
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  rmSync(data, { recursive: true, force: true });
});

/** A daemon that knows some answers. */
async function daemon(answers: Partial<{ [M in ControlMethod]: ControlMethods[M]['result'] }>): Promise<void> {
  const lock = DataLock.tryAcquire(daemonLockPath(data));
  writeFileSync(join(data, 'openum.pid'), `${String(process.pid)}\n`);
  const control = await ControlServer.listen({
    dataDirectory: data,
    log: new RecordingLogger(),
    handle: (method) => {
      const answer = answers[method];
      return answer === undefined
        ? Promise.reject(new UmError('store-unavailable', `no ${method}`))
        : Promise.resolve(answer as never);
    },
    snapshot: () => ({ version: 1, objects: [] }),
  });
  closing.push(
    () => lock?.release(),
    () => control.close(),
  );
}

function message(changes: Partial<MessageReport> = {}): MessageReport {
  return {
    id: ID,
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
    audioFile: join(data, 'audio.wav'),
    callId: 'call-1',
    delivery: [],
    ...changes,
  };
}

function status(changes: Partial<StatusReport> = {}): StatusReport {
  return {
    version: '1.2.3',
    directoryVersion: 1,
    supervisor: { pid: 1 },
    mailbox: { pid: 2 },
    router: { pid: 3, tcp: 5_060, tls: null },
    service: { pid: 4, tcp: 5_062, tls: null },
    workers: [],
    rtp: { min: 20_000, max: 29_999, inUse: 0 },
    calls: [],
    outbox: { waiting: 0, dead: 0 },
    ...changes,
  };
}

/** A call router that refuses every call; its port on 127.0.0.1. */
async function refusingRouter(refusal: string): Promise<number> {
  const server = createServer((socket) => {
    socket.setEncoding('latin1').on('error', () => undefined);
    socket.on('data', (text: string) => {
      if (!text.startsWith('INVITE')) return;
      const echoed = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
      socket.write([`SIP/2.0 ${refusal}`, ...echoed, 'Content-Length: 0', '', ''].join('\r\n'));
    });
    closing.push(() => socket.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const address = server.address();
  assert.ok(typeof address === 'object' && address);
  return address.port;
}

describe('messages save', () => {
  const save = (...words: readonly string[]): ReturnType<typeof run> =>
    run(['messages', 'save', 'ab12cd', ...words, '--data', data]);

  test('- -> the WAV file on standard output, byte by byte, and nothing else', async () => {
    await daemon({ messages: [message()] });
    const saved = await save('-');
    assert.deepEqual([saved.status, saved.err], [0, '']);
    assert.deepEqual(saved.bytes, AUDIO);
  });

  test('a file that is there: exit status 1, --force is advised, and helps', async () => {
    await daemon({ messages: [message()] });
    const file = join(data, 'copy.wav');
    writeFileSync(file, 'old');
    const refused = await save(file);
    assert.equal(refused.status, 1);
    assert.match(refused.err, /copy\.wav is there already \(--force replaces it\) \[file-unusable\]/);
    assert.equal(readFileSync(file, 'utf8'), 'old');
    assert.equal((await save(file, '--force')).status, 0);
    assert.deepEqual(readFileSync(file), AUDIO);
  });

  test('a directory, or no such directory: exit status 1, and --force is not advised, for it would not help', async () => {
    await daemon({ messages: [message()] });
    for (const words of [[data], [data, '--force'], [join(data, 'absent', 'x.wav')]]) {
      const { status, err } = await save(...words);
      assert.equal(status, 1);
      assert.match(err, /is a directory: name a file in it|ENOENT: no such file or directory/);
      assert.match(err, /\[file-unusable\]/);
      assert.doesNotMatch(err, /--force/);
    }
  });

  test('audio that is gone: the fault is named with its file, not with the copy', async () => {
    await daemon({ messages: [message({ audioFile: join(data, 'gone.wav') })] });
    for (const file of ['-', join(data, 'copy.wav')]) {
      const { status, err } = await save(file);
      assert.equal(status, 1);
      assert.match(err, /gone\.wav, the audio of message ab12cd34.*cannot be read: ENOENT/);
    }
  });

  test('a missed call has none: exit status 4', async () => {
    await daemon({ messages: [message({ audioFile: null })] });
    assert.equal((await save('-')).status, 4);
  });
});

describe('one and many', () => {
  test('attempts of a delivery', async () => {
    const delivery = { kind: 'email', state: 'dead', nextAttemptAt: null, lastError: 'no' } as const;
    await daemon({
      messages: [
        message({
          delivery: [
            { ...delivery, attempts: 1 },
            { ...delivery, attempts: 2 },
          ],
        }),
      ],
    });
    const { out } = await run(['messages', 'show', ID, '--data', data]);
    assert.match(out, /dead after 1 attempt: no\n.*dead after 2 attempts: no/);
  });

  test('pairs of RTP ports', async () => {
    await daemon({ status: status({ rtp: { min: 20_000, max: 29_999, inUse: 1 } }) });
    assert.match((await run(['status', '--data', data])).out, /29999, 1 pair in use/);
  });
});

describe('test-call', () => {
  const call = (...words: readonly string[]): ReturnType<typeof run> =>
    run(['test-call', '1000', ...words, '--data', data]);

  test('without --to: the running daemon says where its router is; a refusal names its code and what to do', async () => {
    const port = await refusingRouter('404 Not Found\r\nms-diagnostics: 15004;source="um";reason="nobody"');
    await daemon({ 'router-end': { address: '127.0.0.1', port } });
    const { status: exit, out, err } = await call();
    assert.equal(exit, 1);
    assert.ok(out.includes(`127.0.0.1:${String(port)} refuses with 404: Not Found; nobody [mailbox-unknown]\n`), out);
    assert.match(out, /^ {2}What to do: enable a mailbox with this extension/m);
    assert.equal(err, '', 'no hint where a message is that was not left');
  });

  test('--json: one document with the hops, the code among them', async () => {
    const port = await refusingRouter('503 Service Unavailable\r\nms-diagnostics: 15013;source="um";reason="down"');
    const { out } = await call('--to', `127.0.0.1:${String(port)}`, '--json');
    const { hops } = JSON.parse(out) as { hops: readonly { kind: string; code: string }[] };
    assert.deepEqual([hops.length, hops[0]?.kind, hops[0]?.code], [1, 'refused', 'service-down']);
  });

  test('nobody listens there, though a daemon runs: the way out is --to, as given to start --listen', async () => {
    const port = await refusingRouter('486 Busy Here');
    await daemon({ status: status({ router: { pid: 3, tcp: port, tls: null } }) });
    const { status: exit, err } = await call('--to', `127.90.0.1:${String(port)}`);
    assert.equal(exit, 1);
    assert.match(err, /no connection to 127\.90\.0\.1:\d+: .*ECONNREFUSED/);
    assert.ok(err.includes(`OpenUM runs on ${data}: name the address of its call router with --to`), err);
    assert.match(err, /start --listen/);
  });

  test('a daemon that cannot be asked does not stand in the way', async () => {
    await daemon({});
    const config = join(data, 'msexchangeum.config');
    writeFileSync(config, '<configuration><add key="SipTcpListeningPort" value="5990"/></configuration>');
    chmodSync(config, 0o600);
    assert.match((await call('--config', config)).err, /127\.0\.0\.1:5990/);
  });
});
