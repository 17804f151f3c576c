import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** One stream: where its packets go. */
export interface RtpStream {
  readonly address: string;
  readonly port: number;
}

/** Sends 50 packets a second on each of many sockets, from one timer on an absolute schedule, and counts what comes back. */
export class RtpLoad {
  received = 0;
  sent = 0;
  readonly sockets: readonly Socket[];
  #streams: readonly RtpStream[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(sockets: readonly Socket[]) {
    this.sockets = sockets;
    for (const socket of sockets) {
      socket.on('error', () => undefined);
      socket.on('message', () => {
        this.received += 1;
      });
    }
  }

  /** Sockets on every other port from `firstPort`. */
  static async open(address: string, firstPort: number, calls: number): Promise<RtpLoad> {
    const sockets = await Promise.all(
      Array.from({ length: calls }, async (_, index) => {
        const socket = createSocket('udp4');
        socket.bind(firstPort + 2 * index, address);
        await once(socket, 'listening');
        return socket;
      }),
    );
    return new RtpLoad(sockets);
  }

  /** Begins to speak: packet k of a stream carries a byte pattern of its own, loud enough to be no silence. */
  start(streams: readonly RtpStream[]): void {
    this.#streams = streams;
    const begunMs = performance.now();
    let tick = 0;
    const send = (): void => {
      while (begunMs + tick * 20 <= performance.now()) {
        this.#sendAll(tick);
        tick += 1;
      }
      this.#timer = setTimeout(send, Math.max(0, begunMs + tick * 20 - performance.now()));
    };
    send();
  }

  close(): void {
    clearTimeout(this.#timer);
    for (const socket of this.sockets) socket.close();
  }

  #sendAll(tick: number): void {
    const packet = Buffer.alloc(172, 0x10 + (tick % 32));
    packet[0] = 0x80;
    packet[1] = 0;
    packet.writeUInt16BE(tick & 0xffff, 2);
    packet.writeUInt32BE((tick * 160) >>> 0, 4);
    packet.writeUInt32BE(0x0a0b0c0d, 8);
    this.sent += this.#streams.length;
    for (const [index, { address, port }] of this.#streams.entries()) this.sockets[index]?.send(packet, port, address);
  }
}
