import { fileURLToPath } from 'node:url';
import { assertNever } from '../base/assert.js';
import type { MonotonicClock, StartedTimer, Timers, WallClock } from '../base/clock.js';
import type { Random } from '../base/random.js';
import { CallLimit } from '../call/call-limit.js';
import type { SignallingUser } from '../call/signalling-port.js';
import { UserAgent } from '../call/user-agent.js';
import type { UmConfig } from '../config/um-config.js';
import { Directory } from '../directory/directory.js';
import type { ProcessReport, WorkerState } from '../mailbox/control-protocol.js';
import { answerCall } from '../menus/call-answering.js';
import { ConfigWatcher } from '../platform/config/config-watcher.js';
import type { LoadedConfig } from '../platform/config/config-file.js';
import { ControlClient } from '../platform/control/control-client.js';
import type { ProcessLogger } from '../platform/logging.js';
import { MediaEngine } from '../platform/media/media-engine.js';
import { GatewayNames } from '../platform/network/gateway-names.js';
import type { FromParent, ParentLink } from '../platform/process/parent-link.js';
import { SipStack } from '../platform/sip/sip-stack.js';
import { WorkerSpool } from '../platform/spool/worker-spool.js';
import type { WorkerStart } from './worker-start.js';

const PROMPTS = fileURLToPath(new URL('../../config/prompts/en-US', import.meta.url));

/**
 * Without a mailbox service there is no directory: a worker that listens says so after this wait. Calls that come to it all the
 * same are refused with 503.
 */
const DIRECTORY_PATIENCE_MS = 1_000;

/**
 * A caller who was redirected here a moment before a successor became active may still be on the way: for so long the port stays
 * open after that, and sends him on.
 */
const REDIRECT_LINGER_MS = 5_000;

/** How long the BYEs of a stop at once may wait for their answers; every message is kept by then. */
const BYE_PATIENCE_MS = 2_000;

/** Changes within this are reported at once: a burst of calls must not cost a report each. */
const REPORT_AFTER_MS = 50;

export interface WorkerOptions {
  readonly start: WorkerStart;
  readonly loaded: LoadedConfig;
  readonly environment: NodeJS.ProcessEnv;
  readonly link: ParentLink;
  readonly log: ProcessLogger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

export interface RunningWorker {
  /** Where it listens. */
  readonly port: number;
  /** Resolves with the exit status once the worker has finished its calls, or stopped them, and has closed everything. */
  readonly ended: Promise<number>;
}

/**
 * Starts a worker: resolves once it listens. It says `ready` to its parent when it has the directory, too.
 *
 * @throws UmError 'port-taken', 'spool-unwritable' or 'audio-unusable'; nothing is left open then
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { start, loaded, log } = options;
  const name = `${start.generation}-${String(process.pid)}`;
  const spool = await WorkerSpool.open(loaded.config.dataDirectory, name, { log });
  let media: MediaEngine | undefined;
  try {
    media = await MediaEngine.start({
      minimumPort: loaded.config.minimumRtpPort,
      maximumPort: loaded.config.maximumRtpPort,
      promptDirectory: PROMPTS,
      log,
      hangAfterMs: loaded.config.workerHangTimeoutS * 1_000,
    });
    const worker = new UmWorker(options, spool, media);
    await worker.listen();
    return worker;
  } catch (error) {
    await media?.close();
    await spool.close();
    throw error;
  }
}

/** What a worker does about new calls and its own end. */
type WorkerPhase = 'serving' | 'draining' | 'stopping' | 'ended';

/** What it has said to its parent: nothing yet, that it listens without the directory, or that it takes calls. */
type Readiness = 'silent' | 'without-directory' | 'ready';

/**
 * A worker process: answers calls until its parent tells it to drain, or is gone.
 *
 * ```text
 *   parent --drain, stop-now, other-calls--> UmWorker --ready, calls--> parent
 *                                               |
 *   gateways <--SIP--> SipStack <--> UserAgent -+- CallLimit
 *   gateways <--RTP--> MediaEngine <----'  |
 *                                     WorkerSpool        ControlClient <--> mailbox service
 * ```
 *
 * Who closes whom, in this order: the calls (which close their media sessions and settle their spool entries), the SIP stack
 * (transactions, connections, listener), the media engine, the spool, the control connection, the configuration watcher, the
 * channel to the parent.
 */
class UmWorker implements RunningWorker {
  readonly ended: Promise<number>;
  readonly #options: WorkerOptions;
  readonly #watcher: ConfigWatcher;
  /** Holds the copy of the directory. */
  readonly #names: GatewayNames;
  readonly #control: ControlClient;
  readonly #spool: WorkerSpool;
  readonly #media: MediaEngine;
  readonly #stack: SipStack;
  readonly #limit: CallLimit;
  readonly #agent: UserAgent;
  #port: number | null = null;
  #phase: WorkerPhase = 'serving';
  #readiness: Readiness = 'silent';
  /** The wait for the directory. */
  #readyTimer: StartedTimer | undefined;
  /** Runs while callers are awaited whom only the successor will serve. */
  #lingerTimer: StartedTimer | undefined;
  #reportTimer: StartedTimer | undefined;
  #end: (status: number) => void = () => undefined;

