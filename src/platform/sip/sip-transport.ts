import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import type { MonotonicClock, StartedTimer, Timers } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import { hostPortText, type Flow, type HostPort } from '../../protocol/sip/flow.js';
import { openConnection } from './connect.js';
import { Connection } from './connection.js';
import { endOf } from './socket-end.js';
import { Listener } from './listener.js';
import { MessageIntake } from './message-intake.js';
import { openFileLimit } from './open-file-limit.js';
import { RareLine } from './rare-line.js';
import { MessageRefuser } from './refused-message.js';
import type { SipReceiver } from './sip-receiver.js';

export type { SipReceiver } from './sip-receiver.js';

export interface SipTransportOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly receiver: SipReceiver;
  /** LIMITS.sipConnections when omitted; less where the process may not have that many open files. */
  readonly maxConnections?: number;
  /** Named in the ms-diagnostics of what is refused here; the machine's name when omitted. */
  readonly serverName?: string;
}

/** How often the limits in time are looked at. */
const CHECK_EVERY_MS = 5_000;

/** Connections get this part of the open files at most: the rest is for media, recordings and the log. */
const CONNECTIONS_OF_OPEN_FILES = 0.5;

/**
 * SIP over TCP: listeners, and connections opened by either side, which serve both ways (RFC 3261 §18).
 *
 * Owns its sockets; `close` ends them. Nothing that a peer sends or does is thrown out of it.
 */
