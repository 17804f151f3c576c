import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { MessageFacts, RecordingEnd } from '../mailbox/message.js';
import type { Spool, SpoolEntry } from '../mailbox/spool.js';
import { type Call, CallEnded, type Recording, type RecordOptions } from '../menus/call.js';
import { beep } from '../prompts/call-answering-prompts.js';
import type { Clip } from '../prompts/clip.js';
import type { CallAudio } from './call-audio.js';
import type { RecordedAudio } from './media-port.js';

/** Why a call is over. */
export type CallEnding =
  | 'caller-hung-up'
  | 'hung-up'
  | 'max-call-duration'
  | 'stopped'
  | 'never-acknowledged'
  | 'answer-unusable'
  | 'internal-fault';

/** What a recording in progress ends by, when its call ends. */
const RECORDING_ENDS: Readonly<Record<CallEnding, RecordingEnd>> = {
  'caller-hung-up': 'hang-up',
  'hung-up': 'hang-up',
  'max-call-duration': 'max-call',
  stopped: 'stopped',
  'never-acknowledged': 'hang-up',
  'answer-unusable': 'hang-up',
  'internal-fault': 'stopped',
};

export interface CallSessionOptions {
  readonly facts: MessageFacts;
  readonly audio: CallAudio;
  readonly spool: Spool;
  readonly log: Logger;
  /** The call is over, told once: the dialog is to be ended, unless the caller did. */
  onEnded(ending: CallEnding): void;
  /** Greeting, recording and so on: what `status` shows has changed. */
  onProgress(): void;
}

/** What a call left behind. */
export type Legacy = 'message' | 'missed-call' | 'nothing';

/** A call as voice menus see it: what is played, recorded and kept. Knows nothing of signalling. */
export class CallSession implements Call {
  readonly facts: MessageFacts;
  readonly #options: CallSessionOptions;
  readonly #abort = new AbortController();
  #ending: CallEnding | undefined;
  /** Begun, and neither taken nor dropped yet. */
  #entry: SpoolEntry | undefined;
  #recording: Promise<RecordedAudio> | undefined;
  #recorded: RecordedAudio | undefined;
  #legacy: Legacy = 'nothing';

  constructor(options: CallSessionOptions) {
    this.facts = options.facts;
    this.#options = options;
  }

  get ended(): AbortSignal {
    return this.#abort.signal;
  }

  get ending(): CallEnding | undefined {
    return this.#ending;
  }

  get isRecording(): boolean {
    return this.#options.audio.isRecording;
  }

  get legacy(): Legacy {
    return this.#legacy;
  }

  /** Milliseconds of audio that were taken. */
  get recordedMs(): number {
    return this.#recorded === undefined ? 0 : durationOf(this.#recorded);
  }

  /** Ends the call, whoever wants it; the first reason counts. A recording in progress ends with it, and what it holds stays. */
  end(ending: CallEnding): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    this.#options.audio.stopRecording(RECORDING_ENDS[ending]).catch((error: unknown) => {
      this.#options.log.error(
        { event: 'internal-fault', callId: this.facts.callId, fault: String(error) },
        'the recording could not be stopped',
      );
    });
    this.#abort.abort();
    this.#options.audio.mute();
    this.#options.onEnded(ending);
  }

  async play(clips: readonly Clip[]): Promise<void> {
    this.#throwIfEnded();
    await this.#options.audio.play(clips);
    this.#throwIfEnded();
  }

  async record(options: RecordOptions): Promise<Recording> {
    this.#throwIfEnded();
    const { audio, spool } = this.#options;
    await spool.checkRoom();
    this.#throwIfEnded();
    const entry = await spool.begin(this.facts, audio.parameters?.law ?? 'PCMU');
    this.#entry = entry;
    this.#throwIfEnded();
    const { path, audioOffset } = entry;
    const beeping = audio.play(beep());
    // Told while the beep plays, so that the recording begins with its very end.
    this.#recording = audio.record({ path, audioOffset, ...options });
    await beeping;
    this.#options.onProgress();
    const recorded = await this.#recording;
    this.#recorded = recorded;
    this.#options.onProgress();
    this.#logRecording(recorded);
    return { endedBy: recorded.endedBy, durationMs: durationOf(recorded), loudestDbm0: recorded.loudestDbm0 };
  }

  async keepRecording(recording: Recording): Promise<void> {
    const recorded = this.#recorded;
    if (!this.#entry || !recorded) throw new Error('there is no recording to keep');
    await this.#entry.finish({ audioBytes: recorded.audioBytes, endedBy: recording.endedBy, law: recorded.law });
    this.#settle('message');
  }

  async leaveMissedCall(): Promise<void> {
    if (this.#entry) await this.#entry.dropForMissedCall();
    else await this.#writeMissedCall();
    this.#settle('missed-call');
  }

  hangUp(): Promise<void> {
    this.end('hung-up');
    return Promise.resolve();
  }

  /**
   * Keeps what a menu that failed, or a write that failed, left unsettled. Nothing that was recorded may be lost by a fault of
   * ours; what cannot be finished now stays in the spool, which tries again.
   */
  async rescue(): Promise<void> {
    const entry = this.#entry;
    if (!entry) return;
    await this.#options.audio.stopRecording('stopped');
    this.#recorded ??= await this.#recording;
    try {
      if (this.#recorded) await this.keepRecording({ ...this.#recorded, durationMs: durationOf(this.#recorded) });
      else await this.leaveMissedCall();
    } catch (error) {
      this.#options.log.error(
        {
          event: 'message-not-finished',
          callId: this.facts.callId,
          path: entry.path,
          reason: error instanceof UmError ? error.detail : String(error),
        },
        'the message could not be finished yet: it stays in the spool, and finishing it is tried again',
      );
    }
  }

  /** With no recording there is nothing in the spool that would tell later: the log is the only place. */
  async #writeMissedCall(): Promise<void> {
    try {
      await this.#options.spool.missedCall(this.facts);
    } catch (error) {
      const { callId, mailboxAddress, callerNumber } = this.facts;
      const reason = error instanceof UmError ? error.detail : String(error);
      this.#options.log.error(
        { event: 'missed-call-lost', callId, mailbox: mailboxAddress, from: callerNumber, reason },
        'a missed call could not be written, and is lost',
      );
      throw error;
    }
  }

  #settle(legacy: Legacy): void {
    this.#entry = undefined;
    this.#legacy = legacy;
  }

  #logRecording(recorded: RecordedAudio): void {
    const { endedBy, law, cutMs, lostMs, fault } = recorded;
    const { callId, id, mailboxAddress } = this.facts;
    const durationMs = durationOf(recorded);
    const facts = {
      event: 'recording-ended',
      callId,
      message: id,
      mailbox: mailboxAddress,
      endedBy,
      law,
      durationMs,
      cutMs,
      lostMs,
    };
    if (fault === undefined) {
      const cut = cutMs > 0 ? `; ${String(cutMs)} ms of silence were cut from its end` : '';
      this.#options.log.info(facts, `a recording of ${String(durationMs)} ms ended by ${endedBy}${cut}`);
    } else {
      this.#options.log.error({ ...facts, fault }, 'a recording could not be written on: what was written is kept');
    }
  }

  #throwIfEnded(): void {
    if (this.#abort.signal.aborted) throw new CallEnded();
  }
}

/** G.711: 8 bytes a millisecond. */
function durationOf(recorded: RecordedAudio): number {
  return recorded.audioBytes / 8;
}
