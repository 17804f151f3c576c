import type { G711Law, MessageFacts, RecordingEnd } from './message.js';

/** How a recording ended, for the file it lies in. */
export interface FinishedAudio {
  /** Bytes of audio that count; what the file has beyond them is cut. */
  readonly audioBytes: number;
  readonly endedBy: RecordingEnd;
  /** The law of what is in the file. */
  readonly law: G711Law;
}

/** A recording that was begun: a file with its facts, to which somebody appends audio. */
export interface SpoolEntry {
  /** Absolute. */
  readonly path: string;
  /** Byte offset of the first byte of audio. */
  readonly audioOffset: number;
  /**
   * Makes the message taken: from the resolution on it is kept, whatever dies. May be called again after a failure.
   *
   * @throws UmError 'spool-unwritable'
   */
  finish(audio: FinishedAudio): Promise<void>;
  /**
   * Drops the audio; a missed call is taken instead.
   *
   * @throws UmError 'spool-unwritable'
   */
  dropForMissedCall(): Promise<void>;
}

/** The port through which a call leaves what is to be kept. */
export interface Spool {
  /** @throws UmError 'disk-nearly-full' or 'spool-unwritable' */
  checkRoom(): Promise<void>;
  /**
   * Begins a recording; its facts are on disk when this resolves.
   *
   * @throws UmError 'spool-unwritable'
   */
  begin(facts: MessageFacts, law: G711Law): Promise<SpoolEntry>;
  /**
   * Takes a missed call that had no recording.
   *
   * @throws UmError 'spool-unwritable'
   */
  missedCall(facts: MessageFacts): Promise<void>;
}
