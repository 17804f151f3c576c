import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { createInterface, type Interface } from 'node:readline';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Listener } from '../../../../src/platform/sip/listener.js';
import { openFileLimit } from '../../../../src/platform/sip/open-file-limit.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { settled, VirtualTime } from '../../../support/virtual-time.js';
import { KeptLog, RawPeer, requestText } from './raw-peer.js';

const address = ownLoopbackAddress(1);
const fixture = fileURLToPath(new URL('../../../fixtures/crowded-transport.ts', import.meta.url));
const registration = fileURLToPath(new URL('../../../support/register-ts.mjs', import.meta.url));
const top = fileURLToPath(new URL('../../../../', import.meta.url));

class CrowdedTransport {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  port = 0;

  private constructor(openFiles: number) {
    const command = `ulimit -n ${String(openFiles)}; exec "$0" --no-warnings --import "$1" "$2" "$3"`;
    this.#child = spawn('sh', ['-c', command, process.execPath, registration, fixture, address], {
      cwd: top,
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    assert.ok(this.#child.stdout);
    this.#lines = createInterface({ input: this.#child.stdout });
  }

  static async start(openFiles: number): Promise<CrowdedTransport> {
    const started = new CrowdedTransport(openFiles);
    const said = await started.#nextLine();
    started.port = Number(said.replace('port ', ''));
    return started;
  }

  async ask(word: string): Promise<string> {
    const answer = this.#nextLine();
    this.#child.stdin?.write(`${word}\n`);
    return answer;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }

  async #nextLine(): Promise<string> {
    const [line] = (await once(this.#lines, 'line')) as [string];
    return line;
  }
}

async function answersOn(peer: RawPeer, callId: string): Promise<boolean> {
  const before = peer.messages.length;
  peer.send(requestText({ method: 'OPTIONS', callId }));
  await peer.until(() => peer.messages.length > before);
  return peer.messages.length > before;
}

describe('a SIP transport without enough open files', () => {
  test('threat: EMFILE neither ends the process nor its connections, and accepting works again afterwards', async () => {
    const transport = await CrowdedTransport.start(200);
    const to = { address, port: transport.port };
    try {
      const old = await RawPeer.open(to);
      assert.equal(await answersOn(old, 'before'), true);
      await transport.ask('crowd');
      const crowd = await Promise.all(Array.from({ length: 30 }, () => RawPeer.open(to)));
      const served = await Promise.all(crowd.map((peer, index) => answersOn(peer, `crowd-${String(index)}`)));
      assert.ok(served.includes(false), 'the limit was not reached');
      assert.equal(await answersOn(old, 'meanwhile'), true);
      for (const { socket } of crowd) socket.destroy();
      await transport.ask('relax');
      const late = await RawPeer.open(to);
      assert.equal(await answersOn(late, 'after'), true);
      for (const { socket } of [old, late]) socket.destroy();
    } finally {
      await transport.stop();
    }
  });

  test('connections take half of the open files at most; the surplus is closed and logged', async () => {
    const transport = await CrowdedTransport.start(100);
    const to = { address, port: transport.port };
    try {
      const peers = await Promise.all(Array.from({ length: 60 }, () => RawPeer.open(to)));
      const served = await Promise.all(peers.map((peer, index) => answersOn(peer, `half-${String(index)}`)));
      assert.equal(served.filter(Boolean).length, 50);
      assert.equal(await transport.ask('events'), 'connections-exhausted');
      for (const { socket } of peers) socket.destroy();
    } finally {
      await transport.stop();
    }
  });

  test('the limit of this process is known', () => {
    const limit = openFileLimit();
    assert.ok(limit === undefined || limit > 0);
  });
});

describe('Listener', () => {
  test('threat: a listener that cannot accept rests a second instead of spinning, and says so once a minute', async () => {
    const time = new VirtualTime();
    const log = new KeptLog();
    const server = createServer((socket) => socket.end('hello'));
    const listener = new Listener({ server, log, timers: time, clock: time });
    const end = await listener.open(address, 0);
    const fault = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
    for (let times = 0; times < 1_000; times += 1) server.emit('error', fault);
    assert.equal(log.of('accept-failed').length, 1);
    assert.equal(server.listening, false);
    await settled();
    const listening = once(server, 'listening');
    await time.pass(1_000);
    await listening;
    const peer = await RawPeer.open(end);
    await peer.closed();
    assert.equal(peer.text, 'hello');

    server.emit('error', fault);
    assert.equal(log.of('accept-failed').length, 1);
    listener.close();
    await time.pass(60_000);
    assert.equal(server.listening, false);
    assert.equal(time.waiting, 0);
  });

  test('another fault of accepting is logged, and listening goes on', async () => {
    const time = new VirtualTime();
    const log = new KeptLog();
    const server = createServer((socket) => socket.end('hello'));
    const listener = new Listener({ server, log, timers: time, clock: time });
    const end = await listener.open(address, 0);
    server.emit('error', Object.assign(new Error('accept ENOBUFS'), { code: 'ENOBUFS' }));
    assert.deepEqual(
      log.of('listener-error').map(({ code }) => code),
      ['ENOBUFS'],
    );
    const peer = await RawPeer.open(end);
    await peer.closed();
    assert.equal(peer.text, 'hello');
    listener.close();
  });

  test('a port that this user may not open is port-taken, and says why', async () => {
    const time = new VirtualTime();
    const denied = createServer();
    Object.assign(denied, {
      listen: () => {
        process.nextTick(() => denied.emit('error', Object.assign(new Error('listen EACCES'), { code: 'EACCES' })));
      },
    });
    const listener = new Listener({ server: denied, log: new KeptLog(), timers: time, clock: time });
    await assert.rejects(listener.open(address, 80), { code: 'port-taken', message: /not allowed to this user/ });
  });

  test('a machine without IPv6 is listened on by IPv4', async () => {
    const time = new VirtualTime();
    const server = createServer();
    const listen = server.listen.bind(server);
    Object.assign(server, {
      listen: (options: { readonly host: string; readonly port: number }, done: () => void) => {
        if (options.host !== '::') return listen(options, done);
        process.nextTick(() => server.emit('error', Object.assign(new Error('no'), { code: 'EAFNOSUPPORT' })));
        return server;
      },
    });
    const listener = new Listener({ server, log: new KeptLog(), timers: time, clock: time });
    assert.equal((await listener.open(undefined, 0)).address, '0.0.0.0');
    listener.close();
  });
});
