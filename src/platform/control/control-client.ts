import { connect, type Socket } from 'node:net';
import type { StartedTimer, Timers } from '../../base/clock.js';
import { type ErrorCode, ERRORS, UmError } from '../../base/errors.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import type { DirectoryDelta } from '../../directory/objects.js';
import {
  CONTROL_VERSION,
  type ControlMethod,
  type ControlMethods,
  type DirectorySnapshot,
  type ProcessReport,
} from '../../mailbox/control-protocol.js';
import { HELLO } from '../../mailbox/control-request.js';
import { monotonicClock, timers } from '../clock.js';
import { codeOf } from '../os-error.js';
import { pause } from '../pause.js';
import { runningDaemon } from '../process/running-daemon.js';
import { JsonLines } from './json-lines.js';
import { isOwnSocketDirectory, socketPath } from './socket-path.js';

export { socketPath } from './socket-path.js';

const FIRST_WAIT_MS = 50;
const LONGEST_WAIT_MS = 1_000;

/** How long a command waits for the mailbox service of a daemon that runs. */
const RESTART_PATIENCE_MS = 5_000;

/** What writes as much as it is given: it has no limit of time. */
const MAY_TAKE_LONG: readonly ControlMethod[] = ['import-directory'];

export interface ControlClientOptions {
  readonly dataDirectory: string;
  readonly log: Logger;
  readonly timers: Timers;
  /** The whole directory: after each connection. With this or `onDelta` the client subscribes. */
  onSnapshot?(directory: DirectorySnapshot): void;
  /** One change after the other, each on top of the last. */
  onDelta?(delta: DirectoryDelta): void;
  /** What the process tells about itself, at each connection and each `publish`. */
  report?(): ProcessReport;
}

/**
 * A process's connection to the mailbox service, made again for ever.
 *
 * ```text
 *   stopped --start--> connecting --> connected
 *      ^                 ^    |           |
 *      |                 |    v           v
 *    close              waiting (50 ms, 100 ms, ... 1 s)
 * ```
 */
export class ControlClient {
  readonly #options: ControlClientOptions;
  #connection: Connection | undefined;
  #timer: StartedTimer | undefined;
  #waitMs = FIRST_WAIT_MS;
  #isClosed = false;

  constructor(options: ControlClientOptions) {
    this.#options = options;
  }

  /** Connects, and from then on keeps connected. */
  start(): void {
    if (this.#isClosed) return;
    this.#connection = Connection.open(this.#options.dataDirectory, {
      onConnected: (connection) => {
        this.#onConnected(connection);
      },
      onEvent: (event) => {
        this.#onEvent(event);
      },
      onClosed: () => {
        this.#onClosed();
      },
    });
  }

  /**
   * Asks the mailbox service.
   *
   * @throws UmError the service's, or 'store-unavailable' while it cannot be reached
   */
  async request<M extends ControlMethod>(
    method: M,
    params: ControlMethods[M]['params'],
  ): Promise<ControlMethods[M]['result']> {
    if (!this.#connection) throw new UmError('store-unavailable', 'the mailbox service is not connected');
    // Both ends are of one version: the service answers a method with what that method results in.
    return await this.#connection.request(method, params);
  }

  /** Sends the report anew: something in it has changed. */
  publish(): void {
    const report = this.#options.report?.();
    if (!report || this.#connection?.isConnected !== true) return;
    this.#tell('report', report);
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.stop();
    this.#connection?.close();
  }

  #onConnected(connection: Connection): void {
    this.#waitMs = FIRST_WAIT_MS;
    this.#options.log.debug({ event: 'control-connected' }, 'connected to the mailbox service');
    const subscribe = this.#options.onSnapshot !== undefined || this.#options.onDelta !== undefined;
    connection.request(HELLO, { subscribe }).catch((error: unknown) => {
      this.#logFault(HELLO, error);
    });
    this.publish();
  }

  #tell<M extends ControlMethod>(method: M, params: ControlMethods[M]['params']): void {
    this.request(method, params).catch((error: unknown) => {
      this.#logFault(method, error);
    });
  }

  #logFault(method: string, error: unknown): void {
    // The connection went: everything is said again at the next one.
    if (error instanceof UmError && error.code === 'store-unavailable') return;
    const fault = error instanceof Error ? error.message : String(error);
    this.#options.log.error(
      { event: 'control-refused', method, fault },
      'the mailbox service refused what it was told',
    );
  }

  #onEvent(event: Readonly<Record<string, unknown>>): void {
    // Written by our own mailbox service, of the same version.
    if (event['event'] === 'directory-snapshot') this.#options.onSnapshot?.(event['directory'] as DirectorySnapshot);
    if (event['event'] === 'directory-delta') this.#options.onDelta?.(event['delta'] as DirectoryDelta);
  }

  #onClosed(): void {
    this.#connection = undefined;
    if (this.#isClosed) return;
    this.#timer = this.#options.timers.start(this.#waitMs, () => {
      this.start();
    });
    this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
  }
}

/**
 * Asks the daemon of a data directory one thing. While a daemon runs whose mailbox service does not listen (it is starting, or is
 * being started again) this waits for it.
 *
 * @param patience - measures how long the answer may take; the process's timers when omitted
 * @throws UmError the daemon's, 'daemon-absent' when none runs, or its service does not come back within some seconds, or
 * 'data-unwritable' when the directory is another user's, 'store-unavailable' when the answer is lost or takes longer than
 * `controlAnswerMs`
 */
