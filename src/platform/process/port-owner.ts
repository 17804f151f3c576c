import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { parseIpAddress } from '../../base/ip-address.js';

/** State of a listening socket in /proc/net/tcp. */
const LISTENING = '0A';

/**
 * Who listens on a TCP port, as far as this user may see: `process 4711 (asterisk)`. Only to name it: undefined when /proc
 * does not tell.
 *
 * @param address - the address in question; undefined: any
 */
export function portOwner(address: string | undefined, port: number): string | undefined {
  const places = address === undefined ? undefined : kernelForms(address);
  const wanted = (local: string): boolean => {
    const [host, portText] = local.split(':');
    if (portText !== port.toString(16).toUpperCase().padStart(4, '0')) return false;
    return places === undefined || /^0+$/.test(host ?? '') || places.includes(host ?? '');
  };
  const sockets = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) => listeningInodes(table, wanted)));
  if (sockets.size === 0) return undefined;
  const pid = entries('/proc').find((name) => /^\d+$/.test(name) && holdsOne(name, sockets));
  if (pid === undefined) return undefined;
  const name = read(`/proc/${pid}/comm`).trim();
  return `process ${pid}${name === '' ? '' : ` (${name})`}`;
}

function listeningInodes(table: string, wanted: (local: string) => boolean): readonly string[] {
  return read(table)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => state === LISTENING && local !== undefined && wanted(local))
    .flatMap((columns) => columns[9] ?? []);
}

/** An address as the kernel's tables have it: words of four bytes in the machine's (little-endian) order; IPv4 also mapped into IPv6. */
function kernelForms(address: string): readonly string[] {
  const parsed = parseIpAddress(address);
  if (parsed === undefined) return [];
  const hex = parsed.value
    .toString(16)
    .toUpperCase()
    .padStart(parsed.family === 4 ? 8 : 32, '0');
  const words = hex.match(/.{8}/g) ?? [];
  const swapped = words.map((word) => (word.match(/../g) ?? []).reverse().join('')).join('');
  return parsed.family === 4 ? [swapped, `0000000000000000FFFF0000${swapped}`] : [swapped];
}

function holdsOne(pid: string, inodes: ReadonlySet<string>): boolean {
  return entries(`/proc/${pid}/fd`).some((descriptor) => {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${descriptor}`))?.[1];
      return inode !== undefined && inodes.has(inode);
    } catch {
      return false; // closed meanwhile
    }
  });
}

function entries(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
