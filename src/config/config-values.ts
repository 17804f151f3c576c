import { isHostName } from '../base/host-name.js';
import { isLoopback, isUnspecified, parseIpAddress } from '../base/ip-address.js';

/** What the meaning of a value depends on, beside its text. */
export interface ValueContext {
  /** Name of this machine. */
  readonly hostName: string;
  /** Absolute: where relative paths of environment and flags, and the default data directory, begin. */
  readonly workingDirectory: string;
  /** `path` as an absolute path, seen from the directory `base`. */
  resolvePath(base: string, path: string): string;
  /** What is wrong with a file that holds a password (it is missing, others may read it), one clause; undefined: nothing. */
  passwordFileFault(path: string): string | undefined;
}

/** How the text of one key becomes its value. */
export interface ValueRule<T> {
  /** The allowed values in words, as in `1024 to 65535`. */
  readonly range: string;
  /** The value, or undefined when the text is outside the range. `base` is the directory that relative paths are seen from. */
  read(text: string, base: string, context: ValueContext): T | undefined;
}

/** A whole number from `least` to `most`, both allowed. */
export function wholeNumber(least: number, most: number): ValueRule<number> {
  return {
    range: `${String(least)} to ${String(most)}`,
    read: (text) => {
      if (!/^\d{1,10}$/.test(text)) return undefined;
      const value = Number(text);
      return value >= least && value <= most ? value : undefined;
    },
  };
}

/** One of a few words; their case does not matter. */
export function choice<const T extends string>(...words: readonly T[]): ValueRule<T> {
  return {
    range: words.join(', '),
    read: (text) => words.find((word) => word.toLowerCase() === text.toLowerCase()),
  };
}

/** A path; relative ones are seen from the directory of the file they stand in, else from the working directory. */
export const path: ValueRule<string> = {
  range: 'a path',
  read: (text, base, context) => (text === '' || hasControl(text) ? undefined : context.resolvePath(base, text)),
};

/** Words without control characters. */
export function plainText(range: string, mostCharacters: number): ValueRule<string> {
  return {
    range,
    read: (text) => (text === '' || text.length > mostCharacters || hasControl(text) ? undefined : text),
  };
}

/** An address to listen on; undefined-like forms (`0.0.0.0`, `::`, `*`) mean all addresses and come back as the empty string. */
export const listenAddress: ValueRule<string> = {
  range: 'an IPv4 or IPv6 address of this machine',
  read: (text) => {
    if (text === '*') return '';
    const bare = withoutBrackets(text);
    const address = parseIpAddress(bare);
    if (!address) return undefined;
    return isUnspecified(address) ? '' : bare;
  },
};

/** What a peer can connect to: an address or a name, without a port. */
export const reachableHost: ValueRule<string> = {
  range: 'an IP address or a host name, without a port',
  read: (text) => {
    const bare = withoutBrackets(text);
    const address = parseIpAddress(bare);
    if (address) return isUnspecified(address) ? undefined : bare;
    return isHostName(text) ? text : undefined;
  },
};

/** A host name: RFC 1123 §2.1, with the underscore that some machines have. */
export const hostName: ValueRule<string> = {
  range: 'a host name: letters, digits, hyphens and dots, at most 253 characters',
  read: (text) => (isHostName(text) ? text : undefined),
};

/** A sender: `name@host`, `<name@host>` or `"Words" <name@host>`; its value is the address alone. */
export const sender: ValueRule<string> = {
  range: 'an e-mail address, or "Words" <address>',
  read: (text) => {
    if (hasControl(text) || text.length > 320) return undefined;
    const named = /^(?:"[^"\\]*"|[^"<>@,;:\\]*)\s*<([^<>]+)>$/.exec(text);
    const address = named?.[1] ?? text;
    return isEmailAddress(address) ? address : undefined;
  },
};

/** True when mail or a password to this host stays on this machine. */
export function isLocalHost(host: string): boolean {
  const address = parseIpAddress(withoutBrackets(host));
  return address ? isLoopback(address) : host.toLowerCase() === 'localhost';
}

/** The machine's own name, made fit for mail addresses and SIP URIs. */
export function asHostName(name: string): string {
  const fit = name.replaceAll(/[^A-Za-z0-9._-]/g, '-').replaceAll(/^[-.]+|[-.]+$/g, '');
  return isHostName(fit) ? fit : 'localhost';
}

function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf('@');
  return /^[^\s@<>"(),:;[\\\]]{1,64}$/.test(text.slice(0, Math.max(at, 0))) && isHostName(text.slice(at + 1));
}

function withoutBrackets(text: string): string {
  return /^\[(.*)\]$/.exec(text)?.[1] ?? text;
}

function hasControl(text: string): boolean {
  return /[\u0000-\u001f\u007f]/.test(text);
}
