import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import { VERSION } from '../../base/version.js';
import type { DirectoryDelta } from '../../directory/objects.js';
import type {
  ControlEvent,
  ControlMethod,
  ControlMethods,
  DirectorySnapshot,
  ProcessReport,
} from '../../mailbox/control-protocol.js';
import { controlParams, HELLO, isControlMethod, parseControlRequest } from '../../mailbox/control-request.js';
import { timers } from '../clock.js';
import { codeOf } from '../os-error.js';
import { JsonLines } from './json-lines.js';
import { makeSocketDirectory, socketPath } from './socket-path.js';

/** Performs one method. Its parameters have been checked. */
export type ControlHandler = <M extends ControlMethod>(
  method: M,
  params: ControlMethods[M]['params'],
) => Promise<ControlMethods[M]['result']>;

export interface ControlServerOptions {
  readonly dataDirectory: string;
  readonly log: Logger;
  readonly handle: ControlHandler;
  readonly snapshot: () => DirectorySnapshot;
  /** Those of base/limits.ts when omitted. */
  readonly requestBytes?: number;
  readonly unsentBytes?: number;
  /** The process's when omitted. */
  readonly timers?: Timers;
}

/** The listener on `openum.sock`. */
export class ControlServer {
  readonly #options: ControlServerOptions;
  readonly #server: Server;
  readonly #clients = new Set<Client>();
  /** The snapshot as text, made once a version: a hundred workers may ask at the same moment. */
  #snapshotText: { readonly version: number; readonly text: string } | undefined;

