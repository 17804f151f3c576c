import type { MonotonicClock, Timers, WallClock } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { UmConfig } from '../config/um-config.js';
import { Directory } from '../directory/directory.js';
import type { StatusReport } from '../mailbox/control-protocol.js';
import type { MessageStore } from '../mailbox/message-store.js';
import { statusReport } from '../mailbox/status-report.js';
import { ControlServer } from '../platform/control/control-server.js';
import { spoolPath } from '../platform/spool/spool-directory.js';
import { SpoolFiles } from '../platform/spool/spool-files.js';
import { SpoolWatch } from '../platform/spool/spool-watch.js';
import { openStorePatiently } from '../platform/store/open-store-patiently.js';
import { MailboxOperations } from './mailbox-operations.js';
import { OutboxRunner } from './outbox-runner.js';
import { SpoolIntake } from './spool-intake.js';

export interface MailboxServiceOptions {
  /** Absolute. */
  readonly dataDirectory: string;
  /** The configuration in effect. */
  readonly config: () => UmConfig;
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly random: Random;
}

/**
 * The owner of store, directory, intake and outbox; everybody else is a client of its socket.
 *
 * ```text
 *   workers --spool--> SpoolIntake --> store <-- OutboxRunner --> mail
 *                                        ^
 *   clients --openum.sock--> ControlServer --> MailboxOperations
 * ```
 * Closed in this order: intake (after a last look), outbox, socket, store.
 */
export class MailboxService {
  readonly #options: MailboxServiceOptions;
  readonly #store: MessageStore;
  readonly #operations: MailboxOperations;
  readonly #intake: SpoolIntake;
  readonly #outbox: OutboxRunner;
  readonly #watch: SpoolWatch;
  #directory: Directory;
  #control: ControlServer | undefined;
  #closing: Promise<void> | undefined;

  private constructor(options: MailboxServiceOptions, store: MessageStore, directory: Directory) {
    this.#options = options;
    this.#store = store;
    this.#directory = directory;
    this.#outbox = new OutboxRunner({ ...options, store, directory: () => this.#directory });
    this.#operations = this.#makeOperations();
    this.#intake = this.#makeIntake();
    this.#watch = new SpoolWatch(() => void this.#intake.look());
  }

  /**
   * Starts; resolves once the socket listens.
   *
   * @throws UmError 'database-newer', 'database-damaged', 'data-unwritable' or 'data-in-use'
   */
  static async start(options: MailboxServiceOptions): Promise<MailboxService> {
    const store = await openStorePatiently(options.dataDirectory, options.log, options);
    try {
      const { version, objects } = await store.readDirectory();
      const service = new MailboxService(options, store, new Directory(version, objects));
      await service.#listen();
      return service;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Moves in what lies in the spool, lets deliveries in progress end, and closes everything. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<void> {
    this.#watch.close();
    await this.#intake.close();
    await this.#outbox.close();
    await this.#control?.close();
    await this.#store.close();
  }

  async #listen(): Promise<void> {
    const { dataDirectory, log, timers } = this.#options;
    this.#control = await ControlServer.listen({
      dataDirectory,
      log,
      timers,
      handle: (method, params) => this.#operations.handle(method, params),
      snapshot: () => ({ version: this.#directory.version, objects: this.#directory.objects }),
    });
    this.#outbox.start();
    void this.#intake.look();
  }

  #makeOperations(): MailboxOperations {
    return new MailboxOperations({
      ...this.#options,
      store: this.#store,
      onDirectoryChanged: (delta) => {
        this.#directory = this.#directory.apply(delta);
        this.#control?.broadcast(delta);
      },
      onJobsChanged: () => {
        this.#outbox.wake();
      },
      daemon: {
        status: () => this.#status(),
        'router-end': async () => {
          const { router } = await this.#status();
          return { address: this.#options.config().listenAddress ?? null, port: router.tcp };
        },
        'spool-changed': () => {
          void this.#intake.look();
          return Promise.resolve(null);
        },
      },
    });
  }

  #makeIntake(): SpoolIntake {
    const { dataDirectory, log } = this.#options;
    return new SpoolIntake({
      ...this.#options,
      store: this.#store,
      files: new SpoolFiles(dataDirectory, log),
      directory: () => this.#directory,
      serverName: () => this.#options.config().serverName,
      onMessage: () => {
        this.#outbox.wake();
      },
      onScan: (living) => {
        this.#watch.follow([spoolPath(dataDirectory), ...living]);
      },
    });
  }

  async #status(): Promise<StatusReport> {
    const { minimumRtpPort, maximumRtpPort } = this.#options.config();
    const outbox = await this.#store.jobCounts();
    return statusReport(this.#control?.reports ?? [], {
      pid: process.pid,
      directoryVersion: this.#directory.version,
      outbox,
      rtp: { min: minimumRtpPort, max: maximumRtpPort },
    });
  }
}
