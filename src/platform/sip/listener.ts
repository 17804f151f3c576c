import type { AddressInfo, Server } from 'node:net';
import type { MonotonicClock, StartedTimer, Timers } from '../../base/clock.js';
import { UmError } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { hostPortText, type HostPort } from '../../protocol/sip/flow.js';
import { codeOf } from '../os-error.js';
import { endOf } from './socket-end.js';
import { RareLine } from './rare-line.js';

/** How long a listener rests that could not accept for want of file descriptors: trying again at once would only spin. */
const REST_MS = 1_000;

export interface ListenerOptions {
  /** Not listening yet. */
  readonly server: Server;
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
}

type ListenerState = 'new' | 'open' | 'resting' | 'closed';

/** One listening socket. Faults of accepting never end the process, and never keep it busy. */
export class Listener {
  readonly #server: Server;
  readonly #log: Logger;
  readonly #timers: Timers;
  readonly #acceptFault: RareLine;
  #state: ListenerState = 'new';
  #bound: HostPort = { address: '', port: 0 };
  #rest: StartedTimer | undefined;

  constructor(options: ListenerOptions) {
    this.#server = options.server;
    this.#log = options.log;
    this.#timers = options.timers;
    this.#acceptFault = new RareLine(options.clock, (times) => {
      this.#log.error(
        { event: 'accept-failed', local: hostPortText(this.#bound), times },
        'Connections could not be accepted: raise the open-file limit of the process (LimitNOFILE) or of the system',
      );
    });
  }

  /**
   * Starts listening.
   *
   * @param address - undefined: all addresses, IPv6 and IPv4 by one socket where the machine has IPv6
   * @returns the end that is listened on
   * @throws UmError 'port-taken': in use, or not allowed to this user; 'config-faulty': the machine has no such address
   */
  async open(address: string | undefined, port: number): Promise<HostPort> {
    const shown = { address: address ?? 'all addresses', port };
    try {
      this.#bound = await this.#listenOn(address, port);
    } catch (error) {
      throw listenError(error, shown);
    }
    this.#state = 'open';
    this.#server.on('error', (error) => {
      this.#onError(error);
    });
    return this.#bound;
  }

  /** No new connections; those that are open stay. */
  close(): void {
    this.#rest?.stop();
    if (this.#state === 'open') this.#server.close();
    this.#state = 'closed';
  }

  async #listenOn(address: string | undefined, port: number): Promise<HostPort> {
    if (address !== undefined) return listening(this.#server, address, port);
    try {
      return await listening(this.#server, '::', port);
    } catch (error) {
      const code = codeOf(error);
      if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
      return listening(this.#server, '0.0.0.0', port);
    }
  }

  #onError(error: Error): void {
    if (this.#state !== 'open') return;
    const code = codeOf(error);
    if (code !== 'EMFILE' && code !== 'ENFILE') {
      this.#log.warn({ event: 'listener-error', local: hostPortText(this.#bound), code }, error.message);
      return;
    }
    this.#acceptFault.happened();
    this.#state = 'resting';
    this.#server.close();
    this.#reopenLater();
  }

  #reopenLater(): void {
    this.#rest = this.#timers.start(REST_MS, () => {
      void this.#reopen();
    });
  }

  async #reopen(): Promise<void> {
    try {
      await listening(this.#server, this.#bound.address, this.#bound.port);
    } catch {
      this.#acceptFault.happened();
      if (this.#state === 'resting') this.#reopenLater();
      return;
    }
    if (this.#state === 'resting') this.#state = 'open';
    else this.#server.close();
  }
}

function listening(server: Server, host: string, port: number): Promise<HostPort> {
  return new Promise((done, fail) => {
    server.once('error', fail);
    server.listen({ host, port }, () => {
      server.removeListener('error', fail);
      const { address, port: bound } = server.address() as AddressInfo;
      done(endOf(address, bound));
    });
  });
}

function listenError(error: unknown, shown: HostPort): unknown {
  const place = `TCP ${shown.address.startsWith('all') ? `port ${String(shown.port)} on ${shown.address}` : hostPortText(shown)}`;
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new UmError('port-taken', `${place} is used by another program`, { cause: error });
    case 'EACCES':
      return new UmError(
        'port-taken',
        `${place} is not allowed to this user (EACCES): ports below 1024 need a privilege`,
        {
          cause: error,
        },
      );
    case 'EADDRNOTAVAIL':
    case 'EINVAL':
      return new UmError('config-faulty', `${place} cannot be listened on: this machine has no such address`, {
        cause: error,
      });
    default:
      return error;
  }
}
