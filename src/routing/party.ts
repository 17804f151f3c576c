import { comparableNumber } from '../directory/number.js';
import { parseUri, type SipUri, type TelUri } from '../protocol/sip/uri.js';
import { textOfBytes } from './byte-text.js';

/** Whom a URI names, in the form in which parties are compared. */
export interface Party {
  /** The user part or telephone number without parameters and separators; a name in lower case; empty when there is none. */
  readonly number: string;
  /** `user@host` in lower case; undefined for a tel: URI and for a URI without user part. */
  readonly sipName: string | undefined;
}

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/;

/**
 * Reads whom a URI names: `sip:`, `sips:`, `tel:` in any case, or no scheme at all (`512345@192.0.2.1` or
 * `512345`, as some gateways write Diversion).
 *
 * @throws SipSyntaxError when it is no URI
 */
export function partyOf(uriText: string): Party {
  // By far the most are written so.
  if (uriText.startsWith('sip:')) return partyOfUri(parseUri(uriText));
  // A number alone, as some write it into a voice-mail URI.
  if (!SCHEME.test(uriText) && !uriText.includes('@')) return { number: comparableNumber(uriText), sipName: undefined };
  return partyOfUri(parseUri(SCHEME.test(uriText) ? uriText : `sip:${uriText}`));
}

/** Whom a parsed URI names. */
export function partyOfUri(uri: SipUri | TelUri): Party {
  if (uri.scheme === 'tel') return { number: comparableNumber(uri.number), sipName: undefined };
  const number = comparableNumber(textOfBytes(uri.user ?? ''));
  return { number, sipName: number === '' ? undefined : `${number}@${uri.host}` };
}

/** The party as people read it: the number, else the SIP name. */
export function describeParty(party: Party): string {
  return /^\+?[\d*#]+$/.test(party.number) ? party.number : (party.sipName ?? party.number);
}