  constructor(options: WorkerOptions, spool: WorkerSpool, media: MediaEngine) {
    this.#options = options;
    this.#spool = spool;
    this.#media = media;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#watcher = this.#watchConfig();
    this.#names = new GatewayNames(options);
    this.#control = this.#connectControl();
    this.#limit = new CallLimit((count) => {
      options.link.send({ kind: 'calls', count });
    });
    const { log, timers, clock, random } = options;
    const { serverName } = options.loaded.config;
    this.#stack = new SipStack({ log, timers, clock, random, serverName, user: this.#user() });
    this.#agent = this.#makeAgent();
    spool.onTaken = () => {
      // Best effort: the mailbox service also watches the spool, and takes in what it finds at its start.
      this.#control.request('spool-changed', {}).catch(() => undefined);
    };
  }

  get port(): number {
    return this.#port ?? 0;
  }

  /** @throws UmError 'port-taken'; what this object opened is closed then */
  async listen(): Promise<void> {
    const { start, link, timers } = this.#options;
    try {
      const { port } = await this.#stack.transport.listen(this.#watcher.current.listenAddress, start.port);
      this.#port = port;
    } catch (error) {
      this.#watcher.close();
      await this.#stack.close();
      throw error;
    }
    this.#readyTimer = timers.start(DIRECTORY_PATIENCE_MS, () => {
      this.#sayReady();
    });
    this.#control.start();
    link.onMessage((message) => {
      this.#obey(message);
    });
    link.onLost(() => {
      this.#drain(undefined, 'the UM service is gone: this worker only finishes its calls');
    });
  }

  #user(): SignallingUser {
    return {
      onRequest: (transaction) => {
        this.#agent.onRequest(transaction);
      },
      onAck: (request, flow) => {
        this.#agent.onAck(request, flow);
      },
      onCancel: (invite) => {
        this.#agent.onCancel(invite);
      },
    };
  }

  #makeAgent(): UserAgent {
    return new UserAgent({
      ...this.#options,
      signalling: this.#stack,
      media: this.#media,
      spool: this.#spool,
      limit: this.#limit,
      config: () => this.#watcher.current,
      directory: () => this.#names.directory,
      answer: answerCall,
      onCallsChanged: () => {
        this.#reportSoon();
      },
    });
  }

  #watchConfig(): ConfigWatcher {
    const { start, environment, loaded, log } = this.#options;
    return new ConfigWatcher({
      start: start.start,
      environment,
      loaded,
      log,
      announce: false,
      onChange: (config) => {
        this.#onConfig(config);
      },
    });
  }

  /** Addresses and names are asked for with each call. */
  #onConfig({ logLevel, minimumRtpPort, maximumRtpPort, workerHangTimeoutS }: UmConfig): void {
    this.#options.log.setLevel(logLevel);
    this.#media.hangAfterMs = workerHangTimeoutS * 1_000;
    this.#media.setRange(minimumRtpPort, maximumRtpPort);
    this.#reportSoon();
  }

  #connectControl(): ControlClient {
    const { loaded, log, timers } = this.#options;
    return new ControlClient({
      dataDirectory: loaded.config.dataDirectory,
      log,
      timers,
      onSnapshot: ({ version, objects }) => {
        this.#names.take(new Directory(version, objects));
        // A worker that takes over must know the gateways that its predecessor knew.
        void this.#names.firstAnswers().then(() => {
          this.#sayReady();
        });
      },
      onDelta: (delta) => {
        const directory = this.#names.directory?.apply(delta);
        if (directory) this.#names.take(directory);
      },
      report: () => this.#report(),
    });
  }

  /** Once with the directory; before that once without it, when it does not come. */
  #sayReady(): void {
    const directory = this.#names.directory?.version;
    const readiness: Readiness = directory === undefined ? 'without-directory' : 'ready';
    if (this.#phase !== 'serving' || this.#readiness === 'ready' || this.#readiness === readiness) return;
    this.#readiness = readiness;
    this.#readyTimer?.stop();
    const { link, log, start } = this.#options;
    const facts = { event: 'worker-ready', generation: start.generation, port: this.#port, directory };
    log.info(facts, readiness === 'ready' ? 'the worker takes calls' : 'the worker listens, but has no directory yet');
    link.send({ kind: 'ready', ports: [this.port], hasDirectory: readiness === 'ready' });
    this.#reportSoon();
  }

  #obey(message: FromParent): void {
    switch (message.kind) {
      case 'drain':
        this.#drain(message.successorPort, 'this worker only finishes its calls');
        return;
      case 'stop-now':
        void this.#stopNow();
        return;
      case 'other-calls':
        this.#limit.others = message.count;
        return;
      case 'service-state':
        return;
      default:
        assertNever(message, 'message of the UM service');
    }
  }

  /**
   * No new calls; the last one's end is the worker's, but not before callers who are on their way here have been sent on to the
   * successor. Told again, the newest word on the successor counts.
   */
  #drain(successorPort: number | undefined, detail: string): void {
    if (this.#phase === 'stopping' || this.#phase === 'ended') return;
    this.#agent.admission =
      successorPort === undefined ? { kind: 'closed', detail } : { kind: 'redirect', port: successorPort };
    if (this.#phase === 'serving') this.#beginDrain(successorPort, detail);
    if (successorPort === undefined) this.#endWhenIdle();
    else this.#lingerTimer ??= this.#linger();
  }

  #beginDrain(successorPort: number | undefined, detail: string): void {
    this.#phase = 'draining';
    const calls = this.#agent.reports.length;
    this.#options.log.info({ event: 'worker-drains', calls, successorPort }, `${detail}: calls left: ${String(calls)}`);
    this.#reportSoon();
  }

  #linger(): StartedTimer {
    return this.#options.timers.start(REDIRECT_LINGER_MS, () => {
      this.#endWhenIdle();
    });
  }

  #endWhenIdle(): void {
    this.#lingerTimer?.stop();
    void this.#agent.idle().then(() => this.#close());
  }

  /** Calls end with BYE once their recordings are kept. */
  async #stopNow(): Promise<void> {
    if (this.#phase === 'stopping' || this.#phase === 'ended') return;
    this.#phase = 'stopping';
    this.#agent.admission = { kind: 'closed', detail: 'the server is being stopped' };
    await this.#agent.stopCalls();
    await this.#idleWithin(BYE_PATIENCE_MS);
    await this.#close();
  }

  async #close(): Promise<void> {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    const { log, link } = this.#options;
    for (const timer of [this.#readyTimer, this.#lingerTimer, this.#reportTimer]) timer?.stop();
    this.#port = null;
    for (const close of [() => this.#stack.close(), () => this.#media.close(), () => this.#spool.close()]) {
      try {
        await close();
      } catch (error) {
        log.error({ event: 'internal-fault', fault: String(error) }, 'a part of the worker could not be closed');
      }
    }
    this.#control.close();
    this.#watcher.close();
    this.#names.close();
    log.info({ event: 'worker-ended' }, 'the worker has finished its calls');
    link.close();
    this.#end(0);
  }

  #idleWithin(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const patience = this.#options.timers.start(ms, resolve);
      void this.#agent.idle().then(() => {
        patience.stop();
        resolve();
      });
    });
  }

  #reportSoon(): void {
    if (this.#phase === 'ended') return;
    this.#reportTimer ??= this.#options.timers.start(REPORT_AFTER_MS, () => {
      this.#reportTimer = undefined;
      this.#control.publish();
    });
  }

  #report(): ProcessReport {
    const { minimumRtpPort: min, maximumRtpPort: max } = this.#watcher.current;
    return {
      role: 'worker',
      pid: process.pid,
      generation: this.#options.start.generation,
      port: this.#port,
      securePort: null,
      state: this.#state(),
      rtp: { min, max, inUse: this.#media.pairsInUse },
      calls: this.#agent.reports,
    };
  }

  #state(): WorkerState {
    if (this.#phase !== 'serving') return 'draining';
    return this.#readiness === 'ready' ? 'active' : 'starting';
  }
}
