import { LIMITS } from '../base/limits.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { type NameAddress, parseNameAddress } from '../protocol/sip/name-address.js';
import { SipSyntaxError } from '../protocol/sip/syntax-error.js';
import { cleanText, textOfBytes } from './byte-text.js';
import { describeParty, type Party, partyOf } from './party.js';

/** Who calls; both empty when the caller is anonymous. */
export interface Caller {
  /** A telephone number, or a SIP name `user@host`. */
  readonly number: string;
  readonly name: string;
}

const ANONYMOUS: Caller = { number: '', name: '' };

/** What PBXs write instead of a number or name that they keep to themselves. */
const WITHHELD = new Set(['anonymous', 'restricted', 'unavailable', 'unknown', 'private', 'withheld']);

/** Values of Privacy (RFC 3323 §4.2, RFC 3325 §9.3) that hide who calls; `full` is Remote-Party-ID's. */
const HIDING = new Set(['id', 'user', 'full']);

/**
 * Who calls: P-Asserted-Identity (RFC 3325), else Remote-Party-ID, else From. Whoever asks for privacy has neither number
 * nor name.
 */
export function callerOf(request: SipRequest): Caller {
  const privacy = request.headers('privacy').flatMap((value) => value.toLowerCase().split(/[;,\s]+/));
  if (privacy.some((value) => HIDING.has(value))) return ANONYMOUS;
  const identity = assertedIdentity(request) ?? remoteParty(request) ?? fromOf(request);
  if (!identity || HIDING.has(identity.address.parameters.get('privacy')?.toLowerCase() ?? '')) return ANONYMOUS;
  return named(identity);
}

/** The party that From names; undefined when From names none. */
export function fromParty(request: SipRequest): Party | undefined {
  return fromOf(request)?.party;
}

interface Identity {
  readonly address: NameAddress;
  readonly party: Party;
}

function named({ address, party }: Identity): Caller {
  const { number, sipName } = party;
  const isHidden = WITHHELD.has(number) || sipName?.endsWith('anonymous.invalid') === true;
  if (isHidden) return ANONYMOUS;
  const name = cleanText(textOfBytes(address.displayName ?? ''), LIMITS.callerNameCharacters);
  return {
    number: cleanText(describeParty(party), LIMITS.callerNumberCharacters),
    name: WITHHELD.has(name.toLowerCase()) ? '' : name,
  };
}

/** There may be two, a sip: and a tel: URI: the telephone number is the better one, the name may stand at either. */
function assertedIdentity(request: SipRequest): Identity | undefined {
  const identities = request.list('p-asserted-identity').flatMap((text) => readIdentity(text) ?? []);
  const best = identities.find(({ party }) => /^\+?\d+$/.test(party.number)) ?? identities[0];
  const displayName =
    best?.address.displayName ?? identities.find(({ address }) => address.displayName)?.address.displayName;
  return best && { party: best.party, address: { ...best.address, displayName } };
}

/** The calling party's of possibly several. */
function remoteParty(request: SipRequest): Identity | undefined {
  const parties = request.list('remote-party-id').flatMap((text) => readIdentity(text) ?? []);
  return parties.find(({ address }) => (address.parameters.get('party') ?? 'calling').toLowerCase() === 'calling');
}

function fromOf(request: SipRequest): Identity | undefined {
  const from = request.header('from');
  return from === undefined ? undefined : readIdentity(from);
}

/** Undefined when it cannot be read: a caller is never refused for how he names himself. */
function readIdentity(text: string): Identity | undefined {
  try {
    const address = parseNameAddress(text);
    return { address, party: partyOf(address.uri) };
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined;
    throw error;
  }
}
