import type { Random } from '../../../../src/base/random.js';
import type { DatagramPair, DatagramReceiver, MediaIo } from '../../../../src/platform/media/media-io.js';
import { RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from '../../../../src/protocol/rtp/rtp-packet.js';
import type { HostPort } from '../../../../src/protocol/sip/flow.js';

/** Random numbers that are always the same. */
export const steadyRandom: Random = { integer: (below) => Math.floor(below / 3), hex: (bytes) => 'ab'.repeat(bytes) };

/** One packet that was sent, and where to. */
export interface SentPacket {
  readonly to: HostPort;
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly payload: readonly number[];
}

/** Two sockets that keep what is sent. */
export class ScriptedPair implements DatagramPair {
  readonly port: number;
  readonly faults = 0;
  receiver: DatagramReceiver | undefined;
  readonly sent: SentPacket[] = [];
  readonly reports: { readonly bytes: Uint8Array; readonly to: HostPort }[] = [];
  isClosed = false;

  constructor(port = 30_000) {
    this.port = port;
  }

  sendRtp(bytes: Uint8Array, length: number, to: HostPort): void {
    const packet = new RtpPacket();
    if (!packet.read(bytes, length)) throw new Error('that is no RTP');
    const { marker, payloadType, sequence, timestamp, ssrc, payloadStart, payloadEnd } = packet;
    const payload = [...bytes.subarray(payloadStart, payloadEnd)];
    this.sent.push({ to, marker, payloadType, sequence, timestamp, ssrc, payload });
  }

  sendRtcp(bytes: Uint8Array, to: HostPort): void {
    this.reports.push({ bytes, to });
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

/** Sockets that open unless the script says otherwise. */
export class ScriptedIo implements MediaIo {
  /** Ports of other programs. */
  readonly others = new Set<number>();
  /** What the system says instead of opening. */
  fault: Error | undefined;
  readonly opened: number[] = [];

  open(_address: string, port: number): Promise<DatagramPair | 'taken'> {
    if (this.fault) return Promise.reject(this.fault);
    if (this.others.has(port)) return Promise.resolve('taken');
    this.opened.push(port);
    return Promise.resolve(new ScriptedPair(port));
  }
}

/** A datagram of a peer. */
export function datagram(
  header: { payloadType?: number; sequence?: number; timestamp?: number; ssrc?: number },
  payload: Uint8Array = new Uint8Array(160).fill(0x20),
): Uint8Array {
  const bytes = new Uint8Array(RTP_HEADER_BYTES + payload.length);
  writeRtpHeader(bytes, { marker: false, payloadType: 0, sequence: 0, timestamp: 0, ssrc: 77, ...header });
  bytes.set(payload, RTP_HEADER_BYTES);
  return bytes;
}
