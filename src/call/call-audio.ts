import type { RecordingEnd } from '../mailbox/message.js';
import type { Clip } from '../prompts/clip.js';
import type {
  MediaListener,
  MediaParameters,
  MediaSession,
  MediaStatistics,
  RecordedAudio,
  RecordingTarget,
} from './media-port.js';

interface Playing {
  readonly id: number;
  readonly done: () => void;
}

/** The media session of a call as promises: what is played, and what is recorded, one at a time. */
export class CallAudio implements MediaListener {
  #session: MediaSession | undefined;
  #parameters: MediaParameters | undefined;
  #isOver = false;
  #playId = 0;
  #playing: Playing | undefined;
  #recording: ((audio: RecordedAudio) => void) | undefined;
  #stopping: Promise<void> | undefined;
  #onBeep: (() => void) | undefined;

  /** Binds it to the session that was opened with this listener. */
  attach(session: MediaSession): void {
    this.#session = session;
  }

  get localPort(): number {
    return this.#open().localPort;
  }

  /** What offer and answer agreed on; undefined before. */
  get parameters(): MediaParameters | undefined {
    return this.#parameters;
  }

  configure(parameters: MediaParameters): void {
    this.#parameters = parameters;
    this.#open().configure(this.#isOver ? { ...parameters, send: false } : parameters);
  }

  /** Nothing more is sent: the call is over, though a recording may still be written. */
  mute(): void {
    this.#isOver = true;
    this.#session?.stopPlaying();
    if (this.#session && this.#parameters) this.#session.configure({ ...this.#parameters, send: false });
    this.#playing?.done();
  }

  /** Resolves when the clips were sent to their end, or {@link mute} cut them off. */
  play(clips: readonly Clip[]): Promise<void> {
    const id = (this.#playId += 1);
    return new Promise((resolve) => {
      const done = (): void => {
        this.#playing = undefined;
        resolve();
      };
      this.#playing = { id, done };
      this.#open().play(id, clips);
    });
  }

  /** Resolves when the recording has ended, by itself or by {@link stopRecording}. */
  record(target: RecordingTarget): Promise<RecordedAudio> {
    return new Promise((resolve) => {
      this.#recording = resolve;
      this.#open().startRecording(target);
    });
  }

  get isRecording(): boolean {
    return this.#recording !== undefined;
  }

  /** Ends the recording in progress, if there is one; resolves once it has ended. The first reason counts. */
  stopRecording(endedBy: RecordingEnd): Promise<void> {
    if (this.#recording === undefined) return Promise.resolve();
    this.#stopping ??= this.#stop(endedBy);
    return this.#stopping;
  }

  async #stop(endedBy: RecordingEnd): Promise<void> {
    this.#finishRecording(await this.#open().stopRecording(endedBy));
  }

  /** Resolves when a beep of the other side was heard to its end. */
  hearBeep(): Promise<void> {
    return new Promise((resolve) => {
      this.#onBeep = resolve;
      this.#open().listenForBeep();
    });
  }

  async close(): Promise<MediaStatistics | undefined> {
    const session = this.#session;
    this.#session = undefined;
    this.#playing?.done();
    return session?.close();
  }

  digit(): void {
    // Keys that end a recording are the media session's business; menus that collect keys come later.
  }

  played(playId: number): void {
    if (this.#playing?.id === playId) this.#playing.done();
  }

  recordingEnded(audio: RecordedAudio): void {
    this.#finishRecording(audio);
  }

  beepHeard(): void {
    this.#onBeep?.();
  }

  #finishRecording(audio: RecordedAudio): void {
    const resolve = this.#recording;
    this.#recording = undefined;
    this.#stopping = undefined;
    resolve?.(audio);
  }

  #open(): MediaSession {
    if (!this.#session) throw new Error('the media session is not open');
    return this.#session;
  }
}
