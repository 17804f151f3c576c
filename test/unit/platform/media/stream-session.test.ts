import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LIMITS } from '../../../../src/base/limits.js';
import type { MediaParameters } from '../../../../src/call/media-port.js';
import { beepTone } from '../../../../src/media/beep-tone.js';
import { encodeALaw, encodeMuLaw, SILENCE } from '../../../../src/media/g711.js';
import type { EncodedClip } from '../../../../src/media/playout.js';
import { type StreamEvent, StreamSession } from '../../../../src/platform/media/stream-session.js';
import { parseRtcp } from '../../../../src/protocol/rtp/rtcp-packet.js';
import { VirtualTime } from '../../../support/virtual-time.js';
import { datagram, ScriptedPair, steadyRandom } from './scripted-datagrams.js';

const PEER = { address: '192.0.2.1', port: 4_000 };
const WITHOUT_KEYS: MediaParameters = {
  remote: PEER,
  remoteRtcp: { ...PEER, port: 4_001 },
  law: 'PCMU',
  ptimeMs: 20,
  send: true,
  receive: true,
  strictMedia: false,
};
const CONFIGURED: MediaParameters = { ...WITHOUT_KEYS, telephoneEvent: 101 };

class Scene {
  readonly time = new VirtualTime();
  readonly pair = new ScriptedPair();
  readonly events: StreamEvent[] = [];
  readonly stream: StreamSession;

  constructor(parameters: Partial<MediaParameters> = {}) {
    this.stream = new StreamSession(this.pair, {
      clock: this.time,
      wallClock: this.time,
      random: steadyRandom,
      tell: (event) => this.events.push(event),
    });
    this.stream.configure({ ...CONFIGURED, ...parameters });
  }

  /** Ten milliseconds, so many times. */
  async ticks(count: number): Promise<void> {
    for (let k = 0; k < count; k += 1) {
      await this.time.pass(10);
      this.stream.tick(this.time.nowMs());
    }
  }

  receive(bytes: Uint8Array, from = PEER): void {
    this.stream.rtp(bytes, from.address, from.port);
  }

  statistics() {
    return this.stream.end();
  }
}

function clipOf(length: number, byte = 7): EncodedClip {
  return { PCMU: new Uint8Array(length).fill(byte), PCMA: new Uint8Array(length).fill(byte + 1) };
}

