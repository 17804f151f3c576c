import { formatHost } from './host-port.js';

/** One end of a connection. `address` is an IP address in its text form, never an IPv4-mapped IPv6 one. */
export interface HostPort {
  readonly address: string;
  readonly port: number;
}

export type SipTransport = 'tcp' | 'tls' | 'udp';

/** A connection that carries SIP: a message's way in, and the preferred way back (RFC 3261 §18.2.2). */
export interface Flow {
  readonly id: string;
  readonly transport: SipTransport;
  readonly peer: HostPort;
  readonly local: HostPort;
}

/** `address:port`, IPv6 in brackets. */
export function hostPortText({ address, port }: HostPort): string {
  return `${formatHost(address)}:${String(port)}`;
}
