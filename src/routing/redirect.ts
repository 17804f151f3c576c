import { assert } from '../base/assert.js';
import { isUnspecified, parseIpAddress } from '../base/ip-address.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { formatUri, type SipUri, type TelUri } from '../protocol/sip/uri.js';

/** Where a caller is sent. */
export interface RedirectTarget {
  readonly port: number;
  /** The AdvertisedAddress, or over TLS the server's name; the address that the caller reached when absent. */
  readonly host?: string;
}

/** Parameters of the Request-URI that the next hop needs: the number's kind, and RFC 4458's whom and why. */
const KEPT_PARAMETERS = ['user', 'target', 'cause'] as const;

/** What most Contacts have, made once. */
const TRANSPORT_ALONE = { tcp: new Map([['transport', 'tcp']]), tls: new Map([['transport', 'tls']]) } as const;
const NONE: ReadonlyMap<string, string> = new Map();

/**
 * The Contact of a 302: the user part as it came, the target's host and port, and what Exchange keeps of the Request-URI.
 * A `sips:` request gets a `sips:` Contact: a redirect never lowers security.
 */
export function redirectContact(request: SipRequest, flow: Flow, target: RedirectTarget): string {
  const { uri } = request;
  const { user, rawUser, parameters } = userPart(uri);
  const contact: SipUri = {
    scheme: uri.scheme === 'sips' ? 'sips' : 'sip',
    user,
    rawUser,
    password: undefined,
    host: advertisedHost(flow, target.host),
    port: target.port,
    parameters: contactParameters(parameters, flow.transport === 'tls' ? 'tls' : 'tcp'),
    headers: NONE,
  };
  return `<${formatUri(contact)}>`;
}

function contactParameters(given: ReadonlyMap<string, string>, transport: 'tcp' | 'tls'): ReadonlyMap<string, string> {
  if (given.size === 0) return TRANSPORT_ALONE[transport];
  const parameters = new Map<string, string>();
  for (const name of KEPT_PARAMETERS) {
    const value = given.get(name);
    // Of `user` only `phone` has a meaning (RFC 3261 §19.1.1).
    if (value !== undefined && (name !== 'user' || value.toLowerCase() === 'phone')) parameters.set(name, value);
  }
  return parameters.set('transport', transport);
}

/**
 * The host that a peer is told to come back to: the advertised one, else the address on which it reached us. Never an
 * address that means "any" or only this program's way of writing one (`::ffff:192.0.2.1`, `fe80::1%eth0`). IPv6 addresses
 * have no brackets here.
 */
export function advertisedHost(flow: Flow, advertisedAddress: string | undefined): string {
  const host = advertisedAddress ?? flow.local.address;
  assert(host !== '0.0.0.0', 'a connection has a local address');
  // A name, or an IPv4 address, of which there is one way of writing.
  if (!host.includes(':')) return host;
  const address = parseIpAddress(host);
  if (!address) return host;
  assert(!isUnspecified(address), 'a connection has a local address');
  if (address.family === 6) return host.split('%', 1)[0] ?? host;
  return [24n, 16n, 8n, 0n].map((shift) => String((address.value >> shift) & 0xffn)).join('.');
}

/** User part and parameters of a sip: URI; a tel: URI becomes one with its number as user (RFC 3261 §19.1.6). */
function userPart(uri: SipUri | TelUri): Pick<SipUri, 'user' | 'rawUser' | 'parameters'> {
  if (uri.scheme !== 'tel') return uri;
  return { user: uri.number, rawUser: undefined, parameters: new Map([...uri.parameters, ['user', 'phone']]) };
}
