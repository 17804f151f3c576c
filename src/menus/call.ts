import type { MessageFacts, RecordingEnd } from '../mailbox/message.js';
import type { Clip } from '../prompts/clip.js';

/** A recording that has ended and lies in the spool, not yet taken nor dropped. */
export interface Recording {
  readonly endedBy: RecordingEnd;
  /** Length after trailing silence and the final key were cut. */
  readonly durationMs: number;
  /** Level of the loudest frame in dBm0; -Infinity when nothing was heard. */
  readonly loudestDbm0: number;
}

export interface RecordOptions {
  /** Keys that end the recording. */
  readonly endKeys: string;
  /** Silence after which the recording ends. */
  readonly idleTimeoutMs: number;
  readonly maxDurationMs: number;
}

/** The call is over (the caller hung up, MaxCallDuration passed, or the server stops): every pending and later step of a menu rejects with it. */
export class CallEnded extends Error {
  constructor() {
    super('the call has ended');
    this.name = 'CallEnded';
  }
}

/**
 * What a voice menu can do with its caller. Menus are plain async functions over this port; hang-up arrives as a rejection
 * with {@link CallEnded}.
 */
export interface Call {
  /** Facts of the message that this call may leave. */
  readonly facts: MessageFacts;
  readonly ended: AbortSignal;
  /** Plays clips to the end. */
  play(clips: readonly Clip[]): Promise<void>;
  /**
   * Opens the spool entry, plays the beep and records. The entry's header is on disk before the beep is heard. Resolves also
   * when the caller hangs up: that ends a recording like any other end.
   *
   * @throws UmError 'disk-nearly-full' or 'spool-unwritable' when no recording can be begun
   */
  record(options: RecordOptions): Promise<Recording>;
  /** Makes the recording durable: from its resolution on the message is taken, whatever dies. Works after the call ended. */
  keepRecording(recording: Recording): Promise<void>;
  /** Drops what was recorded, and leaves a missed call instead. Works after the call ended, and without a recording. */
  leaveMissedCall(recording?: Recording): Promise<void>;
  /** Ends the call from our side. */
  hangUp(): Promise<void>;
}
