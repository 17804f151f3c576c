import { UmError } from '../base/errors.js';
import type { UmConfig } from '../config/um-config.js';
import { Directory } from '../directory/directory.js';
import type { ProcessReport } from '../mailbox/control-protocol.js';
import { timers } from '../platform/clock.js';
import { ConfigWatcher } from '../platform/config/config-watcher.js';
import { loadConfig, type StartOptions } from '../platform/config/config-file.js';
import { ControlClient } from '../platform/control/control-client.js';
import { createLogger, type ProcessLogger } from '../platform/logging.js';
import { GatewayNames } from '../platform/network/gateway-names.js';
import type { ParentLink } from '../platform/process/parent-link.js';

export interface ServiceProcessOptions {
  /** Names the process in its log lines. */
  readonly name: string;
  readonly start: StartOptions;
  readonly link: ParentLink;
  report(): ProcessReport;
  onConfigChange?(config: UmConfig): void;
  /** The first snapshot of the directory is here, and the names of its gateways have been looked up if that is quickly done. */
  onDirectory(): void;
}

/** What router and UM service share as processes: log, configuration as it is now, and the copy of the directory. */
export class ServiceProcess {
  readonly log: ProcessLogger;
  readonly #control: ControlClient;
  readonly #watcher: ConfigWatcher;
  readonly #link: ParentLink;
  /** Holds the copy of the directory. */
  readonly #names: GatewayNames;

  /** @throws UmError 'config-faulty' */
  constructor(options: ServiceProcessOptions) {
    const loaded = loadConfig(options.start, process.env);
    this.#link = options.link;
    this.log = createLogger(options.name, loaded.config.logLevel);
    this.#names = new GatewayNames({ log: this.log, timers });
    this.#watcher = new ConfigWatcher({
      start: options.start,
      environment: process.env,
      loaded,
      log: this.log,
      announce: false,
      onChange: (config) => {
        this.log.setLevel(config.logLevel);
        options.onConfigChange?.(config);
      },
    });
    this.#control = new ControlClient({
      dataDirectory: loaded.config.dataDirectory,
      log: this.log,
      timers,
      onSnapshot: ({ version, objects }) => {
        const isFirst = this.#names.directory === undefined;
        this.#names.take(new Directory(version, objects));
        if (!isFirst) return;
        void this.#names.firstAnswers().then(() => {
          options.onDirectory();
        });
      },
      onDelta: (delta) => {
        const directory = this.#names.directory?.apply(delta);
        if (directory) this.#names.take(directory);
      },
      report: () => options.report(),
    });
    endOnFault(this.log);
  }

  /** The configuration in effect. */
  get config(): UmConfig {
    return this.#watcher.current;
  }

  /** What a child of this process is started with: the values in effect here. */
  get startOptions(): StartOptions {
    return this.#watcher.startOptions;
  }

  /** The last good copy; undefined until the mailbox service was reached for the first time. */
  get directory(): Directory | undefined {
    return this.#names.directory;
  }

  /** Connects to the mailbox service, and again whenever it went away. */
  connect(): void {
    this.#control.start();
  }

  /** Tells the mailbox service that the report has changed. */
  publish(): void {
    this.#control.publish();
  }

  /** Ends the process. */
  end(status: number): void {
    this.#control.close();
    this.#watcher.close();
    this.#names.close();
    this.#link.close();
    this.log.flush();
    process.exit(status);
  }
}

/** Runs a service's start; what makes it impossible is told to the parent, which ends everything at the first start. */
export async function startOrTellParent(link: ParentLink, start: () => Promise<void>): Promise<void> {
  try {
    await start();
  } catch (error) {
    const fault = error instanceof UmError ? error : undefined;
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    link.send({ kind: 'fatal', code: fault?.code ?? 'internal-fault', detail: fault?.detail ?? words });
    link.close();
    process.exit(2);
  }
}

/** A fault of ours ends the process, which is started again; what it was stands in the log. */
export function endOnFault(log: ProcessLogger): void {
  const onFault = (fault: unknown): void => {
    const stack = fault instanceof Error ? fault.stack : String(fault);
    log.error({ event: 'internal-fault', stack }, 'a fault of OpenUM itself: the process ends and is started again');
    log.flush();
    process.exit(1);
  };
  process.on('uncaughtException', onFault);
  process.on('unhandledRejection', onFault);
}
