import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Timers } from '../../src/base/clock.js';
import type { ProcessReport } from '../../src/mailbox/control-protocol.js';
import { wavHeader } from '../../src/media/wav.js';
import { monotonicClock, timers, wallClock } from '../../src/platform/clock.js';
import { loadConfig } from '../../src/platform/config/config-file.js';
import { type ControlHandler, ControlServer } from '../../src/platform/control/control-server.js';
import { cryptoRandom } from '../../src/platform/random.js';
import { type RunningWorker, startWorker } from '../../src/services/um-worker.js';
import { objectsOf } from './call-bench.js';
import { RawCaller } from './raw-caller.js';
import { RecordingLogger } from './recording-logger.js';
import { ScriptedParent } from './scripted-parent.js';

export interface WorkerSiteOptions {
  readonly listen: string;
  readonly maxCallsAllowed?: number;
  /** Addresses of the one gateway; all of loopback when omitted. */
  readonly gateway?: readonly string[];
  /** Keys of the configuration file. */
  readonly config?: Readonly<Record<string, string>>;
  /** The real ones when omitted. Audio flows in real time, whatever they are. */
  readonly timers?: Timers;
}

/** A worker on real sockets and files, with a mailbox service that only listens, and a parent that a test plays. */
export class WorkerSite {
  readonly data = mkdtempSync(join(tmpdir(), 'openum-worker-'));
  readonly configFile = join(this.data, 'msexchangeum.config');
  readonly log = new RecordingLogger();
  readonly parent = new ScriptedParent();
  spoolChanges = 0;
  readonly #options: WorkerSiteOptions;
  #control: ControlServer | undefined;

  constructor(options: WorkerSiteOptions) {
    this.#options = options;
    const quiet = new Uint8Array(800).fill(0xff);
    mkdirSync(join(this.data, 'greetings'));
    writeFileSync(join(this.data, 'greetings', 'short.wav'), Buffer.concat([wavHeader('PCMU', quiet.length), quiet]));
    this.writeConfig(options.config ?? {});
  }

  writeConfig(keys: Readonly<Record<string, string>>): void {
    const lines = Object.entries(keys).map(([key, value]) => `<add key="${key}" value="${value}"/>`);
    writeFileSync(this.configFile, `<configuration><appSettings>${lines.join('')}</appSettings></configuration>`);
  }

  /** The mailbox service's end of the socket. */
  async listenForReports(): Promise<void> {
    const objects = objectsOf({
      gateway: this.#options.gateway ?? ['127.0.0.0/8'],
      maxCallsAllowed: this.#options.maxCallsAllowed ?? 100,
      mailbox: { greetingFile: 'short.wav' },
    });
    const handle: ControlHandler = (method) => {
      if (method === 'spool-changed') this.spoolChanges += 1;
      return Promise.resolve(null as never);
    };
    this.#control = await ControlServer.listen({
      dataDirectory: this.data,
      log: this.log,
      handle,
      snapshot: () => ({ version: 1, objects }),
    });
  }

  start(port = 0): Promise<RunningWorker> {
    const start = { configFile: this.configFile, data: this.data, listen: this.#options.listen };
    const log = Object.assign(this.log, { setLevel: () => undefined, flush: () => undefined });
    return startWorker({
      start: { start, generation: 'A', port },
      loaded: loadConfig(start, {}),
      environment: {},
      link: this.parent,
      log,
      timers: this.#options.timers ?? timers,
      clock: monotonicClock,
      wallClock,
      random: cryptoRandom,
    });
  }

  /** A gateway's call that was diverted from extension 1000, not yet made; from the worker's own address when `local` is omitted. */
  caller(port: number, local = this.#options.listen): Promise<RawCaller> {
    const { listen } = this.#options;
    return RawCaller.make({ server: listen, port, local, user: '5000', headers: ['Diversion: <sip:1000@pbx>'] });
  }

  /** What the worker last told the mailbox service of itself. */
  get report(): Extract<ProcessReport, { role: 'worker' }> | undefined {
    const [report] = this.#control?.reports ?? [];
    return report?.role === 'worker' ? report : undefined;
  }

  /** Resolves once `holds`; asked again and again, for reports come without an event. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  /** Content of the spool's files that are taken. */
  get taken(): readonly Buffer[] {
    return this.#spoolFiles
      .filter((name) => name.endsWith('.done'))
      .map((name) => readFileSync(join(this.data, 'spool', name)));
  }

  get #spoolFiles(): readonly string[] {
    return readdirSync(join(this.data, 'spool'), { recursive: true, encoding: 'utf8' });
  }

  /** Directories that workers have left in the spool. */
  get spoolDirectories(): readonly string[] {
    return readdirSync(join(this.data, 'spool'));
  }

  async dispose(): Promise<void> {
    await this.#control?.close();
    rmSync(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }
}
