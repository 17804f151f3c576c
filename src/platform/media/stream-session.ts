import type { MonotonicClock, WallClock } from '../../base/clock.js';
import type { G711Law } from '../../base/g711-law.js';
import { LIMITS } from '../../base/limits.js';
import type { Random } from '../../base/random.js';
import type { HostPort } from '../../protocol/sip/flow.js';
import type { MediaParameters, MediaStatistics, RecordedAudio, RecordingTarget } from '../../call/media-port.js';
import type { RecordingEnd } from '../../mailbox/message.js';
import { BYTES_PER_MS } from '../../media/g711.js';
import { type EncodedClip, Playout } from '../../media/playout.js';
import { SteadyToneDetector } from '../../media/steady-tone-detector.js';
import { ReceiverStatistics } from '../../protocol/rtp/receiver-statistics.js';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../../protocol/rtp/rtp-packet.js';
import { TelephoneEventReceiver } from '../../protocol/rtp/telephone-event.js';
import type { DatagramPair, DatagramReceiver } from './media-io.js';
import { RtcpReporter } from './rtcp-reporter.js';
import { sendable, SourceGate } from './source-gate.js';
import { StreamRecorder } from './stream-recorder.js';

const STATIC_PCMU = 0;
const STATIC_PCMA = 8;
/** RFC 3389's static type, and the one that Cisco's gateways used before it. */
const COMFORT_NOISE = [13, 19];
const LONGEST_FRAME_MS = 60;
const TICK_MS = 10;

/** What a session tells its owner. */
export type StreamEvent =
  | { readonly kind: 'digit'; readonly key: string }
  | { readonly kind: 'played'; readonly playId: number }
  | { readonly kind: 'recording-ended'; readonly audio: RecordedAudio }
  | { readonly kind: 'beep-heard' };

export interface StreamSurroundings {
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly random: Random;
  tell(event: StreamEvent): void;
}

/**
 * One call's audio: what arrives goes to the recorder and the key receiver, a frame goes out each packet time. Works in
 * buffers of its own; allocates nothing per packet of audio.
 */
export class StreamSession implements DatagramReceiver {
  readonly #pair: DatagramPair;
  readonly #around: StreamSurroundings;
  readonly #gate = new SourceGate();
  readonly #packet = new RtpPacket();
  readonly #statistics = new ReceiverStatistics();
  readonly #keys = new TelephoneEventReceiver();
  readonly #playout = new Playout();
  readonly #out = new Uint8Array(RTP_HEADER_BYTES + LONGEST_FRAME_MS * BYTES_PER_MS);
  readonly #fields;
  readonly #range = { start: RTP_HEADER_BYTES, end: RTP_HEADER_BYTES };
  readonly #rtcp: RtcpReporter;
  #parameters: MediaParameters | undefined;
  #rtcpDestination: HostPort | undefined;
  /** One packet's payload; made anew only when its length is another than the last one's. */
  #payload = new Uint8Array(0);
  #recorder: StreamRecorder | undefined;
  /** A recording that begins when nothing is said any more. */
  #awaited: RecordingTarget | undefined;
  #tones: SteadyToneDetector | undefined;
  #ticksToFrame = 1;
  #wasPlaying = false;
  #packetsSent = 0;
  #octetsSent = 0;
  #discarded = 0;

