import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { assertNever } from '../../base/assert.js';
import type { Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import type {
  MediaListener,
  MediaParameters,
  MediaPort,
  MediaSession,
  MediaStatistics,
  RecordedAudio,
  RecordingTarget,
} from '../../call/media-port.js';
import type { RecordingEnd } from '../../mailbox/message.js';
import type { Clip } from '../../prompts/clip.js';
import type { StreamEvent } from './stream-session.js';
import type { FromThread, ThreadStart, ToThread } from './thread-protocol.js';
import { ThreadWatch } from './thread-watch.js';

const threadFile = new URL(`./media-thread${extname(import.meta.url)}`, import.meta.url);

/** As long as WorkerHangTimeout is by default. */
const HANG_AFTER_MS = 30_000;

export interface MediaEngineOptions extends ThreadStart {
  readonly log: Logger;
  /** A thread that answers nothing for so long is lost; 30 s when omitted. */
  readonly hangAfterMs?: number;
  /** Of the watch over the thread; Node's, which do not keep the process alive, when omitted. */
  readonly timers?: Timers;
}

/** The media of a process: sessions here are the near ends of those in the media thread. */
export class MediaEngine implements MediaPort {
  readonly #thread: Worker;
  readonly #log: Logger;
  /** There is one once the thread has started. */
  #watch: ThreadWatch | undefined;
  readonly #sessions = new Map<number, NearSession>();
  #made = 0;
  #isClosing = false;
  #pairsTakenByOthers = 0;

  private constructor(thread: Worker, log: Logger) {
    this.#thread = thread;
    this.#log = log;
  }

  /**
   * Starts the thread and loads the prompts. Should the thread end or hang later, that is an uncaught fault of the process: without
   * it no call can be served, what it recorded lies in the spool, and a process that ends is replaced at once.
   *
   * @throws UmError 'audio-unusable' when a shipped prompt is missing or broken
   */
  static async start(options: MediaEngineOptions): Promise<MediaEngine> {
    const { log, minimumPort, maximumPort, promptDirectory } = options;
    const workerData: ThreadStart = { minimumPort, maximumPort, promptDirectory };
    const thread = new Worker(threadFile, { workerData });
    const engine = new MediaEngine(thread, log);
    try {
      await new Promise<void>((done, fail) => {
        thread.once('error', fail);
        thread.on('message', (message: FromThread) => {
          if (message.kind === 'started') done();
          else if (message.kind === 'start-failed') fail(new UmError(message.code, message.detail));
          else if (message.kind === 'pong') engine.#watch?.answered();
          else engine.#onMessage(message);
        });
      });
    } catch (error) {
      await thread.terminate();
      throw error;
    }
    thread.on('error', (fault) => {
      throw fault;
    });
    thread.on('exit', () => {
      if (!engine.#isClosing) throw new Error('the media thread has ended');
    });
    engine.#beginWatch(options);
    return engine;
  }

  /** In effect at once. */
  set hangAfterMs(ms: number) {
    if (this.#watch) this.#watch.hangAfterMs = ms;
  }

  open(localAddress: string, listener: MediaListener): Promise<MediaSession> {
    this.#made += 1;
    const id = this.#made;
    const session = new NearSession(id, listener, (message) => {
      this.#thread.postMessage(message);
    });
    this.#sessions.set(id, session);
    this.#thread.postMessage({ kind: 'open', session: id, localAddress } satisfies ToThread);
    return session.opened;
  }

  setRange(minimumPort: number, maximumPort: number): void {
    this.#thread.postMessage({ kind: 'set-range', minimumPort, maximumPort } satisfies ToThread);
  }

  get pairsInUse(): number {
    return this.#sessions.size;
  }

  async close(): Promise<void> {
    // One that is still being opened is closed once it is.
    const closings = [...this.#sessions.values()].map((session) => session.opened.then(() => session.close()));
    await Promise.allSettled(closings);
    this.#isClosing = true;
    this.#watch?.stop();
    await this.#thread.terminate();
  }

  #beginWatch({ hangAfterMs = HANG_AFTER_MS, timers }: MediaEngineOptions): void {
    this.#watch = new ThreadWatch({
      hangAfterMs,
      ...(timers === undefined ? {} : { timers }),
      ask: () => {
        this.#thread.postMessage({ kind: 'ping' } satisfies ToThread);
      },
      hangs: () => {
        throw new Error('the media thread hangs: it does not answer');
      },
    });
  }

  #onMessage(message: Exclude<FromThread, { kind: 'started' | 'start-failed' | 'pong' }>): void {
    const session = this.#sessions.get(message.session);
    if (message.kind === 'closed' || message.kind === 'open-failed') this.#sessions.delete(message.session);
    if (message.kind === 'opened') this.#reportTakenPairs(message.pairsTakenByOthers);
    if (message.kind === 'clip-unusable') {
      const { path, reason } = message;
      const sentence = `${path} cannot be played (${reason}): the shipped greeting is heard`;
      this.#log.warn({ event: 'greeting-unusable', path, reason }, sentence);
    } else session?.onMessage(message);
  }

  #reportTakenPairs(pairs: number): void {
    if (pairs === this.#pairsTakenByOthers) return;
    this.#pairsTakenByOthers = pairs;
    const sentence = `${String(pairs)} pairs of the RTP range were skipped so far: other programs have them`;
    this.#log.info({ event: 'rtp-pairs-skipped', pairs }, sentence);
  }
}

