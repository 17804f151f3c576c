import type { HostPort } from '../../protocol/sip/flow.js';

const MAPPED_PREFIX = '::ffff:';

/** One end of a socket; an IPv4 address that a dual-stack socket shows as IPv6 is turned back (RFC 4291 §2.5.5.2). */
export function endOf(address: string | undefined, port: number | undefined): HostPort {
  const text = address ?? '';
  const isMapped = text.toLowerCase().startsWith(MAPPED_PREFIX) && text.includes('.');
  return { address: isMapped ? text.slice(MAPPED_PREFIX.length) : text, port: port ?? 0 };
}
