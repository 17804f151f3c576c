import { UmError } from '../base/errors.js';
import { cannotTake, goodbye, greeting } from '../prompts/call-answering-prompts.js';
import { type Call, CallEnded, type Recording } from './call.js';

/** What dial plan and mailbox say about taking a message. */
export interface CallAnsweringOptions {
  /** The owner's own greeting: absolute path of a WAV file. */
  readonly greetingFile?: string;
  /** Silence after which the recording ends. */
  readonly recordingIdleTimeoutMs: number;
  readonly maxRecordingDurationMs: number;
}

/** A recording shorter than this is a caller who changed his mind. */
export const SHORTEST_MESSAGE_MS = 1_000;

/** A recording whose every frame is below this level holds no speech: a dead line. What is cut from the end is as quiet. */
export const QUIETEST_MESSAGE_DBM0 = -55;

/**
 * Call answering: greeting, beep, message.
 *
 * ```text
 *   greeting --> beep --> record --(hang-up)----------------------> end
 *      |                    |   `--('#', silence, longest)--> goodbye --> end
 *      |                    `-- cannot write --> cannot-take --> end
 *      `-- hung up: missed call
 * ```
 *
 * Leaves exactly one thing behind: a voice message, or a missed call when none was spoken.
 */
export async function answerCall(call: Call, options: CallAnsweringOptions): Promise<void> {
  const ending = await takeMessage(call, options);
  if (call.ended.aborted) return;
  try {
    await call.play(ending === 'taken' ? goodbye() : cannotTake());
    await call.hangUp();
  } catch (error) {
    if (!(error instanceof CallEnded)) throw error;
  }
}

async function takeMessage(call: Call, options: CallAnsweringOptions): Promise<'taken' | 'cannot-take'> {
  const recording = await greetAndRecord(call, options);
  try {
    if (!recording) {
      await call.leaveMissedCall();
      return 'cannot-take';
    }
    if (holdsSpeech(recording)) await call.keepRecording(recording);
    else await call.leaveMissedCall(recording);
  } catch (error) {
    return cannotTakeUnlessBug(error);
  }
  return recording.endedBy === 'write-failed' ? 'cannot-take' : 'taken';
}

/** Nothing when the caller hung up before the beep, or no recording can be begun. */
async function greetAndRecord(call: Call, options: CallAnsweringOptions): Promise<Recording | undefined> {
  try {
    await call.play(greeting(options.greetingFile));
    return await call.record({
      endKeys: '#',
      idleTimeoutMs: options.recordingIdleTimeoutMs,
      maxDurationMs: options.maxRecordingDurationMs,
    });
  } catch (error) {
    if (error instanceof CallEnded || error instanceof UmError) return undefined;
    throw error;
  }
}

function cannotTakeUnlessBug(error: unknown): 'cannot-take' {
  if (error instanceof UmError) return 'cannot-take';
  throw error;
}

/** The only rule by which a recording becomes no message. */
function holdsSpeech(recording: Recording): boolean {
  return recording.durationMs >= SHORTEST_MESSAGE_MS && recording.loudestDbm0 >= QUIETEST_MESSAGE_DBM0;
}