type SessionMessage = Exclude<FromThread, { kind: 'started' | 'start-failed' | 'pong' | 'clip-unusable' }>;

class NearSession implements MediaSession {
  localPort = 0;
  readonly opened: Promise<MediaSession>;
  readonly #id: number;
  readonly #listener: MediaListener;
  readonly #send: (message: ToThread) => void;
  #onOpened: ((fault?: UmError) => void) | undefined;
  /** Stops that are not answered yet, in their order. */
  readonly #onStopped: ((audio: RecordedAudio) => void)[] = [];
  #onClosed: ((statistics: MediaStatistics) => void) | undefined;
  #closed: Promise<MediaStatistics> | undefined;

  constructor(id: number, listener: MediaListener, send: (message: ToThread) => void) {
    this.#id = id;
    this.#listener = listener;
    this.#send = send;
    this.opened = new Promise((done, fail) => {
      this.#onOpened = (fault) => {
        if (fault) fail(fault);
        else done(this);
      };
    });
  }

  configure(parameters: MediaParameters): void {
    this.#send({ kind: 'configure', session: this.#id, parameters });
  }

  play(playId: number, clips: readonly Clip[]): void {
    this.#send({ kind: 'play', session: this.#id, playId, clips });
  }

  stopPlaying(): void {
    this.#send({ kind: 'stop-playing', session: this.#id });
  }

  startRecording(target: RecordingTarget): void {
    this.#send({ kind: 'start-recording', session: this.#id, target });
  }

  stopRecording(endedBy: RecordingEnd): Promise<RecordedAudio> {
    if (this.#closed) return Promise.reject(new UmError('internal-fault', 'the media session is closed'));
    return new Promise((done) => {
      this.#onStopped.push(done);
      this.#send({ kind: 'stop-recording', session: this.#id, endedBy });
    });
  }

  listenForBeep(): void {
    this.#send({ kind: 'listen-for-beep', session: this.#id });
  }

  close(): Promise<MediaStatistics> {
    this.#closed ??= new Promise((done) => {
      this.#onClosed = done;
      this.#send({ kind: 'close', session: this.#id });
    });
    return this.#closed;
  }

  onMessage(message: SessionMessage): void {
    switch (message.kind) {
      case 'opened':
        this.localPort = message.port;
        this.#onOpened?.();
        return;
      case 'open-failed':
        this.#onOpened?.(new UmError(message.code, message.detail));
        return;
      case 'event':
        this.#onEvent(message.event);
        return;
      case 'recording-stopped':
        this.#onStopped.shift()?.(message.audio);
        return;
      case 'closed':
        this.#onClosed?.(message.statistics);
        return;
      default:
        assertNever(message, 'media message');
    }
  }

  #onEvent(event: StreamEvent): void {
    switch (event.kind) {
      case 'digit':
        this.#listener.digit(event.key);
        return;
      case 'played':
        this.#listener.played(event.playId);
        return;
      case 'recording-ended':
        // Once it is being stopped, the end is told by that promise alone.
        if (this.#onStopped.length === 0) this.#listener.recordingEnded(event.audio);
        return;
      case 'beep-heard':
        this.#listener.beepHeard();
        return;
      default:
        assertNever(event, 'stream event');
    }
  }
}
