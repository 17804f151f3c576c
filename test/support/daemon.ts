import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/openum', import.meta.url));

/** One line of the daemon's log. */
export type LogLine = Readonly<Record<string, unknown>>;

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DaemonOptions {
  /** Its own loopback address, so that the standard ports never clash; absent: all addresses, in a network namespace only. */
  readonly listen?: string;
  /** Kept by the caller when given; else made, and removed by `dispose`. */
  readonly data?: string;
  /** Text of an msexchangeum.config; absent: none, which means a demonstration. */
  readonly configFile?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program and its first arguments that ends by executing the daemon in its place, for instance `unshare --net`. */
  readonly through?: readonly string[];
}

/** A loopback address that no other test run on this machine uses: the process id picks it. */
export function ownLoopbackAddress(which = 0): string {
  const seed = process.pid * 8 + which;
  const last = 2 + (seed % 250);
  const rest = Math.floor(seed / 250);
  return `127.${String(64 + ((rest >> 8) & 63))}.${String(rest & 255)}.${String(last)}`;
}

/** The daemon as an admin runs it: `bin/openum start` as a child, judged by its log, its exit status and its command line. */
export class Daemon {
  readonly data: string;
  readonly lines: LogLine[] = [];
  /** What it wrote that is no JSON: words for people. */
  readonly words: string[] = [];
  readonly #child: ChildProcess;
  readonly #ownsData: boolean;
  readonly #watchers = new Set<() => void>();
  #isAbandoned = false;
  #exit: { readonly status: number | null; readonly signal: string | null } | undefined;

  private constructor(options: DaemonOptions) {
    this.#ownsData = options.data === undefined;
    this.data = options.data ?? mkdtempSync(join(tmpdir(), 'openum-e2e-'));
    const listen = options.listen === undefined ? [] : ['--listen', options.listen];
    const config = options.configFile === undefined ? [] : ['--config', options.configFile];
    const words = [process.execPath, program, 'start', ...listen, '--data', this.data, ...config];
    const [first = '', ...rest] = [...(options.through ?? []), ...words];
    this.#child = spawn(first, rest, {
      cwd: tmpdir(),
      env: { ...process.env, NODE_OPTIONS: '', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream)
        createInterface({ input: stream }).on('line', (line) => {
          this.#onLine(line);
        });
    }
    this.#child.on('close', () => {
      this.#isAbandoned = true;
      this.#wake();
    });
    this.#child.on('exit', (status, signal) => {
      this.#exit = { status, signal };
      this.#wake();
    });
  }

  /** Spawns it without waiting for anything. */
  static spawn(options: DaemonOptions): Daemon {
    return new Daemon(options);
  }

  /** Spawns it and waits for its `ready` line; throws with what it said when it ends instead. */
  static async start(options: DaemonOptions): Promise<Daemon> {
    const daemon = new Daemon(options);
    await daemon.logged((line) => line['event'] === 'ready');
    return daemon;
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** The first line, past or future, for which `wanted` holds. */
  async logged(wanted: (line: LogLine) => boolean, from = 0): Promise<LogLine> {
    await this.until(() => this.lines.slice(from).some(wanted) || this.#exit !== undefined);
    const line = this.lines.slice(from).find(wanted);
    if (line === undefined) throw new Error(`the daemon ended without saying it:\n${this.transcript()}`);
    return line;
  }

  /** Waits until `holds`, asked again after each line and at the daemon's end. */
  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((done) => {
      const watcher = (): void => {
        if (!holds()) return;
        this.#watchers.delete(watcher);
        done();
      };
      this.#watchers.add(watcher);
    });
  }

  /** Exit status, once it has ended. */
  async ended(): Promise<{ readonly status: number | null; readonly signal: string | null }> {
    await this.until(() => this.#exit !== undefined);
    return this.#exit ?? { status: null, signal: null };
  }

  /** Resolves when neither it nor anything that it started is left: nobody holds its output any more. */
  async abandoned(): Promise<void> {
    await this.until(() => this.#isAbandoned);
  }

  /** Process id of the latest child with this role, as the log told it. */
  childOf(role: 'mailbox' | 'router' | 'service' | 'worker'): number {
    const started = this.lines.findLast((line) => line['event'] === 'process-started' && line['role'] === role);
    const pid = started?.['child'];
    if (typeof pid !== 'number') throw new Error(`no ${role} was started`);
    return pid;
  }

  signal(signal: NodeJS.Signals, pid = this.pid): void {
    process.kill(pid, signal);
  }

  /** `./bin/openum ARGS --data DATA`. */
  command(...args: readonly string[]): Promise<CommandResult> {
    return runCommand([...args, '--data', this.data], this.data);
  }

  /** The one JSON document that a command prints with `--json`. */
  async json(...args: readonly string[]): Promise<unknown> {
    const result = await this.command(...args, '--json');
    try {
      return JSON.parse(result.stdout) as unknown;
    } catch {
      throw new Error(`no single JSON document: ${JSON.stringify(result)}`);
    }
  }

  transcript(): string {
    return [...this.words, ...this.lines.map((line) => JSON.stringify(line))].join('\n');
  }

  /** Ends what is left of it, whatever state it is in, and removes the data directory when it made it. */
  async dispose(): Promise<void> {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // nothing of its group is left
    }
    await this.abandoned();
    if (this.#ownsData) rmSync(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  #onLine(line: string): void {
    try {
      this.lines.push(JSON.parse(line) as LogLine);
    } catch {
      this.words.push(line);
    }
    this.#wake();
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** Runs `bin/openum` to its end. */
export function runCommand(
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<CommandResult> {
  return new Promise((done) => {
    const options = { cwd, env: { ...process.env, NODE_OPTIONS: '', ...env }, maxBuffer: 64 * 1024 * 1024 };
    const child = execFile(process.execPath, [program, ...args], options, (fault, stdout, stderr) => {
      done({ status: child.exitCode ?? (fault ? 1 : 0), stdout, stderr });
    });
  });
}
