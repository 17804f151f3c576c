import { UmError } from '../../base/errors.js';
import { assertNever } from '../../base/assert.js';
import type { MediaStatistics } from '../../call/media-port.js';
import type { EncodedClip } from '../../media/playout.js';
import type { Clip } from '../../prompts/clip.js';
import type { ClipLibrary } from './clip-library.js';
import type { DatagramPair } from './media-io.js';
import type { PacingWheel } from './pacing-wheel.js';
import type { PortLeases } from './port-leases.js';
import { StreamSession, type StreamSurroundings } from './stream-session.js';
import type { FromThread, ToThread } from './thread-protocol.js';

interface Open {
  readonly pair: DatagramPair;
  readonly stream: StreamSession;
  /** Clips of files are read one after the other, so that plays keep their order. */
  loading: Promise<void>;
  /** Times that playing was stopped: what was asked for before, and is still being read, is not played. */
  stops: number;
}

export interface MediaServerOptions extends Omit<StreamSurroundings, 'tell'> {
  readonly leases: PortLeases;
  readonly wheel: PacingWheel;
  readonly clips: ClipLibrary;
  readonly tell: (message: FromThread) => void;
  /** Resolves when packets that were sent before now have arrived and were read. */
  readonly stragglers: () => Promise<void>;
}

/** The media thread's side: performs what the main thread asks of its sessions. */
export class MediaServer {
  readonly #options: MediaServerOptions;
  readonly #sessions = new Map<number, Open>();

  constructor(options: MediaServerOptions) {
    this.#options = options;
  }

  handle(message: ToThread): void {
    if (message.kind === 'ping') {
      this.#options.tell({ kind: 'pong' });
      return;
    }
    if (message.kind === 'set-range') {
      this.#options.leases.setRange(message.minimumPort, message.maximumPort);
      return;
    }
    if (message.kind === 'open') {
      void this.#open(message.session, message.localAddress);
      return;
    }
    const open = this.#sessions.get(message.session);
    if (open === undefined) return;
    this.#handleSession(message, open);
  }

  #handleSession(message: Exclude<ToThread, { kind: 'open' | 'set-range' | 'ping' }>, open: Open): void {
    const { stream } = open;
    switch (message.kind) {
      case 'configure':
        stream.configure(message.parameters);
        return;
      case 'play':
        this.#play(open, message.session, message.playId, message.clips);
        return;
      case 'stop-playing':
        open.stops += 1;
        stream.stopPlaying();
        return;
      case 'listen-for-beep':
        stream.listenForBeep();
        return;
      case 'start-recording':
        // Behind what is still being read, so that it begins when that was played.
        open.loading = open.loading.then(() => {
          stream.startRecording(message.target);
        });
        return;
      case 'stop-recording':
        open.loading = open.loading.then(() => this.#stopRecording(message, stream));
        return;
      case 'close':
        // Behind everything else that was asked for, so that every question is answered before.
        open.loading = open.loading.then(() => this.#close(message.session, open));
        return;
      default:
        assertNever(message, 'media request');
    }
  }

  async #stopRecording(
    { session, endedBy }: Extract<ToThread, { kind: 'stop-recording' }>,
    stream: StreamSession,
  ): Promise<void> {
    // BYE goes another way than the caller's last words: what he said before it may still be on its own.
    if (endedBy === 'hang-up') await this.#options.stragglers();
    this.#options.tell({ kind: 'recording-stopped', session, audio: await stream.stopRecording(endedBy) });
  }

  async #open(session: number, localAddress: string): Promise<void> {
    const { leases, wheel, tell } = this.#options;
    try {
      const pair = await leases.open(localAddress);
      const stream = new StreamSession(pair, {
        ...this.#options,
        tell: (event) => {
          tell({ kind: 'event', session, event });
        },
      });
      this.#sessions.set(session, { pair, stream, loading: Promise.resolve(), stops: 0 });
      wheel.add(stream);
      tell({ kind: 'opened', session, port: pair.port, pairsTakenByOthers: leases.takenByOthers });
    } catch (error) {
      const fault = error instanceof UmError ? error : new UmError('internal-fault', String(error));
      tell({ kind: 'open-failed', session, code: fault.code, detail: fault.detail });
    }
  }

  #play(open: Open, session: number, playId: number, clips: readonly Clip[]): void {
    const { stops } = open;
    open.loading = open.loading.then(async () => {
      const encoded = await Promise.all(clips.map((clip) => this.#load(session, clip)));
      if (open.stops === stops) open.stream.play(playId, encoded);
      else this.#options.tell({ kind: 'event', session, event: { kind: 'played', playId } });
    });
  }

  /** A greeting that cannot be played is no reason to lose the message: the shipped one is heard instead. */
  async #load(session: number, clip: Clip): Promise<EncodedClip> {
    const { clips, tell } = this.#options;
    try {
      return await clips.find(clip);
    } catch (error) {
      const reason = error instanceof UmError ? error.detail : String(error);
      tell({ kind: 'clip-unusable', session, path: clip.kind === 'file' ? clip.path : clip.kind, reason });
      return clips.prompt('greeting');
    }
  }

  async #close(session: number, { pair, stream }: Open): Promise<void> {
    this.#sessions.delete(session);
    this.#options.wheel.remove(stream);
    const statistics: MediaStatistics = await stream.end();
    await this.#options.leases.close(pair);
    this.#options.tell({ kind: 'closed', session, statistics });
  }
}
