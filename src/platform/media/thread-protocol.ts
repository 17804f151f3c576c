import type { MediaParameters, MediaStatistics, RecordedAudio, RecordingTarget } from '../../call/media-port.js';
import type { ErrorCode } from '../../base/errors.js';
import type { RecordingEnd } from '../../mailbox/message.js';
import type { Clip } from '../../prompts/clip.js';
import type { StreamEvent } from './stream-session.js';

/** What the media thread is started with. */
export interface ThreadStart {
  readonly minimumPort: number;
  readonly maximumPort: number;
  readonly promptDirectory: string;
}

/** What the main thread asks of one session, or of the thread. */
export type ToThread =
  | { readonly kind: 'open'; readonly session: number; readonly localAddress: string }
  | { readonly kind: 'configure'; readonly session: number; readonly parameters: MediaParameters }
  | { readonly kind: 'play'; readonly session: number; readonly playId: number; readonly clips: readonly Clip[] }
  | { readonly kind: 'stop-playing' | 'listen-for-beep' | 'close'; readonly session: number }
  | { readonly kind: 'start-recording'; readonly session: number; readonly target: RecordingTarget }
  | { readonly kind: 'stop-recording'; readonly session: number; readonly endedBy: RecordingEnd }
  | { readonly kind: 'set-range'; readonly minimumPort: number; readonly maximumPort: number }
  /** Answered with `pong` at once, by a thread that still runs. */
  | { readonly kind: 'ping' };

/** What the thread says. */
export type FromThread =
  | { readonly kind: 'started' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'start-failed'; readonly code: ErrorCode; readonly detail: string }
  /** `pairsTakenByOthers`: pairs that were skipped so far, as another program had them. */
  | {
      readonly kind: 'opened';
      readonly session: number;
      readonly port: number;
      readonly pairsTakenByOthers: number;
    }
  | { readonly kind: 'open-failed'; readonly session: number; readonly code: ErrorCode; readonly detail: string }
  | { readonly kind: 'event'; readonly session: number; readonly event: StreamEvent }
  | { readonly kind: 'recording-stopped'; readonly session: number; readonly audio: RecordedAudio }
  | { readonly kind: 'closed'; readonly session: number; readonly statistics: MediaStatistics }
  | { readonly kind: 'clip-unusable'; readonly session: number; readonly path: string; readonly reason: string };
