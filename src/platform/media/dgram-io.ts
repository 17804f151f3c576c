import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { HostPort } from '../../protocol/sip/flow.js';
import { hasCode } from '../os-error.js';
import type { DatagramPair, DatagramReceiver, MediaIo } from './media-io.js';

const RECEIVE_BUFFER_BYTES = 262_144;

/** Addresses are numbers already: Node's resolver would cost more than the packet. */
function noLookup(
  host: string,
  _options: unknown,
  done: (fault: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void {
  done(null, host, isIPv6(host) ? 6 : 4);
}

/** Media over node:dgram. */
export const dgramIo: MediaIo = {
  async open(address, port) {
    const rtp = await bind(address, port);
    if (rtp === 'taken') return 'taken';
    try {
      const rtcp = await bind(address, port + 1);
      if (rtcp !== 'taken') return new DgramPair(port, rtp, rtcp);
    } catch (error) {
      rtp.close();
      throw error;
    }
    rtp.close();
    return 'taken';
  },
};

async function bind(address: string, port: number): Promise<Socket | 'taken'> {
  const socket = createSocket({
    type: isIPv6(address) ? 'udp6' : 'udp4',
    lookup: noLookup,
    recvBufferSize: RECEIVE_BUFFER_BYTES,
  });
  // Without a listener an error between here and the pair's making would end the thread.
  socket.on('error', () => undefined);
  const bound = once(socket, 'listening');
  socket.bind({ port, address, exclusive: true });
  try {
    await bound;
    return socket;
  } catch (error) {
    socket.close();
    if (hasCode(error, 'EADDRINUSE')) return 'taken';
    throw error;
  }
}

class DgramPair implements DatagramPair {
  readonly port: number;
  receiver: DatagramReceiver | undefined;
  faults = 0;
  readonly #rtp: Socket;
  readonly #rtcp: Socket;

  constructor(port: number, rtp: Socket, rtcp: Socket) {
    this.port = port;
    this.#rtp = rtp;
    this.#rtcp = rtcp;
    rtp.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.receiver?.rtp(bytes, from.address, from.port);
    });
    rtcp.on('message', (bytes: Buffer, from: RemoteInfo) => {
      this.receiver?.rtcp(bytes, from.address, from.port);
    });
    // ICMP errors of a peer (ECONNREFUSED) and full buffers (ENOBUFS) come here: a call outlives them.
    rtp.on('error', () => (this.faults += 1));
    rtcp.on('error', () => (this.faults += 1));
  }

  readonly #onSent = (fault: Error | null): void => {
    if (fault) this.faults += 1;
  };

  sendRtp(bytes: Uint8Array, length: number, to: HostPort): void {
    try {
      this.#rtp.send(bytes, 0, length, to.port, to.address, this.#onSent);
    } catch {
      this.faults += 1;
    }
  }

  sendRtcp(bytes: Uint8Array, to: HostPort): void {
    try {
      this.#rtcp.send(bytes, to.port, to.address, this.#onSent);
    } catch {
      this.faults += 1;
    }
  }

  async close(): Promise<void> {
    this.receiver = undefined;
    await Promise.all([this.#rtp, this.#rtcp].map((socket) => new Promise<void>((done) => socket.close(done))));
  }
}