  constructor(pair: DatagramPair, around: StreamSurroundings) {
    this.#pair = pair;
    this.#around = around;
    const { random } = around;
    this.#fields = {
      marker: true,
      payloadType: STATIC_PCMU,
      sequence: random.integer(0x10000),
      timestamp: random.integer(0x100000000),
      ssrc: random.integer(0x100000000),
    };
    this.#rtcp = new RtcpReporter(this.#fields.ssrc, around);
    pair.receiver = this;
  }

  configure(parameters: MediaParameters): void {
    const nowMs = this.#around.clock.nowMs();
    this.#parameters = parameters;
    this.#gate.announce(parameters.remote, parameters.strictMedia, nowMs);
    this.#rtcpDestination = sendable(parameters.remoteRtcp);
    this.#recorder?.hold(!parameters.receive, nowMs);
    this.#fields.payloadType = parameters.payloadType ?? (parameters.law === 'PCMU' ? STATIC_PCMU : STATIC_PCMA);
  }

  play(playId: number, clips: readonly EncodedClip[]): void {
    this.#playout.play(playId, clips);
  }

  stopPlaying(): void {
    for (const playId of this.#playout.stop()) this.#around.tell({ kind: 'played', playId });
  }

  listenForBeep(): void {
    this.#tones = new SteadyToneDetector();
  }

  /** Begins to record, or will with the frame in which the last clip ends: no word spoken right behind the beep is missed. */
  startRecording(target: RecordingTarget): void {
    if (this.#playout.isPlaying) this.#awaited = target;
    else this.#beginRecording(target);
  }

  #beginRecording(target: RecordingTarget): void {
    this.#awaited = undefined;
    const parameters = this.#parameters;
    void this.#recorder?.stop('stopped');
    const begun = { nowMs: this.#around.clock.nowMs(), isHeld: parameters?.receive === false };
    this.#recorder = new StreamRecorder(parameters?.law ?? 'PCMU', target, begun);
  }

  /** Ends the recording; one without a byte, when none was ever begun. */
  stopRecording(endedBy: RecordingEnd): Promise<RecordedAudio> {
    if (this.#recorder !== undefined && this.#awaited === undefined) return this.#recorder.stop(endedBy);
    this.#awaited = undefined;
    const law = this.#parameters?.law ?? 'PCMU';
    const loudestDbm0 = Number.NEGATIVE_INFINITY;
    return Promise.resolve({ endedBy, law, audioBytes: 0, cutMs: 0, loudestDbm0, lostMs: 0 });
  }

  /** One step of the pacing wheel: 10 ms. */
  tick(nowMs: number): void {
    const parameters = this.#parameters;
    if (parameters === undefined) return;
    this.#announceEnd(this.#recorder?.tick(nowMs));
    this.#ticksToFrame -= 1;
    if (this.#ticksToFrame > 0) return;
    this.#ticksToFrame = parameters.ptimeMs / TICK_MS;
    this.#sendFrame(parameters);
    if (this.#rtcp.isDue(nowMs)) this.#sendReport(nowMs, false);
  }

  rtp(bytes: Uint8Array, address: string, port: number): void {
    const nowMs = this.#around.clock.nowMs();
    const packet = this.#packet;
    const parameters = this.#parameters;
    const isPossible = bytes.length <= LIMITS.rtpPacketBytes && packet.read(bytes, bytes.length);
    if (parameters === undefined || !isPossible) {
      this.#discarded += 1;
      return;
    }
    const law = lawOf(packet.payloadType, parameters);
    const isEvent = packet.payloadType === parameters.telephoneEvent;
    if (!this.#gate.admits(address, port, law !== undefined || isEvent, nowMs)) {
      this.#discarded += 1;
      return;
    }
    this.#statistics.count(packet, nowMs);
    const payload = this.#payloadOf(bytes);
    if (isEvent) this.#onEvent(payload);
    else if (law !== undefined) this.#onAudio(law, payload, nowMs);
    else if (COMFORT_NOISE.includes(packet.payloadType)) this.#recorder?.otherPacket(packet);
    else this.#discarded += 1;
  }

  rtcp(bytes: Uint8Array): void {
    this.#rtcp.receive(bytes, this.#around.clock.nowMs());
  }

  /** Sends RTCP BYE; the final counts. The pair is closed by who opened it. */
  async end(): Promise<MediaStatistics> {
    this.#sendReport(this.#around.clock.nowMs(), true);
    this.#pair.receiver = undefined;
    await this.#recorder?.stop('stopped');
    return {
      packetsSent: this.#packetsSent,
      packetsReceived: this.#statistics.totalReceived,
      packetsLost: this.#statistics.lost,
      packetsDiscarded: this.#discarded,
      jitterMs: this.#statistics.jitterMs,
    };
  }

  #onAudio(law: G711Law, payload: Uint8Array, nowMs: number): void {
    this.#recorder?.audio(law, this.#packet, payload, nowMs);
    if (this.#tones?.feed(law, payload) === true) {
      this.#tones = undefined;
      this.#around.tell({ kind: 'beep-heard' });
    }
  }

  #onEvent(payload: Uint8Array): void {
    this.#recorder?.otherPacket(this.#packet);
    const key = this.#keys.feed(this.#packet, payload);
    if (key === undefined) return;
    this.#announceEnd(this.#recorder?.key(key, this.#packet));
    this.#around.tell({ kind: 'digit', key });
  }

  #announceEnd(ended: Promise<RecordedAudio> | undefined): void {
    void ended?.then((audio) => {
      this.#around.tell({ kind: 'recording-ended', audio });
    });
  }

  #payloadOf(bytes: Uint8Array): Uint8Array {
    const { payloadStart, payloadEnd } = this.#packet;
    const length = payloadEnd - payloadStart;
    if (this.#payload.length !== length) this.#payload = new Uint8Array(length);
    for (let k = 0; k < length; k += 1) this.#payload[k] = bytes[payloadStart + k] ?? 0;
    return this.#payload;
  }

  /** While the peer holds us (`send` false) time goes on without packets: a peer that only ever sends is recorded all the same. */
  #sendFrame({ law, ptimeMs, send }: MediaParameters): void {
    const fields = this.#fields;
    const isPlaying = this.#playout.isPlaying;
    this.#range.end = RTP_HEADER_BYTES + ptimeMs * BYTES_PER_MS;
    if (isPlaying && !this.#wasPlaying) fields.marker = true;
    this.#wasPlaying = isPlaying;
    this.#playout.fill(law, this.#out, this.#range, this.#onPlayed);
    if (this.#awaited !== undefined && !this.#playout.isPlaying) this.#beginRecording(this.#awaited);
    const destination = send ? this.#gate.destination : undefined;
    if (destination === undefined) fields.marker = true;
    else {
      writeRtpHeader(this.#out, fields);
      this.#pair.sendRtp(this.#out, this.#range.end, destination);
      fields.marker = false;
      fields.sequence = (fields.sequence + 1) & 0xffff;
      this.#packetsSent += 1;
      this.#octetsSent += ptimeMs * BYTES_PER_MS;
    }
    fields.timestamp = (fields.timestamp + ptimeMs * BYTES_PER_MS) >>> 0;
  }

  readonly #onPlayed = (playId: number): void => {
    this.#around.tell({ kind: 'played', playId });
  };

  /** RTCP goes where the description says; once another source was latched, to the port above that one. */
  #reportDestination(): HostPort | undefined {
    const { latched } = this.#gate;
    return latched === undefined ? this.#rtcpDestination : sendable({ ...latched, port: latched.port + 1 });
  }

  #sendReport(nowMs: number, bye: boolean): void {
    const destination = this.#reportDestination();
    if (destination === undefined) return;
    const sent = { packets: this.#packetsSent, octets: this.#octetsSent, timestamp: this.#fields.timestamp };
    const report = this.#rtcp.report({ nowMs, bye, sent, heard: this.#statistics });
    this.#pair.sendRtcp(report, destination);
  }
}

function lawOf(payloadType: number, parameters: MediaParameters): G711Law | undefined {
  if (payloadType === STATIC_PCMU) return 'PCMU';
  if (payloadType === STATIC_PCMA) return 'PCMA';
  return payloadType === parameters.payloadType ? parameters.law : undefined;
}