describe('stream session: sending', () => {
  for (const ptimeMs of [10, 20, 30, 40, 50, 60]) {
    it(`ptime ${String(ptimeMs)}: a packet each ${String(ptimeMs)} ms, numbers and time stamps in step`, async () => {
      const scene = new Scene({ ptimeMs });
      await scene.ticks(60);
      const { sent } = scene.pair;
      assert.equal(sent.length, Math.ceil(60 / (ptimeMs / 10)));
      for (const [k, packet] of sent.entries()) {
        assert.equal(packet.payload.length, ptimeMs * 8);
        assert.equal(packet.sequence, ((sent[0]?.sequence ?? 0) + k) & 0xffff);
        assert.equal(packet.timestamp, ((sent[0]?.timestamp ?? 0) + k * ptimeMs * 8) >>> 0);
        assert.equal(packet.marker, k === 0);
        assert.deepEqual(packet.to, PEER);
      }
    });
  }

  it('nothing is sent, and nothing heard, before offer and answer agreed', () => {
    const time = new VirtualTime();
    const pair = new ScriptedPair();
    const around = { clock: time, wallClock: time, random: steadyRandom, tell: () => undefined };
    const stream = new StreamSession(pair, around);
    stream.tick(10);
    stream.rtp(datagram({}), PEER.address, PEER.port);
    assert.equal(pair.sent.length, 0);
  });

  it('silence, then a clip with the marker at its beginning, then silence; played is told once', async () => {
    const scene = new Scene();
    await scene.ticks(2);
    scene.stream.play(5, [clipOf(160), clipOf(40)]);
    await scene.ticks(6);
    const [silence, first, second, after] = scene.pair.sent;
    assert.equal(silence?.payload[0], SILENCE.PCMU);
    assert.deepEqual([first?.marker, first?.payload[0]], [true, 7]);
    assert.deepEqual([second?.marker, second?.payload[39], second?.payload[40]], [false, 7, SILENCE.PCMU]);
    assert.equal(after?.payload[0], SILENCE.PCMU);
    assert.deepEqual(scene.events, [{ kind: 'played', playId: 5 }]);
  });

  it('stopped in the middle -> played is told for all that was cut off', async () => {
    const scene = new Scene();
    scene.stream.play(1, [clipOf(16_000)]);
    scene.stream.play(2, [clipOf(160)]);
    await scene.ticks(2);
    scene.stream.stopPlaying();
    assert.deepEqual(scene.events.map((event) => event.kind === 'played' && event.playId), [1, 2]); // prettier-ignore
  });

  it('a payload type that was agreed on beside the static one is sent, and both are heard', async () => {
    const scene = new Scene({ law: 'PCMA', payloadType: 97 });
    await scene.ticks(1);
    assert.equal(scene.pair.sent[0]?.payloadType, 97);
    for (const [k, payloadType] of [97, 8, 0].entries()) scene.receive(datagram({ payloadType, sequence: k }));
    scene.receive(datagram({ payloadType: 98, sequence: 3 }));
    const { packetsReceived, packetsDiscarded } = await scene.statistics();
    assert.deepEqual([packetsReceived, packetsDiscarded], [4, 1]);
  });

  it('held (send false) -> no packet; the time stamp goes on, the number does not, the marker is set again', async () => {
    const scene = new Scene();
    await scene.ticks(2);
    scene.stream.configure({ ...CONFIGURED, send: false });
    await scene.ticks(10);
    assert.equal(scene.pair.sent.length, 1);
    scene.stream.configure(CONFIGURED);
    await scene.ticks(2);
    const [before, after] = scene.pair.sent;
    assert.equal(after?.sequence, ((before?.sequence ?? 0) + 1) & 0xffff);
    assert.equal(after.timestamp, (before?.timestamp ?? 0) + 6 * 160);
    assert.equal(after.marker, true);
  });

  it('a peer that only sends (send false from the start) still hears its clips end: it is recorded', async () => {
    const scene = new Scene({ send: false });
    scene.stream.play(1, [clipOf(160)]);
    await scene.ticks(2);
    assert.deepEqual(scene.events, [{ kind: 'played', playId: 1 }]);
  });

  it('no place to send to (0.0.0.0, port 0, an RTCP port beyond 65,535) -> nothing is sent, nothing fails', async () => {
    for (const remote of [
      { address: '0.0.0.0', port: 4_000 },
      { ...PEER, port: 0 },
    ]) {
      const scene = new Scene({ remote, remoteRtcp: { ...PEER, port: 65_536 } });
      await scene.ticks(1_000);
      await scene.statistics();
      assert.equal(scene.pair.sent.length + scene.pair.reports.length, 0);
    }
  });

  it('RTCP goes to its own address, and says BYE at the end', async () => {
    const scene = new Scene({ remoteRtcp: { address: '192.0.2.9', port: 5_005 } });
    await scene.ticks(1_000);
    await scene.statistics();
    assert.ok(scene.pair.reports.length >= 2);
    assert.ok(scene.pair.reports.every(({ to }) => to.address === '192.0.2.9' && to.port === 5_005));
    assert.deepEqual(scene.pair.reports.map(({ bytes }) => parseRtcp(bytes)?.bye).lastIndexOf(false), scene.pair.reports.length - 2); // prettier-ignore
    assert.equal(parseRtcp(scene.pair.reports.at(-1)?.bytes ?? new Uint8Array())?.bye, true);
  });
});

