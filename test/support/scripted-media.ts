import type {
  MediaListener,
  MediaParameters,
  MediaPort,
  MediaSession,
  MediaStatistics,
  RecordedAudio,
  RecordingTarget,
} from '../../src/call/media-port.js';
import type { RecordingEnd } from '../../src/mailbox/message.js';
import type { Clip } from '../../src/prompts/clip.js';

/** What is in the file at a recording's end: ten seconds of speech. */
export const SPOKEN: RecordedAudio = {
  endedBy: 'hang-up',
  law: 'PCMU',
  audioBytes: 80_000,
  cutMs: 0,
  loudestDbm0: -10,
  lostMs: 0,
};

const STATISTICS: MediaStatistics = {
  packetsSent: 1,
  packetsReceived: 2,
  packetsLost: 0,
  packetsDiscarded: 0,
  jitterMs: 0,
};

/** A stream that lasts as long as the test says; writes down what the call does with it. */
export class ScriptedMediaSession implements MediaSession {
  readonly localPort: number;
  readonly listener: MediaListener;
  readonly configured: MediaParameters[] = [];
  readonly log: string[] = [];
  recording: RecordingTarget | undefined;
  isClosed = false;
  recorded: RecordedAudio = SPOKEN;
  #playId = 0;
  /** A recording begins when what plays has been sent. */
  #state: 'playing' | 'silent' = 'silent';

  constructor(localPort: number, listener: MediaListener) {
    this.localPort = localPort;
    this.listener = listener;
  }

  configure(parameters: MediaParameters): void {
    this.configured.push(parameters);
  }

  play(playId: number, clips: readonly Clip[]): void {
    this.#playId = playId;
    this.#state = 'playing';
    this.log.push(
      `play ${clips.map((clip) => ('name' in clip ? clip.name : 'path' in clip ? clip.path : clip.kind)).join(' ')}`,
    );
  }

  stopPlaying(): void {
    this.log.push('stop playing');
  }

  startRecording(target: RecordingTarget): void {
    this.recording = target;
    this.log.push('record');
  }

  stopRecording(endedBy: RecordingEnd): Promise<RecordedAudio> {
    this.log.push(`stop recording: ${endedBy}`);
    const nothing = { audioBytes: 0, loudestDbm0: Number.NEGATIVE_INFINITY };
    return Promise.resolve({ ...this.recorded, ...(this.#state === 'playing' ? nothing : {}), endedBy });
  }

  listenForBeep(): void {
    this.log.push('listen for beep');
  }

  close(): Promise<MediaStatistics> {
    this.isClosed = true;
    this.log.push('close');
    return Promise.resolve(STATISTICS);
  }

  /** What plays has come to its end. */
  played(): void {
    this.#state = 'silent';
    this.listener.played(this.#playId);
  }

  /** The recording ends by itself. */
  recordingEnds(audio: Partial<RecordedAudio>): void {
    this.listener.recordingEnded({ ...SPOKEN, ...audio });
  }
}

export class ScriptedMedia implements MediaPort {
  readonly sessions: ScriptedMediaSession[] = [];
  readonly openedOn: string[] = [];
  /** Waited for before a session opens. */
  opening: Promise<void> = Promise.resolve();

  async open(localAddress: string, listener: MediaListener): Promise<MediaSession> {
    this.openedOn.push(localAddress);
    await this.opening;
    const session = new ScriptedMediaSession(20_000 + 2 * this.sessions.length, listener);
    this.sessions.push(session);
    return session;
  }

  setRange(): void {
    // not a matter of calls
  }

  get pairsInUse(): number {
    return this.sessions.filter(({ isClosed }) => !isClosed).length;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
