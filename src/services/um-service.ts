import { assertNever } from '../base/assert.js';
import type { MonotonicClock, Timers } from '../base/clock.js';
import type { ErrorCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import type { Directory } from '../directory/directory.js';
import type { ProcessReport } from '../mailbox/control-protocol.js';
import type { Child, ChildEvents } from '../platform/process/child-process.js';
import type { FromParent } from '../platform/process/parent-link.js';
import { SipTransport } from '../platform/sip/sip-transport.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { StatelessListener } from './stateless-listener.js';
import { WaitingInvites } from './waiting-invites.js';
import type { GenerationTimes } from './worker-generations.js';
import { WorkerPool } from './worker-pool.js';
import { type Generation, UM_SERVICE_PORT } from './worker-start.js';

/** What the UM service tells its process; the process tells supervisor and mailbox service. */
export interface UmServiceEvents {
  /** A worker is active, or another one than before; undefined: none. */
  onActive(port: number | undefined): void;
  onCalls(count: number): void;
  /** No worker ever became active, and none can work at all. */
  onFatal(code: ErrorCode, detail: string): void;
  /** Drained or stopped: no worker is left. */
  onEnded(): void;
  /** What {@link UmService.report} says has changed. */
  onChanged(): void;
}

export interface UmServiceOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly config: () => UmConfig;
  readonly directory: () => Directory | undefined;
  fork(generation: Generation, port: number, events: ChildEvents): Child;
  isPortFree(port: number): Promise<boolean>;
  readonly events: UmServiceEvents;
  /** The port to listen on; the fixed one when omitted. */
  readonly port?: number;
}

type ServiceState = 'serving' | 'draining';

/**
 * The UM service: answers every INVITE with 302 to its active worker, and keeps one. While none is ready, an INVITE waits a
 * little for it: nobody is redirected to a closed port, nor to a worker that has just been killed (it is asked first, unless it
 * was heard of a moment ago).
 */
export class UmService {
  readonly #options: UmServiceOptions;
  readonly #listener: StatelessListener;
  readonly #transport: SipTransport;
  readonly #pool: WorkerPool;
  readonly #waiting: WaitingInvites;
  #state: ServiceState = 'serving';
  #port: number | null = null;

  constructor(options: UmServiceOptions) {
    this.#options = options;
    const { log, timers, clock, events } = options;
    this.#listener = new StatelessListener({
      log,
      serverName: () => options.config().serverName,
      directory: options.directory,
      send: (flowId, wire) => this.#transport.send(flowId, wire),
      onInvite: (request, flow) => {
        this.#onInvite(request, flow);
      },
      onFlowClosed: (flow) => {
        this.#waiting.dropFlow(flow.id);
      },
    });
    const { serverName } = options.config();
    this.#transport = new SipTransport({ log, timers, clock, serverName, receiver: this.#listener });
    this.#waiting = new WaitingInvites(timers, (request, flow) => {
      this.#refuseNoWorker(request, flow);
    });
    this.#pool = new WorkerPool({
      log,
      timers,
      clock,
      times: () => workerTimes(options.config()),
      fork: (generation, port, childEvents) => options.fork(generation, port, childEvents),
      isPortFree: (port) => options.isPortFree(port),
      events: {
        ...events,
        onActive: (port) => {
          this.#onActive(port);
        },
        onAlive: (port) => {
          this.#redirectWaiting(port);
        },
      },
    });
  }

  /**
   * Opens the port, then starts the first worker.
   *
   * @throws UmError 'port-taken'
   */
  async listen(): Promise<void> {
    const { listenAddress } = this.#options.config();
    const { port } = await this.#transport.listen(listenAddress, this.#options.port ?? UM_SERVICE_PORT);
    this.#port = port;
    this.#pool.start();
  }

  /** The port that is open; null while none is. */
  get port(): number | null {
    return this.#port;
  }

  /** Where new calls go; undefined while no worker is ready. */
  get activePort(): number | undefined {
    return this.#pool.activePort;
  }

  /** What `status` shows of it. */
  report(): ProcessReport {
    return { role: 'service', pid: process.pid, tcp: this.#port, tls: null, workers: this.#pool.workers };
  }

  /** The configuration has changed. */
  configChanged(): void {
    this.#pool.settingsChanged();
  }

  /** What the supervisor says. */
  obey(message: FromParent): void {
    switch (message.kind) {
      case 'drain':
        this.#drain();
        this.#pool.drain();
        return;
      case 'stop-now':
        this.#drain();
        this.#pool.stopNow();
        return;
      case 'service-state':
      case 'other-calls':
        return;
      default:
        assertNever(message, 'message of the supervisor');
    }
  }

  /** Closes the port and every connection; workers notice by themselves that this process ends. */
  async close(): Promise<void> {
    this.#port = null;
    await this.#transport.close();
  }

  #onInvite(request: SipRequest, flow: Flow): void {
    const port = this.#pool.activePort;
    if (this.#state === 'draining') this.#refuseDraining(request, flow);
    else if (port !== undefined && this.#pool.isSure) this.#redirect(request, flow, port);
    else if (this.#waiting.add(request, flow)) this.#pool.ask();
    else this.#refuseNoWorker(request, flow);
  }

  #onActive(port: number | undefined): void {
    if (port !== undefined) this.#redirectWaiting(port);
    this.#options.events.onActive(port);
  }

  #redirectWaiting(port: number): void {
    this.#waiting.release((request, flow) => {
      this.#redirect(request, flow, port);
    });
  }

  #drain(): void {
    this.#state = 'draining';
    this.#waiting.release((request, flow) => {
      this.#refuseDraining(request, flow);
    });
  }

  #redirect(request: SipRequest, flow: Flow, port: number): void {
    const host = this.#options.config().advertisedAddress;
    this.#listener.redirect(request, flow, host === undefined ? { port } : { port, host });
  }

  #refuseDraining(request: SipRequest, flow: Flow): void {
    this.#listener.refuse(request, flow, { code: 'draining', detail: 'the UM service is being stopped' });
  }

  #refuseNoWorker(request: SipRequest, flow: Flow): void {
    this.#listener.refuse(request, flow, { code: 'no-worker-ready', detail: 'none within 2 s' });
  }
}

function workerTimes(config: UmConfig): GenerationTimes {
  return {
    recycleMs: config.workerRecycleIntervalS * 1_000,
    startTimeoutMs: config.workerStartTimeoutS * 1_000,
    hangTimeoutMs: config.workerHangTimeoutS * 1_000,
  };
}
