import type { G711Law, RecordingEnd } from '../mailbox/message.js';
import type { Clip } from '../prompts/clip.js';
import type { HostPort } from '../protocol/sip/flow.js';

/** What offer and answer agreed on for the audio stream; may change in mid-call. */
export interface MediaParameters {
  readonly remote: HostPort;
  /** Where RTCP goes; the port above RTP's unless the peer said otherwise (RFC 3605). */
  readonly remoteRtcp: HostPort;
  /** Both G.711 payload types are always received by their number; this is the one sent and recorded first. */
  readonly law: G711Law;
  /** Payload type of `law` that offer and answer agreed on, when it is another than the static one (0 or 8): sent, and received beside the static one. */
  readonly payloadType?: number;
  /** Payload type of telephone-event as the peer sends it; absent without RFC 4733. */
  readonly telephoneEvent?: number;
  /** Packet time of what we send: 10, 20, 30, 40, 50 or 60. */
  readonly ptimeMs: number;
  /** False while the peer holds us: nothing is sent. */
  readonly send: boolean;
  /** False while the peer holds us: what arrives is no part of a recording, and silence is not counted. */
  readonly receive: boolean;
  /** True: only packets from `remote` are heard. */
  readonly strictMedia: boolean;
}

/** A place in a spool file for the audio of a recording. */
export interface RecordingTarget {
  readonly path: string;
  /** Byte offset of the first byte of audio: the file's header ends there. */
  readonly audioOffset: number;
  readonly endKeys: string;
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
}

/** What is in the file once a recording has ended. All of it is written, not yet synced. */
export interface RecordedAudio {
  readonly endedBy: RecordingEnd;
  /** The law of what is in the file. */
  readonly law: G711Law;
  /** Bytes of audio that count: trailing silence (endedBy silence) and the final key are beyond them and to be cut. */
  readonly audioBytes: number;
  /** Silence cut from the end. */
  readonly cutMs: number;
  readonly loudestDbm0: number;
  /** Milliseconds that were filled because packets were lost. */
  readonly lostMs: number;
  /** Why writing failed, when it did. */
  readonly fault?: string;
}

/** What happens on the stream. Called on the event loop of the caller, never from within a method of the session. */
export interface MediaListener {
  /** An RFC 4733 key, once for each press: 0-9 * # A-D. */
  digit(key: string): void;
  /** All clips of a `play` were sent to their end, or it was stopped. */
  played(playId: number): void;
  /** The recording ended by itself: a key, silence, the longest duration, or a failed write. Not told after `stopRecording`. */
  recordingEnded(audio: RecordedAudio): void;
  /** A steady tone (a beep) was heard and has ended; only with `listenForBeep`. */
  beepHeard(): void;
}

/** RFC 3550 counters of one session at its end. */
export interface MediaStatistics {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly packetsDiscarded: number;
  readonly jitterMs: number;
}

/** One leased pair of ports and the stream on it. */
export interface MediaSession {
  /** Even; RTCP is on the one above. */
  readonly localPort: number;
  configure(parameters: MediaParameters): void;
  /** Plays after what is still playing. Silence is sent while nothing plays (RFC 3550 streams do not stop). */
  play(playId: number, clips: readonly Clip[]): void;
  stopPlaying(): void;
  /** Begins at once, or, while clips are playing, with the moment at which the last of them has been sent. */
  startRecording(target: RecordingTarget): void;
  /** Ends the recording now; resolves once all its audio is written. Resolves with the end already told, when there was one. */
  stopRecording(endedBy: RecordingEnd): Promise<RecordedAudio>;
  listenForBeep(): void;
  /** Sends RTCP BYE, closes both sockets and returns the pair to rest. */
  close(): Promise<MediaStatistics>;
}

/** The media engine of a process. */
export interface MediaPort {
  /**
   * Leases a pair and opens it on `localAddress`.
   *
   * @throws UmError 'rtp-ports-exhausted' when every pair of the range is taken
   */
  open(localAddress: string, listener: MediaListener): Promise<MediaSession>;
  /** The range of new leases; sessions that are open keep their ports. */
  setRange(minimumPort: number, maximumPort: number): void;
  readonly pairsInUse: number;
  close(): Promise<void>;
}
