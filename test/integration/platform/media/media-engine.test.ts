import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { UmError } from '../../../../src/base/errors.js';
import { LIMITS } from '../../../../src/base/limits.js';
import type { MediaListener, MediaParameters, MediaSession, RecordedAudio } from '../../../../src/call/media-port.js';
import { beepTone } from '../../../../src/media/beep-tone.js';
import { encodeMuLaw } from '../../../../src/media/g711.js';
import { readWav, wavHeader } from '../../../../src/media/wav.js';
import { MediaEngine } from '../../../../src/platform/media/media-engine.js';
import { parseRtcp } from '../../../../src/protocol/rtp/rtcp-packet.js';
import { RtpPacket } from '../../../../src/protocol/rtp/rtp-packet.js';
import { ownLoopbackAddress } from '../../../support/daemon.js';
import { RecordingLogger } from '../../../support/recording-logger.js';
import { VirtualTime } from '../../../support/virtual-time.js';
import { datagram } from '../../../unit/platform/media/scripted-datagrams.js';

const PROMPTS = fileURLToPath(new URL('../../../../config/prompts/en-US/', import.meta.url));
const OURS = ownLoopbackAddress(0);
const THEIRS = ownLoopbackAddress(1);

/** What a session told, each kind with a promise for its next time. */
class Listener implements MediaListener {
  readonly digits: string[] = [];
  readonly playIds: number[] = [];
  recorded: RecordedAudio | undefined;
  readonly #watchers = new Set<() => void>();

  digit(key: string): void {
    this.digits.push(key);
    this.#wake();
  }

  played(playId: number): void {
    this.playIds.push(playId);
    this.#wake();
  }

  recordingEnded(audio: RecordedAudio): void {
    this.recorded = audio;
    this.#wake();
  }