describe('stream session: receiving', () => {
  it('ours go to the latched source until the SDP address is heard', async () => {
    const nat = { address: '198.51.100.7', port: 9_000 };
    const scene = new Scene();
    await scene.ticks(60);
    scene.receive(datagram({}), nat);
    await scene.ticks(2);
    assert.deepEqual(scene.pair.sent.at(-1)?.to, nat);
    scene.receive(datagram({}));
    await scene.ticks(2);
    assert.deepEqual(scene.pair.sent.at(-1)?.to, PEER);
  });

  it('a key is told once for its many packets', () => {
    const scene = new Scene();
    for (let k = 0; k < 6; k += 1) {
      scene.receive(datagram({ payloadType: 101, sequence: k }, Uint8Array.of(11, k > 2 ? 0x8a : 0x0a, 0, 160)));
    }
    assert.deepEqual(scene.events, [{ kind: 'digit', key: '#' }]);
  });

  it('without RFC 4733 agreed on its payload type is nothing', async () => {
    const scene = new Scene();
    scene.stream.configure({ ...WITHOUT_KEYS, telephoneEvent: 101 });
    scene.stream.configure(WITHOUT_KEYS);
    scene.receive(datagram({ payloadType: 101 }, Uint8Array.of(1, 0x8a, 0, 160)));
    assert.deepEqual(scene.events, []);
    assert.equal((await scene.statistics()).packetsDiscarded, 1);
  });

  for (const law of ['PCMU', 'PCMA'] as const) {
    it(`${law}: the end of a beep is told once, only when it is listened for`, () => {
      const scene = new Scene();
      const tone = law === 'PCMU' ? encodeMuLaw(beepTone()) : encodeALaw(beepTone());
      const beep = (): void => {
        for (let at = 0; at < tone.length; at += 160) {
          scene.receive(datagram({ payloadType: law === 'PCMU' ? 0 : 8 }, tone.subarray(at, at + 160)));
        }
        scene.receive(datagram({}, new Uint8Array(160).fill(SILENCE.PCMU)));
      };
      beep();
      assert.deepEqual(scene.events, []);
      scene.stream.listenForBeep();
      beep();
      beep();
      assert.deepEqual(scene.events, [{ kind: 'beep-heard' }]);
    });
  }

  it('loss and jitter of the call are told at its end', async () => {
    const scene = new Scene();
    await scene.ticks(2);
    for (const sequence of [1, 2, 5]) scene.receive(datagram({ sequence, timestamp: 160 * sequence }));
    const { packetsSent, packetsReceived, packetsLost } = await scene.statistics();
    assert.deepEqual([packetsSent, packetsReceived, packetsLost], [1, 3, 2]);
  });

  it('threat: RTP injection from a foreign source, before 500 ms and under strictMedia -> discarded', async () => {
    const thief = { address: '203.0.113.66', port: 6_666 };
    for (const strictMedia of [false, true]) {
      const scene = new Scene({ strictMedia });
      if (strictMedia) await scene.ticks(100);
      scene.receive(datagram({ payloadType: 101 }, Uint8Array.of(1, 0x8a, 0, 160)), thief);
      assert.deepEqual(scene.events, []);
      assert.equal((await scene.statistics()).packetsDiscarded, 1);
    }
  });

  it('threat: oversized datagrams (rtpPacketBytes) and bytes that are no RTP -> discarded', async () => {
    const scene = new Scene();
    scene.receive(datagram({}, new Uint8Array(LIMITS.rtpPacketBytes - 11)));
    scene.receive(Uint8Array.of(1, 2, 3));
    scene.receive(datagram({}, new Uint8Array(LIMITS.rtpPacketBytes - 12)));
    const { packetsReceived, packetsDiscarded } = await scene.statistics();
    assert.deepEqual([packetsReceived, packetsDiscarded], [1, 2]);
  });
});
