import { monotonicClock, timers } from '../platform/clock.js';
import { type ChildEvents, type Child, forkChild } from '../platform/process/child-process.js';
import { connectParent, type ParentLink } from '../platform/process/parent-link.js';
import { probePort } from '../platform/process/port-probe.js';
import { ServiceProcess, startOrTellParent } from './service-process.js';
import { UmService, type UmServiceEvents } from './um-service.js';
import { type Generation, readStartOptions, type WorkerStart } from './worker-start.js';

const WORKER_PROGRAM = new URL('./um-worker-main.js', import.meta.url);

/** The UM service as a process: what it says goes to the supervisor, and for `status` to the mailbox service. */
class UmServiceProcess {
  readonly #link: ParentLink;
  readonly #shared: ServiceProcess;
  readonly #service: UmService;

  constructor(link: ParentLink) {
    this.#link = link;
    this.#shared = new ServiceProcess({
      name: 'um-service',
      start: readStartOptions(process.argv[2]),
      link,
      report: () => this.#service.report(),
      onDirectory: () => {
        this.#tellReady();
      },
      onConfigChange: () => {
        this.#service.configChanged();
      },
    });
    const shared = this.#shared;
    this.#service = new UmService({
      log: shared.log,
      timers,
      clock: monotonicClock,
      config: () => shared.config,
      directory: () => shared.directory,
      fork: (generation, port, events) => this.#fork(generation, port, events),
      isPortFree: async (port) => (await probePort(shared.config.listenAddress, port)).kind === 'free',
      events: this.#events(),
    });
  }

  async start(): Promise<void> {
    this.#link.onLost(() => {
      this.#end();
    });
    this.#link.onMessage((message) => {
      this.#service.obey(message);
    });
    this.#shared.connect();
    await this.#service.listen();
    if (this.#service.port !== null) this.#link.send({ kind: 'listening', ports: [this.#service.port] });
    this.#shared.publish();
  }

  #events(): UmServiceEvents {
    return {
      onActive: () => {
        this.#tellReady();
      },
      onCalls: (count) => {
        this.#link.send({ kind: 'calls', count });
      },
      onFatal: (code, detail) => {
        this.#link.send({ kind: 'fatal', code, detail });
      },
      onEnded: () => {
        this.#end();
      },
      onChanged: () => {
        this.#shared.publish();
      },
    };
  }

  #fork(generation: Generation, port: number, events: ChildEvents): Child {
    const start: WorkerStart = { start: this.#shared.startOptions, generation, port };
    return forkChild(WORKER_PROGRAM, JSON.stringify(start), events);
  }

  /** Ready: the port is open, the directory is here and a worker takes calls. */
  #tellReady(): void {
    const { port, activePort } = this.#service;
    if (port === null || activePort === undefined || this.#shared.directory === undefined) return;
    this.#link.send({ kind: 'ready', ports: [port, activePort] });
  }

  #end(): void {
    void this.#service.close().finally(() => {
      this.#shared.end(0);
    });
  }
}

const link = connectParent();
await startOrTellParent(link, () => new UmServiceProcess(link).start());