  private constructor(options: ControlServerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => {
      this.#onConnection(socket);
    });
  }

  /**
   * Listens. A socket file that a dead daemon left is removed, one that somebody listens on is not.
   *
   * @throws UmError 'data-in-use' when somebody listens there, 'data-unwritable' when the socket cannot be made
   */
  static async listen(options: ControlServerOptions): Promise<ControlServer> {
    const path = socketPath(options.dataDirectory);
    const control = new ControlServer(options);
    try {
      makeSocketDirectory(path);
      await removeStale(path);
      await listenOn(control.#server, path);
      chmodSync(path, 0o600);
    } catch (error) {
      if (error instanceof UmError) throw error;
      const detail = error instanceof Error ? error.message : String(error);
      throw new UmError('data-unwritable', detail, { cause: error });
    }
    control.#server.on('error', (error) => {
      options.log.error({ event: 'control-socket-failed', fault: error.message }, 'the control socket has a fault');
    });
    return control;
  }

  /** The newest report of every process that is connected. */
  get reports(): readonly ProcessReport[] {
    return [...this.#clients].flatMap((client) => client.report ?? []);
  }

  /** Tells all subscribers what changed in the directory. The snapshot that `snapshot` gives must be the new one already. */
  broadcast(delta: DirectoryDelta): void {
    const text = JSON.stringify({ event: 'directory-delta', delta } satisfies ControlEvent);
    for (const client of this.#clients) if (client.isSubscriber) client.send(text);
  }

  /** Takes no more requests, answers those there are, and lets every client go; waits no longer than `controlCloseMs` for any. */
  async close(): Promise<void> {
    const closed = new Promise<void>((done) =>
      this.#server.close(() => {
        done();
      }),
    );
    await Promise.all([...this.#clients].map((client) => client.finish()));
    await closed;
  }

  #onConnection(socket: Socket): void {
    const client = new Client(socket, this.#options, () => this.#snapshotLine());
    this.#clients.add(client);
    socket.on('close', () => this.#clients.delete(client));
  }

  #snapshotLine(): string {
    const directory = this.#options.snapshot();
    if (this.#snapshotText?.version !== directory.version) {
      const text = JSON.stringify({ event: 'directory-snapshot', directory } satisfies ControlEvent);
      this.#snapshotText = { version: directory.version, text };
    }
    return this.#snapshotText.text;
  }
}

/** One connection to the control socket. */
class Client {
  report: ProcessReport | undefined;
  isSubscriber = false;
  readonly #socket: Socket;
  readonly #options: ControlServerOptions;
  readonly #snapshotLine: () => string;
  readonly #lines: JsonLines;
  readonly #inProgress = new Set<Promise<void>>();

  constructor(socket: Socket, options: ControlServerOptions, snapshotLine: () => string) {
    this.#socket = socket;
    this.#options = options;
    this.#snapshotLine = snapshotLine;
    this.#lines = new JsonLines(options.requestBytes ?? LIMITS.controlRequestBytes);
    socket.on('data', (chunk) => {
      this.#onData(chunk);
    });
    socket.on('error', () => undefined); // 'close' follows, and is all that matters
  }

  send(line: string): void {
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(`${line}\n`);
    if (this.#socket.writableLength <= (this.#options.unsentBytes ?? LIMITS.controlUnsentBytes)) return;
    this.#drop(new UmError('request-invalid', 'the client does not read what it is sent'));
  }

  /** Answers what was asked, and resolves once the connection is gone: a client that does not read it, or a request without end, is cut. */
  finish(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    return new Promise((done) => {
      const patience = (this.#options.timers ?? timers).start(LIMITS.controlCloseMs, () => {
        this.#socket.destroy();
      });
      this.#socket.once('close', () => {
        patience.stop();
        done();
      });
      this.#socket.pause();
      void Promise.all(this.#inProgress).then(() => {
        this.#socket.destroySoon();
      });
    });
  }

  #onData(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#onLine(line);
    } catch (error) {
      this.#drop(asUmError(error));
    }
  }

  #onLine(line: string): void {
    const { id, method, params } = parseControlRequest(line);
    const answer = this.#answer(id, method, params).finally(() => this.#inProgress.delete(answer));
    this.#inProgress.add(answer);
  }

  async #answer(id: number, method: string, params: unknown): Promise<void> {
    try {
      const result = method === HELLO ? { version: VERSION } : await this.#perform(method, params);
      this.send(JSON.stringify({ id, result: result ?? null }));
      if (method === HELLO) this.#welcome(params);
    } catch (error) {
      const { code, detail } = asUmError(error);
      if (code === 'internal-fault') {
        this.#options.log.error({ event: 'control-request-failed', method, fault: stackOf(error) }, 'a request failed');
      }
      this.send(JSON.stringify({ id, error: { code, detail } }));
    }
  }

  #perform(method: string, params: unknown): Promise<unknown> {
    if (!isControlMethod(method)) throw new UmError('request-invalid', `there is no method ${method.slice(0, 64)}`);
    if (method !== 'report') return this.#options.handle(method, controlParams(method, params));
    this.report = controlParams(method, params);
    return Promise.resolve(null);
  }

  #welcome(params: unknown): void {
    const wantsDirectory =
      typeof params === 'object' && params !== null && 'subscribe' in params && params.subscribe === true;
    if (!wantsDirectory || this.isSubscriber) return;
    this.isSubscriber = true;
    this.send(this.#snapshotLine());
  }

  /** Says why, to the client too if it still reads, and closes the connection. */
  #drop(reason: UmError): void {
    const { code, detail } = reason;
    this.#options.log.warn(
      { event: 'control-client-dropped', code, detail },
      'a client of the control socket was dropped',
    );
    this.isSubscriber = false;
    if (this.#socket.writableLength > 0) this.#socket.destroy();
    else this.#socket.end(`${JSON.stringify({ id: null, error: { code, detail } })}\n`);
    this.#socket.removeAllListeners('data').resume();
  }
}

function asUmError(error: unknown): UmError {
  if (error instanceof UmError) return error;
  return new UmError('internal-fault', error instanceof Error ? error.message : String(error), { cause: error });
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function listenOn(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

async function removeStale(path: string): Promise<void> {
  const found = await new Promise<'listening' | 'stale' | 'absent'>((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('listening');
    });
    socket.once('error', (error) => {
      const code = codeOf(error);
      if (code === 'ENOENT') resolve('absent');
      else if (code === 'ECONNREFUSED') resolve('stale');
      else reject(error);
    });
  });
  if (found === 'listening') throw new UmError('data-in-use', `somebody listens on ${path}`);
  if (found === 'stale') unlinkSync(path);
}
