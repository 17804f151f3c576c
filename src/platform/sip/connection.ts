import type { Socket } from 'node:net';
import type { MonotonicClock } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import { hostPortText, type Flow } from '../../protocol/sip/flow.js';
import { type FramedItem, StreamFramer } from '../../protocol/sip/stream-framer.js';
import { endOf } from './socket-end.js';

export interface ConnectionOwner {
  /** One thing that the peer sent. Must not throw. */
  onItem(item: FramedItem, connection: Connection): void;
  /** It is gone; the last call. */
  onClosed(connection: Connection): void;
}

export interface ConnectionOptions {
  readonly log: Logger;
  readonly clock: MonotonicClock;
  readonly owner: ConnectionOwner;
}

/** How often a silent connection is probed, so that one whose peer vanished is noticed by the kernel. */
const KEEP_ALIVE_PROBE_MS = 30_000;

/** `ending`: our last words are written and what the peer still sends is thrown away. */
type ConnectionState = 'open' | 'ending' | 'closed';

let opened = 0;

/**
 * One TCP connection that carries SIP, opened by either side.
 *
 * ```text
 *   +------+  end(), the peer ends   +--------+  last byte out and in, or sipLingerMs  +--------+
 *   | open |------------------------>| ending |--------------------------------------->| closed |
 *   +------+                         +--------+                                        +--------+
 *      |  destroy(), error, a limit of base/limits.ts                                      ^
 *      +-----------------------------------------------------------------------------------+
 * ```
 *
 * What is sent while a read is handled goes out as one write at its end.
 */
export class Connection {
  readonly flow: Flow;
  readonly #socket: Socket;
  readonly #log: Logger;
  readonly #clock: MonotonicClock;
  readonly #owner: ConnectionOwner;
  readonly #framer = new StreamFramer();
  #state: ConnectionState = 'open';
  /** What waits for the end of the read at hand; undefined outside of one. */
  #joined: string | undefined;
  #holds = 0;
  #activeAtMs: number;
  #unfinishedSinceMs: number | undefined;
  #endingSinceMs = 0;

  /** `socket` is connected. */
  constructor(socket: Socket, options: ConnectionOptions) {
    opened += 1;
    this.flow = Object.freeze({
      id: `tcp-${String(opened)}`,
      transport: 'tcp',
      peer: Object.freeze(endOf(socket.remoteAddress, socket.remotePort)),
      local: Object.freeze(endOf(socket.localAddress, socket.localPort)),
    });
    this.#socket = socket;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#owner = options.owner;
    this.#activeAtMs = options.clock.nowMs();
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS);
    socket.on('data', (bytes: Buffer) => {
      this.#onRead(bytes);
    });
    socket.on('end', () => {
      this.#beginEnding();
    });
    socket.on('error', (error) => {
      this.#log.debug({ event: 'connection-error', ...this.#facts(), reason: error.message }, 'A connection broke');
    });
    socket.on('close', () => {
      this.#state = 'closed';
      this.#owner.onClosed(this);
    });
  }

  /** False: nothing can be sent any more. */
  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** @returns false when it was not sent, because the connection is ending or gone */
  send(wire: string): boolean {
    if (this.#state !== 'open') return false;
    if (this.#joined === undefined) this.#write(wire);
    else this.#joined += wire;
    return true;
  }

  /** A held connection is never closed for idleness; holds are counted. */
  hold(): void {
    this.#holds += 1;
  }

  release(): void {
    if (this.#holds > 0) this.#holds -= 1;
    this.#activeAtMs = this.#clock.nowMs();
  }

  /** Ends it from our side, after what is written has been sent. */
  end(): void {
    if (this.#state !== 'open') return;
    this.#flushJoined();
    this.#beginEnding();
    this.#socket.end();
  }

  /** Ends it as soon as what is written has been handed to the kernel, whatever the peer does. */
  endSoon(): void {
    this.end();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Looks at the limits in time; called every few seconds. */
  checkAge(nowMs: number): void {
    if (this.#state === 'ending') {
      if (nowMs - this.#endingSinceMs >= LIMITS.sipLingerMs) this.destroy();
    } else if (
      this.#unfinishedSinceMs !== undefined &&
      nowMs - this.#unfinishedSinceMs >= LIMITS.sipUnfinishedMessageMs
    ) {
      const limitMs = LIMITS.sipUnfinishedMessageMs;
      this.#log.warn(
        { event: 'message-unfinished', ...this.#facts(), limitMs },
        'Closed a connection whose peer began a SIP message and did not finish it',
      );
      this.destroy();
    } else if (this.#holds === 0 && nowMs - this.#activeAtMs >= LIMITS.sipIdleConnectionMs) {
      this.#log.info({ event: 'connection-idle', ...this.#facts() }, 'Closed a connection that nobody used');
      this.end();
    }
  }

  #onRead(bytes: Buffer): void {
    if (this.#state !== 'open') return;
    this.#activeAtMs = this.#clock.nowMs();
    this.#joined = '';
    const items = this.#framer.push(bytes.toString('latin1'));
    for (const item of items) this.#owner.onItem(item, this);
    this.#noteUnfinished(items.length > 0);
    this.#flushJoined();
  }

  /** A message that ended in this read makes the next one young, however little of it is there. */
  #noteUnfinished(hasFinished: boolean): void {
    if (!this.#framer.hasUnfinished) this.#unfinishedSinceMs = undefined;
    else if (hasFinished || this.#unfinishedSinceMs === undefined) this.#unfinishedSinceMs = this.#activeAtMs;
  }

  #flushJoined(): void {
    const joined = this.#joined;
    this.#joined = undefined;
    if (joined !== undefined && joined !== '') this.#write(joined);
  }

  #write(wire: string): void {
    if (!this.#socket.writable) return;
    this.#activeAtMs = this.#clock.nowMs();
    this.#socket.write(wire, 'latin1');
    if (this.#socket.writableLength <= LIMITS.sipUnsentBytes) return;
    this.#log.warn(
      { event: 'peer-not-reading', ...this.#facts(), unsentBytes: this.#socket.writableLength },
      'Closed a connection whose peer does not read what it is sent',
    );
    this.#state = 'ending';
    this.destroy();
  }

  #beginEnding(): void {
    if (this.#state !== 'open') return;
    this.#flushJoined();
    this.#state = 'ending';
    this.#endingSinceMs = this.#clock.nowMs();
  }

  #facts(): { readonly peer: string; readonly flow: string } {
    return { peer: hostPortText(this.flow.peer), flow: this.flow.id };
  }
}
