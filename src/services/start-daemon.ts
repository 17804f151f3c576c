import { rmSync } from 'node:fs';
import { UmError } from '../base/errors.js';
import { VERSION } from '../base/version.js';
import { monotonicClock, timers } from '../platform/clock.js';
import type { StartOptions } from '../platform/config/config-file.js';
import { ConfigWatcher } from '../platform/config/config-watcher.js';
import { ControlClient } from '../platform/control/control-client.js';
import { createLogger, type ProcessLogger } from '../platform/logging.js';
import { type Child, type ChildEvents, forkChild } from '../platform/process/child-process.js';
import { pidFilePath } from '../platform/process/running-daemon.js';
import { notifySystemd } from '../platform/process/systemd-notify.js';
import { demonstrate } from './demonstration-call.js';
import { pinLines, writeInitialPins } from './initial-pins.js';
import { type ClearPreflight, preflight } from './preflight.js';
import { describeFaults } from './start-faults.js';
import { Supervisor } from './supervisor.js';
import type { ReadyPorts, ServiceRole } from './supervisor-machine.js';

export interface DaemonOptions {
  readonly start: StartOptions;
  readonly io: {
    /** Whether a person reads the words. */
    readonly isTerminal: boolean;
    err(text: string): void;
  };
}

const PROGRAMS: Readonly<Record<ServiceRole, URL>> = {
  mailbox: new URL('./mailbox-service-main.js', import.meta.url),
  router: new URL('./call-router-main.js', import.meta.url),
  service: new URL('./um-service-main.js', import.meta.url),
};

/** Exit status of a start that something stands in the way of. */
const CANNOT_START = 2;

/**
 * All of `openum start`: looks whether a start is possible, starts everything in the foreground, and keeps it running until
 * somebody stops it.
 *
 * @returns exit status: 0 stopped, 2 something stood in the way of the start
 */
export async function startDaemon(options: DaemonOptions): Promise<number> {
  const log = createLogger('supervisor', 'info');
  const result = await preflight({
    start: options.start,
    environment: process.env,
    log,
    keepPins: (dataDirectory, pins) => keepPins(options.io, dataDirectory, pins),
  });
  if (result.kind === 'faulty') {
    options.io.err(describeFaults(result.faults));
    return CANNOT_START;
  }
  try {
    return await new Daemon(options, result, log).run();
  } finally {
    log.flush();
    rmSync(pidFilePath(result.loaded.config.dataDirectory), { force: true });
    result.lock.release(); // the last of all: whoever waits for the end waits for it
  }
}

/** PINs are for the eyes of whoever sits there; a log would keep them. */
async function keepPins(
  io: DaemonOptions['io'],
  dataDirectory: string,
  pins: ReadonlyMap<string, string>,
): Promise<void> {
  const where = io.isTerminal
    ? `${pinLines(pins)}  (shown this once)\n`
    : `  the PINs of its mailboxes are in ${await writeInitialPins(dataDirectory, pins)}\n`;
  io.err(`No configuration file, and no directory in the data directory yet: a demonstration is set up.\n${where}`);
}

/** A running daemon, as its supervisor's process sees it. */
class Daemon {
  readonly #io: DaemonOptions['io'];
  readonly #preflight: ClearPreflight;
  readonly #log: ProcessLogger;
  readonly #dataDirectory: string;
  readonly #watcher: ConfigWatcher;
  readonly #control: ControlClient;
  readonly #supervisor: Supervisor;
  readonly #stopped = new AbortController();
  #toldCalls: number | undefined;

  constructor({ start, io }: DaemonOptions, found: ClearPreflight, log: ProcessLogger) {
    const { config } = found.loaded;
    this.#io = io;
    this.#preflight = found;
    this.#log = log;
    this.#dataDirectory = config.dataDirectory;
    log.setLevel(config.logLevel);
    this.#watcher = new ConfigWatcher({
      start,
      environment: process.env,
      loaded: found.loaded,
      log,
      announce: true,
      onChange: ({ logLevel }) => {
        log.setLevel(logLevel);
      },
    });
    this.#control = new ControlClient({
      dataDirectory: config.dataDirectory,
      log,
      timers,
      report: () => ({ role: 'supervisor', pid: process.pid }),
    });
    this.#supervisor = new Supervisor({
      log,
      timers,
      clock: monotonicClock,
      drainTimeoutMs: () => this.#watcher.current.drainTimeoutS * 1_000,
      fork: (role, events) => this.#fork(role, events),
      events: {
        onReady: (ports) => {
          this.#onReady(ports);
        },
        onFailed: (code, detail) => {
          io.err(describeFaults([new UmError(code, detail)]));
        },
        onCallsLeft: (count) => {
          this.#onCallsLeft(count);
        },
        onCallsCut: (count) => {
          this.#onCallsCut(count);
        },
      },
    });
  }

  /** Until the end; its exit status. */
  async run(): Promise<number> {
    if (this.#watcher.current.umStartupMode === 'Dual') {
      const facts = { event: 'tls-not-implemented', umStartupMode: 'Dual' };
      this.#log.info(facts, 'UMStartupMode is Dual, but TLS is not implemented yet: only TCP is open');
    }
    const stop = (): void => {
      this.#supervisor.requestStop();
    };
    const ignore = (): void => undefined;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop);
    process.on('SIGHUP', ignore);
    try {
      this.#control.start();
      return await this.#supervisor.run();
    } finally {
      this.#control.close();
      this.#watcher.close();
      // Signals stay caught: one that comes in the last moment must not change the exit status.
      this.#log.info({ event: 'stopped' }, 'everything has ended');
    }
  }

  #fork(role: ServiceRole, events: ChildEvents): Child {
    return forkChild(PROGRAMS[role], JSON.stringify(this.#watcher.startOptions), events);
  }

  #onReady(ports: ReadyPorts): void {
    const config = this.#watcher.current;
    const [router] = ports.router;
    const [service, worker] = ports.service;
    const facts = {
      event: 'ready',
      version: VERSION,
      listenAddress: config.listenAddress ?? null,
      router,
      service,
      worker,
    };
    this.#log.info({ ...facts, dataDirectory: this.#dataDirectory }, `OpenUM ${VERSION} takes calls`);
    notifySystemd('READY=1', { environment: process.env, log: this.#log });
    if (!this.#preflight.madeDemonstration) return;
    void demonstrate({
      control: this.#control,
      config,
      routerPort: router ?? config.sipTcpListeningPort,
      log: this.#log,
      timers,
      stopped: this.#stopped.signal,
      say: (text) => {
        this.#io.err(text);
      },
    });
  }

  #onCallsLeft(count: number): void {
    this.#stopped.abort();
    if (this.#toldCalls === undefined) notifySystemd('STOPPING=1', { environment: process.env, log: this.#log });
    if (this.#toldCalls === count) return;
    const isFirst = this.#toldCalls === undefined;
    this.#toldCalls = count;
    const left = count === 0 ? 'no calls are left' : count === 1 ? '1 call is left' : `${String(count)} calls are left`;
    const hint = count > 0 && isFirst ? '; they end by themselves, a second signal ends them (messages are kept)' : '';
    this.#io.err(`openum is stopping: ${left}${hint}\n`);
  }

  #onCallsCut(count: number): void {
    if (count > 0)
      this.#io.err(`openum ends ${String(count)} ${count === 1 ? 'call' : 'calls'} now; messages are kept\n`);
  }
}