  beepHeard(): void {
    this.#wake();
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((done) => {
      const watcher = (): void => {
        if (!holds()) return;
        this.#watchers.delete(watcher);
        done();
      };
      this.#watchers.add(watcher);
    });
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A peer's socket that keeps the payloads that it gets. */
class Peer {
  readonly socket: Socket;
  readonly packets: { readonly sequence: number; readonly payload: Buffer }[] = [];
  readonly raw: Buffer[] = [];
  readonly #waiting = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    const packet = new RtpPacket();
    socket.on('message', (bytes) => {
      this.raw.push(bytes);
      if (packet.read(bytes, bytes.length)) {
        const payload = bytes.subarray(packet.payloadStart, packet.payloadEnd);
        this.packets.push({ sequence: packet.sequence, payload });
      }
      for (const wake of [...this.#waiting]) wake();
    });
  }

  static async bind(address = THEIRS): Promise<Peer> {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    socket.bind(0, address);
    await once(socket, 'listening');
    return new Peer(socket);
  }

  get port(): number {
    return this.socket.address().port;
  }

  until(holds: () => boolean): Promise<void> {
    return new Promise((done) => {
      const wake = (): void => {
        if (!holds()) return;
        this.#waiting.delete(wake);
        done();
      };
      this.#waiting.add(wake);
      wake();
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'openum-media-'));
const log = new RecordingLogger();
const sockets: Socket[] = [];
let engine: MediaEngine;

before(async () => {
  engine = await MediaEngine.start({ minimumPort: 20_000, maximumPort: 20_099, promptDirectory: PROMPTS, log });
});

after(async () => {
  await engine.close();
  for (const socket of sockets) socket.close();
  rmSync(folder, { recursive: true });
});

async function peerOn(address = THEIRS): Promise<Peer> {
  const peer = await Peer.bind(address);
  sockets.push(peer.socket);
  return peer;
}

function parametersFor(peer: Peer, address = THEIRS): MediaParameters {
  const remote = { address, port: peer.port };
  const agreed = {
    law: 'PCMU',
    telephoneEvent: 101,
    ptimeMs: 20,
    send: true,
    receive: true,
    strictMedia: true,
  } as const;
  return { remote, remoteRtcp: remote, ...agreed };
}

/** A session that talks to a peer. */
async function call(address = OURS, theirs = THEIRS) {
  const listener = new Listener();
  const peer = await peerOn(theirs);
  const session = await engine.open(address, listener);
  session.configure(parametersFor(peer, theirs));
  return { listener, peer, session };
}

function targetOf(name: string) {
  const path = join(folder, name);
  writeFileSync(path, wavHeader('PCMU', 0));
  return { path, audioOffset: 58, endKeys: '#', idleTimeoutMs: 60_000, maxDurationMs: 60_000 };
}

function send(peer: Peer, session: MediaSession, bytes: Uint8Array, address = OURS): Promise<void> {
  return new Promise((done) => {
    peer.socket.send(bytes, session.localPort, address, () => {
      done();
    });
  });
}

function exhausted(error: unknown): boolean {
  return error instanceof UmError && error.code === 'rtp-ports-exhausted';
}

describe('media engine on its thread', () => {
  it('a prompt is sent byte by byte, then played is told', async () => {
    const { listener, peer, session } = await call();
    session.play(9, [{ kind: 'beep' }, { kind: 'audio', muLaw: Uint8Array.of(1, 2, 3) }]);
    await listener.until(() => listener.playIds.includes(9));
    const expected = Buffer.from([...encodeMuLaw(beepTone()), 1, 2, 3]);
    const sent = () => Buffer.concat(peer.packets.map(({ payload }) => payload));
    await peer.until(() => sent().includes(expected));
    assert.equal(session.localPort % 2, 0);
    await session.close();
  });

  it('what is received lies in the file; # ends it, and is told as a digit', async () => {
    const { listener, peer, session } = await call();
    const target = targetOf('key');
    session.startRecording(target);
    // Behind what the thread was told before: a play of nothing comes back when all of it was done.
    session.play(1, []);
    await listener.until(() => listener.playIds.includes(1));
    for (let k = 0; k < 5; k += 1) {
      await send(peer, session, datagram({ sequence: k, timestamp: 160 * k }, new Uint8Array(160).fill(k + 1)));
    }
    await send(
      peer,
      session,
      datagram({ payloadType: 101, sequence: 5, timestamp: 800 }, Uint8Array.of(11, 10, 0, 160)),
    );
    await listener.until(() => listener.recorded !== undefined && listener.digits.includes('#'));
    assert.equal(listener.recorded?.endedBy, 'key');
    assert.equal(listener.recorded.audioBytes, 800);
    truncateSync(target.path, 58 + listener.recorded.audioBytes);
    assert.equal(readWav(readFileSync(target.path)).samples.length, 800);
    assert.equal((await session.stopRecording('hang-up')).endedBy, 'key', 'the end already told');
    const statistics = await session.close();
    assert.deepEqual([statistics.packetsReceived, statistics.packetsLost], [6, 0]);
    await assert.rejects(session.stopRecording('hang-up'), /closed/);
  });

  it('two stops at once -> both are answered; then a second recording in the same call', async () => {
    const { peer, session } = await call();
    session.startRecording(targetOf('first'));
    const both = await Promise.all([session.stopRecording('hang-up'), session.stopRecording('stopped')]);
    assert.deepEqual(both.map(({ endedBy }) => endedBy), ['hang-up', 'hang-up']); // prettier-ignore
    session.startRecording({ ...targetOf('second'), maxDurationMs: 0 });
    await peer.until(() => peer.packets.length > 3);
    await session.close();
  });

  it('stopPlaying while a file is still being read -> it is not played, and told', async () => {
    const { listener, peer, session } = await call();
    const path = join(folder, 'own.wav');
    const audio = new Uint8Array(80_000).fill(3);
    writeFileSync(path, Buffer.concat([wavHeader('PCMU', audio.length), audio]));
    session.play(1, [{ kind: 'file', path }]);
    session.stopPlaying();
    await listener.until(() => listener.playIds.includes(1));
    await peer.until(() => peer.packets.length > 5);
    assert.ok(peer.packets.every(({ payload }) => !payload.includes(3)));
    await session.close();
  });

  for (const [name, content] of [
    ['is no WAV', Buffer.from('not a WAV file')],
    ['is larger than greetingBytes (threat: a greeting that fills the memory)', Buffer.alloc(LIMITS.greetingBytes + 1)],
  ] as const) {
    it(`an own greeting that ${name} -> the shipped one is heard, and a warning`, async () => {
      const { listener, peer, session } = await call();
      const path = join(folder, 'broken.wav');
      writeFileSync(path, content);
      log.lines.length = 0;
      session.play(1, [{ kind: 'file', path }]);
      await peer.until(() => peer.packets.some(({ payload }) => !payload.every((byte) => byte === 0xff)));
      session.stopPlaying();
      await listener.until(() => listener.playIds.includes(1));
      assert.deepEqual(log.lines.map(({ event, level }) => [event, level]), [['greeting-unusable', 'warn']]); // prettier-ignore
      await session.close();
    });
  }

  it('RTCP BYE at the end goes to the RTCP address', async () => {
    const { peer, session } = await call();
    const rtcp = await peerOn();
    session.configure({ ...parametersFor(peer), remoteRtcp: { address: THEIRS, port: rtcp.port } });
    await peer.until(() => peer.packets.length > 2);
    await session.close();
    await rtcp.until(() => rtcp.raw.some((bytes) => parseRtcp(bytes)?.bye === true));
  });

  it('IPv6: ::1 plays, also to an address that SDP wrote another way, and hears it', async (t) => {
    const probe = createSocket('udp6');
    const isThere = await new Promise<boolean>((done) => {
      probe.on('error', () => { done(false); }); // prettier-ignore
      probe.bind(0, '::1', () => { done(true); }); // prettier-ignore
    });
    probe.close();
    if (!isThere) {
      t.skip('this machine has no IPv6');
      return;
    }
    const { listener, peer, session } = await call('::1', '::1');
    session.configure(parametersFor(peer, '0:0:0:0:0:0:0:1'));
    await peer.until(() => peer.packets.length > 2);
    await send(peer, session, datagram({ payloadType: 101 }, Uint8Array.of(7, 0x8a, 0, 160)), '::1');
    await listener.until(() => listener.digits.includes('7'));
    await session.close();
  });

  it('a peer whose port is closed, and one that cannot be sent to -> the call goes on', async () => {
    const { listener, peer, session } = await call();
    const gone = await Peer.bind();
    const closed = { address: THEIRS, port: gone.port };
    gone.socket.close();
    for (const remote of [closed, { address: '0.0.0.0', port: 9 }, { address: '2001:db8::1', port: 9 }]) {
      session.configure({ ...parametersFor(peer), remote, remoteRtcp: { ...remote, port: 65_536 } });
      session.play(remote.port, [{ kind: 'beep' }]);
      await listener.until(() => listener.playIds.includes(remote.port));
      listener.playIds.length = 0;
    }
    session.configure(parametersFor(peer));
    const before = peer.packets.length;
    await peer.until(() => peer.packets.length > before + 2);
    await session.close();
  });

  it('the disk fails -> write-failed is told with the reason', async () => {
    const { listener, peer, session } = await call();
    session.startRecording({ ...targetOf('full'), path: '/dev/full' });
    session.play(1, []);
    await listener.until(() => listener.playIds.includes(1));
    await send(peer, session, datagram({}));
    await listener.until(() => listener.recorded !== undefined);
    assert.equal(listener.recorded?.endedBy, 'write-failed');
    assert.match(listener.recorded.fault ?? '', /ENOSPC/);
    await session.close();
  });
});

describe('ports of the media engine', () => {
  it('a range of two ports, edited while a call is up: the second call is refused, the first untouched', async () => {
    const { peer, session } = await call();
    engine.setRange(21_000, 21_001);
    const second = await engine.open(OURS, new Listener());
    assert.equal(second.localPort, 21_000);
    await assert.rejects(engine.open(OURS, new Listener()), exhausted);
    const before = peer.packets.length;
    await peer.until(() => peer.packets.length > before + 2);
    await second.close();
    const again = await engine.open(OURS, new Listener());
    assert.equal(again.localPort, 21_000, 'resting is a preference only');
    await again.close();
    await session.close();
    assert.equal(engine.pairsInUse, 0);
  });

  it('a pair of which another program has the even, or the odd port -> skipped and counted in the log', async () => {
    for (const taken of [22_000, 22_003]) {
      const other = createSocket('udp4');
      sockets.push(other);
      other.bind(taken, OURS);
      await once(other, 'listening');
    }
    log.lines.length = 0;
    engine.setRange(22_000, 22_005);
    const session = await engine.open(OURS, new Listener());
    assert.equal(session.localPort, 22_004);
    await assert.rejects(engine.open(OURS, new Listener()), /by other programs/);
    await session.close();
    const again = await engine.open(OURS, new Listener());
    const skipped = log.lines.filter(({ event }) => event === 'rtp-pairs-skipped');
    assert.ok(skipped.length > 0 && skipped.every(({ pairs }) => typeof pairs === 'number' && pairs > 0));
    await again.close();
  });

  it('an address that is not of this machine -> refused with the reason, and later calls are served', async () => {
    engine.setRange(23_000, 23_001);
    await assert.rejects(engine.open('192.0.2.1', new Listener()), (error) => exhausted(error) && String(error).includes('EADDRNOTAVAIL')); // prettier-ignore
    await (await engine.open(OURS, new Listener())).close();
  });

  it('closed with calls up and one being opened -> all are closed', async () => {
    const other = await MediaEngine.start({ minimumPort: 24_000, maximumPort: 24_009, promptDirectory: PROMPTS, log });
    await other.open(OURS, new Listener());
    const opening = other.open(OURS, new Listener());
    await other.close();
    await opening;
    assert.equal(other.pairsInUse, 0);
  });

  it('the media thread dies -> the process ends too, for its parent to replace', async () => {
    const file = fileURLToPath(new URL('../../../fixtures/lost-media-thread.ts', import.meta.url));
    const child = fork(file, { execArgv: process.execArgv, stdio: 'ignore' });
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 42);
  });

  it('the media thread hangs while a call is opened -> the process ends too, by the watch over the thread', async () => {
    const file = fileURLToPath(new URL('../../../fixtures/stuck-media-thread.ts', import.meta.url));
    const hang = new URL('../../../fixtures/hang-at-open.mjs', import.meta.url).href;
    const child = fork(file, { execArgv: [...process.execArgv, '--import', hang], stdio: 'ignore' });
    const [status] = (await once(child, 'exit')) as [number];
    assert.equal(status, 43);
  });

  it('a thread that works answers the watch, which ends with the engine', async () => {
    const time = new VirtualTime();
    const range = { minimumPort: 24_000, maximumPort: 24_009, promptDirectory: PROMPTS };
    const other = await MediaEngine.start({ ...range, log, timers: time });
    other.hangAfterMs = 3_000;
    for (let second = 0; second < 10; second += 1) {
      // Rejects once the thread is taken for hung. It answers in the order in which it is asked: after `opened` came `pong`.
      await time.pass(1_000);
      await (await other.open(OURS, new Listener())).close();
    }
    await other.close();
    assert.equal(time.waiting, 0);
  });

  it('prompts that are missing -> audio-unusable, naming them', async () => {
    const start = MediaEngine.start({ minimumPort: 24_000, maximumPort: 24_009, promptDirectory: folder, log });
    await assert.rejects(start, (error) => error instanceof UmError && error.detail.includes('greeting.wav'));
  });
});