export async function askDaemon<M extends ControlMethod>(
  dataDirectory: string,
  method: M,
  params: ControlMethods[M]['params'],
  patience: Timers = timers,
): Promise<ControlMethods[M]['result']> {
  const connection = await connectPatiently(dataDirectory);
  const limit = MAY_TAKE_LONG.includes(method)
    ? undefined
    : patience.start(LIMITS.controlAnswerMs, () => {
        const seconds = String(LIMITS.controlAnswerMs / 1_000);
        connection.close(new UmError('store-unavailable', `the mailbox service has not answered for ${seconds} s`));
      });
  try {
    return await connection.request(method, params);
  } finally {
    limit?.stop();
    connection.close();
  }
}

async function connectPatiently(dataDirectory: string): Promise<Connection> {
  const startedMs = monotonicClock.nowMs();
  for (;;) {
    try {
      return await connectOnce(dataDirectory);
    } catch (error) {
      const isAbsent = error instanceof UmError && error.code === 'daemon-absent';
      const isLate = monotonicClock.nowMs() - startedMs > RESTART_PATIENCE_MS;
      if (!isAbsent || isLate || runningDaemon(dataDirectory) === undefined) throw error;
    }
    await pause(timers, FIRST_WAIT_MS);
  }
}

function connectOnce(dataDirectory: string): Promise<Connection> {
  return new Promise((resolve, reject) => {
    Connection.open(dataDirectory, {
      onConnected: resolve,
      onEvent: () => undefined,
      onClosed: (fault) => {
        reject(absentOr(fault, dataDirectory));
      },
    });
  });
}

function absentOr(fault: Error | undefined, dataDirectory: string): UmError {
  if (fault instanceof UmError) return fault;
  const code = codeOf(fault);
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === undefined)
    return new UmError('daemon-absent', dataDirectory);
  if (code === 'EACCES' || code === 'EPERM')
    return new UmError('data-unwritable', `${dataDirectory} is another user's: run this as that user`, {
      cause: fault,
    });
  return new UmError('store-unavailable', fault?.message ?? 'the connection was closed', { cause: fault });
}

interface ConnectionListener {
  onConnected(connection: Connection): void;
  onEvent(event: Readonly<Record<string, unknown>>): void;
  /** Once, whether it ever was connected or not. */
  onClosed(fault: Error | undefined): void;
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: UmError): void;
}

/** One connection: requests, their answers by id, and events. */
class Connection {
  readonly #socket: Socket;
  readonly #listener: ConnectionListener;
  readonly #lines = new JsonLines(LIMITS.controlUnsentBytes);
  readonly #pending = new Map<number, Pending>();
  #requests = 0;
  #fault: Error | undefined;
  isConnected = false;

  private constructor(socket: Socket, listener: ConnectionListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('connect', () => {
      this.isConnected = true;
      listener.onConnected(this);
    });
    socket.on('data', (chunk) => {
      this.#onData(chunk);
    });
    socket.on('error', (error) => (this.#fault = error));
    socket.on('close', () => {
      this.#onClose();
    });
  }

  static open(dataDirectory: string, listener: ConnectionListener): Connection {
    const path = socketPath(dataDirectory);
    const connection = new Connection(connect(path), listener);
    try {
      isOwnSocketDirectory(path);
    } catch (error) {
      connection.#socket.destroy(error instanceof Error ? error : undefined);
    }
    return connection;
  }

  request(method: string, params: unknown): Promise<unknown> {
    if (!this.isConnected)
      return Promise.reject(new UmError('store-unavailable', 'the mailbox service is not connected'));
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(`${JSON.stringify({ v: CONTROL_VERSION, id, method, params })}\n`);
    });
  }

  /** @param why - what requests without an answer are rejected with; a lost connection when omitted */
  close(why?: UmError): void {
    this.#socket.destroy(why);
  }

  #onData(chunk: Buffer): void {
    try {
      for (const line of this.#lines.push(chunk)) this.#onLine(JSON.parse(line));
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
    }
  }

  #onLine(message: unknown): void {
    const members = membersOf(message);
    if (members.has('event')) this.#listener.onEvent(Object.fromEntries(members));
    else this.#onAnswer(members);
  }

  /** @throws UmError when it is said of the connection, not of one request */
  #onAnswer(answer: ReadonlyMap<string, unknown>): void {
    const id = answer.get('id');
    const fault = answer.has('error') ? asUmError(answer.get('error')) : undefined;
    if (fault && id === null) throw fault;
    const pending = this.#pending.get(Number(id));
    this.#pending.delete(Number(id));
    if (fault) pending?.reject(fault);
    else pending?.resolve(answer.get('result'));
  }

  #onClose(): void {
    this.isConnected = false;
    const lost =
      this.#fault instanceof UmError
        ? this.#fault
        : new UmError('store-unavailable', 'the connection to the mailbox service was lost');
    for (const pending of this.#pending.values()) pending.reject(lost);
    this.#pending.clear();
    this.#listener.onClosed(this.#fault);
  }
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>(typeof value === 'object' && value !== null ? Object.entries(value) : []);
}

function asUmError(error: unknown): UmError {
  const members = membersOf(error);
  const code = members.get('code');
  const detail = members.get('detail');
  return new UmError(isErrorCode(code) ? code : 'internal-fault', typeof detail === 'string' ? detail : String(code));
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code);
}