export class SipTransport {
  readonly #options: SipTransportOptions;
  readonly #intake: MessageIntake;
  readonly #surplus: RareLine;
  readonly #maxConnections: number;
  readonly #listeners: Listener[] = [];
  readonly #connections = new Map<string, Connection>();
  /** By the peer's end (RFC 3261 §18); the latest where there are two. */
  readonly #byPeer = new Map<string, Connection>();
  #listening: { readonly end: HostPort; readonly isOneAddress: boolean } | undefined;
  #check: StartedTimer | undefined;
  /** Set by `close`; kept for those who call it again. */
  #closed: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  constructor(options: SipTransportOptions) {
    this.#options = options;
    const { log, receiver } = options;
    const refuser = new MessageRefuser(log, options.serverName ?? hostname());
    this.#intake = new MessageIntake({ log, receiver, refuser });
    const openFiles = openFileLimit() ?? Number.POSITIVE_INFINITY;
    const affordable = Math.max(1, Math.floor(openFiles * CONNECTIONS_OF_OPEN_FILES));
    this.#maxConnections = Math.min(options.maxConnections ?? LIMITS.sipConnections, affordable);
    this.#surplus = new RareLine(options.clock, (times) => {
      log.warn(
        { event: 'connections-exhausted', limit: this.#maxConnections, times },
        'Closed new SIP connections at once: as many as are allowed are open',
      );
    });
  }

  /** Connections that are open or ending. */
  get flowCount(): number {
    return this.#connections.size;
  }

  /** The port first listened on, which peers can reach us at; undefined before. */
  get listeningPort(): number | undefined {
    return this.#listening?.end.port;
  }

  /**
   * Listens on one more end.
   *
   * @param address - an IP address; undefined: all addresses, IPv4 and IPv6
   * @param port - 0 lets the system choose
   * @returns the end that is listened on
   * @throws UmError 'port-taken' (in use, or not allowed to this user) or 'config-faulty' (no address of this machine)
   */
  async listen(address: string | undefined, port: number): Promise<HostPort> {
    const { log, timers, clock } = this.#options;
    const server: Server = createServer((socket) => {
      this.#onAccepted(socket);
    });
    const listener = new Listener({ server, log, timers, clock });
    const end = await listener.open(address, port);
    this.#listeners.push(listener);
    this.#listening ??= { end, isOneAddress: address !== undefined };
    return end;
  }

  /**
   * Sends a whole message, latin1.
   *
   * @returns false when the flow is gone: nothing was sent
   */
  send(flowId: string, wire: string): boolean {
    return this.#connections.get(flowId)?.send(wire) ?? false;
  }

  /** The flow, while something can be sent on it. */
  flow(flowId: string): Flow | undefined {
    const connection = this.#connections.get(flowId);
    return connection?.isOpen === true ? connection.flow : undefined;
  }

  /** A flow to this end, opened by either side, on which something can be sent. */
  flowTo(peer: HostPort): Flow | undefined {
    const connection = this.#byPeer.get(hostPortText(peer));
    return connection?.isOpen === true ? connection.flow : undefined;
  }

  /**
   * Opens a connection; what the peer sends on it goes to the receiver as if it had opened it.
   *
   * @param localAddress - the address to call from; the one listened on, when it is one, else the system's choice
   * @throws Error in words for a log when it is refused, or not there within LIMITS.sipConnectMs
   */
  async connect(destination: HostPort, localAddress?: string): Promise<Flow> {
    const from = localAddress ?? this.#localAddressTowards(destination);
    const socket = await openConnection(destination, this.#options.timers, from);
    if (this.#closed === undefined) return this.#adopt(socket).flow;
    socket.destroy();
    throw new Error('the server is being stopped');
  }

  /** Keeps a flow from being closed for idleness; as often as it is held it must be released. */
  holdFlow(flowId: string): void {
    this.#connections.get(flowId)?.hold();
  }

  releaseFlow(flowId: string): void {
    this.#connections.get(flowId)?.release();
  }

  /** Accepts no more connections; those that are open stay. */
  stopListening(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) listener.close();
    return Promise.resolve();
  }

  /** Stops listening, and ends every connection as soon as what was sent on it is out. */
  async close(): Promise<void> {
    this.#closed ??= this.#endAll();
    await this.#closed;
  }

  async #endAll(): Promise<void> {
    await this.stopListening();
    if (this.#connections.size === 0) return;
    const empty = new Promise<void>((done) => (this.#onEmpty = done));
    for (const connection of [...this.#connections.values()]) connection.endSoon();
    await empty;
  }

  #onAccepted(socket: Socket): void {
    if (this.#connections.size >= this.#maxConnections) {
      this.#surplus.happened();
      socket.on('error', () => undefined);
      socket.destroy();
      return;
    }
    if (socket.remoteAddress === undefined) {
      // Its peer was gone before it was accepted.
      socket.destroy();
      return;
    }
    this.#adopt(socket);
  }

  #adopt(socket: Socket): Connection {
    const { log, clock } = this.#options;
    const connection = new Connection(socket, {
      log,
      clock,
      owner: {
        onItem: (item, from) => {
          this.#intake.take(item, from);
        },
        onClosed: (closed) => {
          this.#onClosed(closed);
        },
      },
    });
    this.#connections.set(connection.flow.id, connection);
    this.#byPeer.set(hostPortText(connection.flow.peer), connection);
    this.#check ??= this.#startCheck();
    return connection;
  }

  #onClosed(connection: Connection): void {
    const { flow } = connection;
    const peer = hostPortText(flow.peer);
    this.#connections.delete(flow.id);
    if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    if (this.#connections.size === 0) {
      this.#check?.stop();
      this.#check = undefined;
      this.#onEmpty?.();
    }
    this.#intake.flowClosed(flow);
  }

  /** One timer for all connections, which none of their reads has to touch. */
  #startCheck(): StartedTimer {
    return this.#options.timers.start(CHECK_EVERY_MS, () => {
      const nowMs = this.#options.clock.nowMs();
      this.#check = this.#startCheck();
      for (const connection of [...this.#connections.values()]) connection.checkAge(nowMs);
    });
  }

  #localAddressTowards(destination: HostPort): string | undefined {
    if (this.#listening?.isOneAddress !== true) return undefined;
    const { address } = endOf(this.#listening.end.address, 0);
    return address.includes(':') === destination.address.includes(':') ? address : undefined;
  }
}
