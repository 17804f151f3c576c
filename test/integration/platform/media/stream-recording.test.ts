import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { MediaParameters, RecordedAudio, RecordingTarget } from '../../../../src/call/media-port.js';
import { SILENCE, TO_OTHER_LAW } from '../../../../src/media/g711.js';
import { type StreamEvent, StreamSession } from '../../../../src/platform/media/stream-session.js';
import { settled, VirtualTime } from '../../../support/virtual-time.js';
import { datagram, ScriptedPair, steadyRandom } from '../../../unit/platform/media/scripted-datagrams.js';

const folder = mkdtempSync(join(tmpdir(), 'openum-recording-'));
after(() => {
  rmSync(folder, { recursive: true });
});

const PEER = { address: '192.0.2.1', port: 4_000 };
const CONFIGURED: MediaParameters = {
  remote: PEER,
  remoteRtcp: PEER,
  law: 'PCMU',
  telephoneEvent: 101,
  ptimeMs: 20,
  send: true,
  receive: true,
  strictMedia: false,
};
/** A byte of mu-law that is loud, and one that is quiet. */
const LOUD = 0x20;
const QUIET = SILENCE.PCMU;
const HEADER = 58;

let files = 0;

/** One stream, its wheel turned by hand, recording into a file with a header. */
class Scene {
  readonly time = new VirtualTime();
  readonly path: string;
  readonly stream: StreamSession;
  readonly events: StreamEvent[] = [];
  #sequence = 100;
  #timestamp = 0xffff_ff00;
  #onEnd: ((audio: RecordedAudio) => void) | undefined;
  readonly ended = new Promise<RecordedAudio>((done) => (this.#onEnd = done));

  constructor(target: Partial<RecordingTarget> = {}, parameters: Partial<MediaParameters> = {}) {
    files += 1;
    this.path = join(folder, `recording-${String(files)}`);
    writeFileSync(this.path, 'h'.repeat(HEADER));
    this.stream = new StreamSession(new ScriptedPair(), {
      clock: this.time,
      wallClock: this.time,
      random: steadyRandom,
      tell: (event) => {
        this.events.push(event);
        if (event.kind === 'recording-ended') this.#onEnd?.(event.audio);
      },
    });
    this.stream.configure({ ...CONFIGURED, ...parameters });
    const defaults = { endKeys: '#', idleTimeoutMs: 5_000, maxDurationMs: 60_000, audioOffset: HEADER };
    this.stream.startRecording({ path: this.path, ...defaults, ...target });
  }

  /** Packets of 20 ms, each on its time. */
  async talk(packets: number, byte = LOUD, options: { readonly lost?: boolean; readonly payloadType?: number } = {}) {
    for (let k = 0; k < packets; k += 1) {
      const { payloadType = 0, lost = false } = options;
      const header = { payloadType, sequence: this.#sequence & 0xffff, timestamp: this.#timestamp >>> 0 };
      if (!lost) this.#receive(datagram(header, new Uint8Array(160).fill(byte)));
      this.#sequence += 1;
      this.#timestamp += 160;
      await this.wait(20);
    }
  }

  /** A key whose packets follow the audio, `agoMs` after it was pressed. */
  press(event: number, agoMs = 0): void {
    for (let k = 0; k < 3; k += 1) {
      const header = { payloadType: 101, sequence: this.#sequence, timestamp: (this.#timestamp - 8 * agoMs) >>> 0 };
      this.#receive(datagram(header, Uint8Array.of(event, 0x0a, 0, 160 * k)));
      this.#sequence += 1;
    }
  }

  /** The peer's clock goes on, and its packets do not come. */
  jump(timestamps: number): void {
    this.#timestamp += timestamps;
  }

  async wait(ms: number): Promise<void> {
    for (let k = 0; k < ms / 10; k += 1) {
      await this.time.pass(10);
      this.stream.tick(this.time.nowMs());
    }
  }

  configure(parameters: Partial<MediaParameters>): void {
    this.stream.configure({ ...CONFIGURED, ...parameters });
  }

  /** The audio in the file, runs folded. */
  get runs(): string {
    const bytes = readFileSync(this.path);
    assert.equal(bytes.toString('latin1', 0, HEADER), 'h'.repeat(HEADER), 'the header is untouched');
    const runs: [number, number][] = [];
    for (const byte of bytes.subarray(HEADER)) {
      const last = runs.at(-1);
      if (last?.[0] === byte) last[1] += 1;
      else runs.push([byte, 1]);
    }
    return runs.map(([byte, length]) => `${String(byte)}*${String(length)}`).join(' ');
  }

  #receive(bytes: Uint8Array): void {
    this.stream.rtp(bytes, PEER.address, PEER.port);
  }
}

describe('recording of a stream', () => {
  it('hang-up -> every byte that was sent is in the file, also across a wrap of the time stamp', async () => {
    const scene = new Scene();
    for (const byte of [1, 2, 3, 4]) await scene.talk(1, byte);
    const audio = await scene.stream.stopRecording('hang-up');
    assert.equal(scene.runs, '1*160 2*160 3*160 4*160');
    const { loudestDbm0, ...rest } = audio;
    assert.deepEqual(rest, { endedBy: 'hang-up', law: 'PCMU', audioBytes: 640, cutMs: 0, lostMs: 0 });
    assert.ok(loudestDbm0 > -10);
    assert.deepEqual(scene.events, [], 'not told after stopRecording');
  });

  it('in the file at the latest 200 ms after it came, before any end: what kill -9 leaves', async () => {
    const scene = new Scene();
    await scene.talk(25);
    // The virtual clock has passed; the real disk may take its turns of the event loop.
    const wanted = HEADER + 160 * 12;
    for (let turn = 0; turn < 5_000 && readFileSync(scene.path).length < wanted; turn += 1) await settled();
    assert.ok(readFileSync(scene.path).length >= wanted);
    await scene.stream.end();
  });

  it('silence -> ends after RecordingIdleTimeout, and its tail is cut and told', async () => {
    const scene = new Scene({ idleTimeoutMs: 2_000 });
    await scene.talk(50);
    await scene.talk(110, QUIET);
    const { endedBy, audioBytes, cutMs } = await scene.ended;
    assert.deepEqual([endedBy, audioBytes], ['silence', 8_000 + 2_400]);
    assert.ok(cutMs >= 1_600 && cutMs <= 1_800, `${String(cutMs)} ms`);
  });

  it('nothing comes at all -> silence by the clock', async () => {
    const scene = new Scene({ idleTimeoutMs: 1_000 });
    await scene.talk(50);
    await scene.wait(1_300);
    const { endedBy, audioBytes, cutMs } = await scene.ended;
    assert.deepEqual([endedBy, audioBytes, cutMs], ['silence', 8_000, 0]);
    const mute = new Scene({ idleTimeoutMs: 1_000 });
    await mute.wait(1_200);
    assert.equal((await mute.ended).audioBytes, 0);
  });

  it('faint talk (-52 dBm0) ends by silence but loses nothing', async () => {
    const scene = new Scene({ idleTimeoutMs: 1_000 });
    await scene.talk(60, 0xf8);
    const { endedBy, cutMs, loudestDbm0 } = await scene.ended;
    assert.ok(loudestDbm0 > -55 && loudestDbm0 < -48, String(loudestDbm0));
    assert.deepEqual([endedBy, cutMs], ['silence', 0]);
  });

  it('we stood still, not the caller -> no silence', async () => {
    const scene = new Scene({ idleTimeoutMs: 1_000 });
    await scene.talk(10);
    await scene.time.pass(30_000);
    scene.stream.tick(scene.time.nowMs());
    assert.deepEqual(scene.events, []);
    assert.equal((await scene.stream.stopRecording('hang-up')).endedBy, 'hang-up');
  });

  it('the end key cuts at its start time stamp; other keys do not end it', async () => {
    const scene = new Scene();
    await scene.talk(50);
    scene.press(5);
    scene.press(11, 100);
    const { endedBy, audioBytes } = await scene.ended;
    assert.deepEqual([endedBy, audioBytes], ['key', 50 * 160 - 800]);
    assert.deepEqual(scene.events.map((event) => event.kind === 'digit' && event.key).filter(Boolean), ['5', '#']); // prettier-ignore
  });

  it('MaxRecordingDuration -> to the byte, whatever the packets', async () => {
    const scene = new Scene({ maxDurationMs: 1_005 });
    await scene.talk(60);
    const { endedBy, audioBytes } = await scene.ended;
    assert.deepEqual([endedBy, audioBytes], ['max-recording', 8_040]);
    assert.equal(scene.runs, `${String(LOUD)}*8040`);
  });

  it('lost packets are silence, told in milliseconds', async () => {
    const scene = new Scene();
    await scene.talk(5);
    await scene.talk(3, LOUD, { lost: true });
    await scene.talk(5);
    assert.equal((await scene.stream.stopRecording('hang-up')).lostMs, 60);
    assert.equal(scene.runs, `${String(LOUD)}*800 255*480 ${String(LOUD)}*800`);
  });

  it('hold and resume -> the pause and what came in it are no part of the message, and do not end it', async () => {
    const scene = new Scene({ idleTimeoutMs: 1_000 });
    await scene.talk(5);
    scene.configure({ send: false, receive: false });
    await scene.talk(100, 1);
    scene.configure({});
    await scene.talk(5);
    await scene.stream.stopRecording('hang-up');
    assert.equal(scene.runs, `${String(LOUD)}*1600`);
  });

  it('silence from before a hold does not count after it', async () => {
    const scene = new Scene({ idleTimeoutMs: 1_000 });
    await scene.talk(5);
    await scene.talk(45, QUIET);
    scene.configure({ send: false, receive: false });
    await scene.wait(500);
    scene.configure({});
    await scene.talk(40, QUIET);
    assert.deepEqual(scene.events, []);
    await scene.talk(20, QUIET);
    assert.equal((await scene.ended).endedBy, 'silence');
  });

  it('# while the peer holds us -> goes on', async () => {
    const scene = new Scene();
    await scene.talk(5);
    scene.configure({ send: false, receive: false });
    scene.press(11);
    assert.deepEqual(scene.events.filter(({ kind }) => kind === 'recording-ended'), []); // prettier-ignore
    await scene.stream.stopRecording('hang-up');
  });

  it('one short word and silence -> cut to no less than a second: the word stays a message', async () => {
    const scene = new Scene({ idleTimeoutMs: 2_000 });
    await scene.talk(20);
    await scene.talk(110, QUIET);
    assert.equal((await scene.ended).audioBytes, 8_000);
  });

  it('the other law in mid-call -> recorded in the law it began with', async () => {
    const scene = new Scene();
    await scene.talk(1, 0x55, { payloadType: 8 });
    await scene.talk(1, 0x2a, { payloadType: 8 });
    const { law } = await scene.stream.stopRecording('hang-up');
    assert.equal(law, 'PCMU');
    const [one, other] = [TO_OTHER_LAW.PCMA[0x55] ?? 0, TO_OTHER_LAW.PCMA[0x2a] ?? 0];
    assert.equal(scene.runs, `${String(one)}*160 ${String(other)}*160`);
  });

  it('comfort noise -> the gap is silence and not loss', async () => {
    const scene = new Scene();
    await scene.talk(2);
    scene.jump(8_000);
    await scene.talk(2);
    assert.equal((await scene.stream.stopRecording('hang-up')).lostMs, 0);
    assert.equal(scene.runs, `${String(LOUD)}*320 255*8000 ${String(LOUD)}*320`);
  });

  it('comfort noise that is repeated while nobody speaks -> silence, which ends the recording all the same', async () => {
    const scene = new Scene({ idleTimeoutMs: 5_000 });
    await scene.talk(100);
    for (let k = 0; k < 6; k += 1) {
      await scene.talk(1, 60, { payloadType: 13 });
      await scene.wait(980);
      scene.jump(7_840);
    }
    assert.equal((await scene.ended).endedBy, 'silence');
  });

  it('begun while a clip plays -> records from its end on; stopped before -> empty', async () => {
    const scene = new Scene();
    await scene.stream.stopRecording('hang-up');
    const clip = new Uint8Array(800);
    scene.stream.play(1, [{ PCMU: clip, PCMA: clip }]);
    const target = { path: scene.path, audioOffset: HEADER, endKeys: '#', idleTimeoutMs: 5_000, maxDurationMs: 60_000 };
    scene.stream.startRecording(target);
    assert.equal((await scene.stream.stopRecording('hang-up')).audioBytes, 0);
    scene.stream.startRecording(target);
    await scene.talk(5, 1);
    await scene.talk(5, 2);
    const { audioBytes } = await scene.stream.stopRecording('hang-up');
    assert.ok(audioBytes >= 800 && audioBytes <= 960);
    assert.ok(scene.runs.endsWith('2*800'));
  });

  for (const [name, path] of [
    ['a full disk', '/dev/full'],
    ['a file that is gone', join(folder, 'no', 'such', 'file')],
  ] as const) {
    it(`${name} -> write-failed with the reason, and no byte that counts`, async () => {
      const scene = new Scene({ path });
      for (let k = 0; k < 500 && scene.events.length === 0; k += 1) await scene.talk(1);
      const { endedBy, audioBytes, fault } = await scene.ended;
      assert.deepEqual([endedBy, audioBytes], ['write-failed', 0]);
      assert.match(fault ?? '', /ENOSPC|ENOENT/);
      assert.equal((await scene.stream.stopRecording('hang-up')).endedBy, 'write-failed', 'the end already told');
    });
  }

  it('a full disk found only when it is closed -> write-failed too', async () => {
    const scene = new Scene({ path: '/dev/full' });
    await scene.talk(3);
    assert.equal((await scene.stream.stopRecording('hang-up')).endedBy, 'write-failed');
  });

  it('threat: a burst of time stamp jumps ends the recording at its longest duration, not the disk', async () => {
    const scene = new Scene({ maxDurationMs: 120_000 });
    await scene.talk(1);
    for (let k = 0; k < 5; k += 1) {
      scene.jump(59_000 * 8);
      await scene.talk(1);
    }
    await scene.wait(20);
    const { endedBy, audioBytes } = await scene.ended;
    assert.deepEqual([endedBy, audioBytes], ['max-recording', 120_000 * 8]);
    assert.equal(readFileSync(scene.path).length, HEADER + 120_000 * 8);
  });
});
