import type { HostPort } from '../../protocol/sip/flow.js';

/** Told of each datagram; the bytes are only valid during the call. */
export interface DatagramReceiver {
  rtp(bytes: Uint8Array, address: string, port: number): void;
  rtcp(bytes: Uint8Array, address: string, port: number): void;
}

/** Two neighbouring UDP sockets: RTP on the even port, RTCP on the odd one. */
export interface DatagramPair {
  readonly port: number;
  receiver: DatagramReceiver | undefined;
  /** Sends the first `length` bytes; they may be changed once it has returned. Faults are counted, never thrown. */
  sendRtp(bytes: Uint8Array, length: number, to: HostPort): void;
  sendRtcp(bytes: Uint8Array, to: HostPort): void;
  /** Datagrams that the system refused to send or reported as undeliverable. */
  readonly faults: number;
  close(): Promise<void>;
}

/** How media reaches the network. */
export interface MediaIo {
  /** Opens the pair, or says that another program has one of its ports; other faults (EMFILE, no such address) reject. */
  open(address: string, port: number): Promise<DatagramPair | 'taken'>;
}
