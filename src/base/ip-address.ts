/** An IP address as a number; an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address it means. */
export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** A block of addresses: the first `length` bits of `value` count, the rest are zero. */
export interface IpBlock extends IpAddress {
  readonly length: number;
}

const MAPPED_PREFIX = 0xffffn;

/** Reads an address as people and sockets write it: no brackets; a zone (`%eth0`) is passed over. Undefined: it is none. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (!text.includes(':')) return parseIpv4(text);
  const zone = text.indexOf('%');
  const value = parseIpv6(zone < 0 ? text : text.slice(0, zone));
  if (value === undefined) return undefined;
  return value >> 32n === MAPPED_PREFIX ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

/** Reads an address, or a block in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3); bits beyond the length are dropped. */
export function parseIpBlock(text: string): IpBlock | undefined {
  const [host = '', suffix, ...more] = text.split('/');
  const address = parseIpAddress(host);
  if (!address || more.length > 0) return undefined;
  const bits = address.family === 4 ? 32 : 128;
  if (suffix === undefined) return { ...address, length: bits };
  if (!/^\d{1,3}$/.test(suffix)) return undefined;
  // A length beside an IPv4-mapped address counts from the start of its 128 bits.
  const length = Number(suffix) - (address.family === 4 && host.includes(':') ? 96 : 0);
  if (length < 0 || length > bits) return undefined;
  return { family: address.family, length, value: maskedTo(address, length) };
}

/** The first `length` bits of an address, the others zero. */
export function maskedTo(address: IpAddress, length: number): bigint {
  const rest = BigInt((address.family === 4 ? 32 : 128) - length);
  return (address.value >> rest) << rest;
}

/** True for 0.0.0.0 and `::`: no address that a peer could send to. */
export function isUnspecified(address: IpAddress): boolean {
  return address.value === 0n;
}

/** True for 127.0.0.0/8 and ::1: only this machine reaches it. */
export function isLoopback(address: IpAddress): boolean {
  return address.family === 4 ? address.value >> 24n === 127n : address.value === 1n;
}

function parseIpv4(text: string): IpAddress | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split('.');
  // A leading zero means octal to some programs: refused, so that nobody trusts another machine than he reads.
  if (parts.some((part) => Number(part) > 255 || (part.length > 1 && part.startsWith('0')))) return undefined;
  return { family: 4, value: parts.reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (!head || !tail) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** 16-bit groups of one side of `::`; the last may be a dotted IPv4 address where the text ends with it. */
function groupsOf(text: string, mayEndDotted: boolean): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    const dotted = mayEndDotted && index === parts.length - 1 && part.includes('.') ? parseIpv4(part) : undefined;
    if (dotted) groups.push(Number(dotted.value >> 16n), Number(dotted.value & 0xffffn));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups.length > 8 ? undefined : groups;
}
