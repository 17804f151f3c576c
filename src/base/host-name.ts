const LABEL = '[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?';
const NAME = new RegExp(`^${LABEL}(?:\\.${LABEL})*\\.?$`);

/** True for a host name: RFC 1123 §2.1, with the underscore that some machines have; a dot at the end is allowed. */
export function isHostName(text: string): boolean {
  // Only digits and dots would be a mistyped address.
  return text.length <= 253 && NAME.test(text) && !/^[\d.]+$/.test(text);
}

/**
 * True for a host name that a resolver looks up. One whose last label is a number (`10.1`, `0x7f000001`) it reads as an IPv4
 * address in a form that people do not recognise.
 *
 * @see getaddrinfo(3), inet_aton(3)
 */
export function isLookupName(text: string): boolean {
  return isHostName(text) && !/(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(text);
}
