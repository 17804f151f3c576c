import { type IpAddress, isUnspecified, parseIpAddress } from '../../base/ip-address.js';
import type { HostPort } from '../../protocol/sip/flow.js';

/** Silence of the SDP's address after which another source may be heard. */
const LATCH_AFTER_MS = 500;

/**
 * Decides whose packets are heard: those from the address in the SDP at once; another source only when nothing came from there for
 * 500 ms and its packets are of the kind agreed on (a gateway behind NAT). A packet from the SDP's address ends that latch.
 *
 * ```text
 *              other source, SDP's address silent for 500 ms, payload type fits
 *   [SDP only] ------------------------------------------------------------------> [latched]
 *        ^------------------------- packet from the SDP's address --------------------'
 * ```
 */
export class SourceGate {
  #announced: HostPort = { address: '', port: 0 };
  #announcedIp: IpAddress | undefined;
  /** The announced address as the socket writes it: SDP may write the same one differently. */
  #announcedText = '';
  #destination: HostPort | undefined;
  #strict = false;
  #lastAnnouncedMs = 0;
  #latched: HostPort | undefined;
  #lastLatchedMs = 0;

  /** A new description: its address is the one that counts, from now on. */
  announce(remote: HostPort, strict: boolean, nowMs: number): void {
    this.#strict = strict;
    if (strict) this.#latched = undefined;
    if (remote.address === this.#announced.address && remote.port === this.#announced.port) return;
    this.#announced = remote;
    this.#announcedIp = parseIpAddress(remote.address);
    this.#announcedText = remote.address;
    this.#destination = sendable(remote);
    this.#latched = undefined;
    this.#lastAnnouncedMs = nowMs;
  }

  /** Where our packets go; undefined when the description named no place, and no source was latched. */
  get destination(): HostPort | undefined {
    return this.#latched ?? this.#destination;
  }

  /** The source that is heard in place of the announced one, if there is one. */
  get latched(): HostPort | undefined {
    return this.#latched;
  }

  /** True when a packet from there is to be heard. `fits`: its payload type is one of those agreed on. */
  admits(address: string, port: number, fits: boolean, nowMs: number): boolean {
    const latched = this.#latched;
    // First, because it is never the announced one, and comparing addresses in their many spellings costs.
    if (latched?.port === port && latched.address === address) {
      this.#lastLatchedMs = nowMs;
      return true;
    }
    if (this.#isAnnounced(address, port)) {
      this.#lastAnnouncedMs = nowMs;
      this.#latched = undefined;
      return true;
    }
    if (this.#strict) return false;
    if (!fits || nowMs - this.#lastAnnouncedMs < LATCH_AFTER_MS) return false;
    if (latched !== undefined && nowMs - this.#lastLatchedMs < LATCH_AFTER_MS) return false;
    this.#latched = { address, port };
    this.#lastLatchedMs = nowMs;
    return true;
  }

  #isAnnounced(address: string, port: number): boolean {
    if (port !== this.#announced.port) return false;
    if (address === this.#announcedText) return true;
    const [ip, announced] = [parseIpAddress(address), this.#announcedIp];
    if (!ip || ip.value !== announced?.value || ip.family !== announced.family) return false;
    this.#announcedText = address;
    return true;
  }
}

/** A place that packets can be sent to, IPv4-mapped addresses as the IPv4 they mean; undefined for 0.0.0.0, `::`, port 0 and names. */
export function sendable({ address, port }: HostPort): HostPort | undefined {
  const ip = parseIpAddress(address);
  if (!ip || isUnspecified(ip) || !Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  if (ip.family === 6 || !address.includes(':')) return { address, port };
  const octets = [24n, 16n, 8n, 0n].map((shift) => (ip.value >> shift) & 0xffn);
  return { address: octets.join('.'), port };
}
