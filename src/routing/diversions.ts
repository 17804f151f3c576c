import type { SipRequest } from '../protocol/sip/message.js';
import { parseNameAddress } from '../protocol/sip/name-address.js';
import { SipSyntaxError } from '../protocol/sip/syntax-error.js';
import { parseUri } from '../protocol/sip/uri.js';
import { type Party, partyOf, partyOfUri } from './party.js';

/** Whom a call was meant for before it came here. */
export interface Diversions {
  /** The latest first, as Diversion has them. */
  readonly parties: readonly Party[];
  /** What they were read from. */
  readonly source: 'Diversion' | 'History-Info' | 'target' | 'none';
  /** Entries that could not be read, each with its reason. */
  readonly faults: readonly string[];
}

/**
 * The diversions of a call: those of Diversion (RFC 5806; all lines and comma lists are one list), else of History-Info
 * (RFC 7044, RFC 4244), else the `target` of the Request-URI (RFC 4458). A source without any entry that can be read is
 * passed over, its faults are kept.
 */
export function diversionsOf(request: SipRequest): Diversions {
  const faults: string[] = [];
  const diversion = readAll('Diversion', request.list('diversion'), faults, (entry) =>
    partyOf(parseNameAddress(entry).uri),
  );
  if (diversion.length > 0) return { parties: diversion, source: 'Diversion', faults };
  const history = historyParties(request, faults);
  if (history.length > 0) return { parties: history, source: 'History-Info', faults };
  const target = readAll('target', targetsOf(request), faults, partyOf);
  return { parties: target, source: target.length > 0 ? 'target' : 'none', faults };
}

/** An entry of History-Info: a party that the call was for at some time. */
interface HistoryEntry {
  readonly party: Party;
  /** It says itself why the call left it: `?Reason=…` (RFC 4244 §4.1). */
  readonly hasReason: boolean;
  /** It says why the call left the one before it: the `cause` parameter (RFC 4458, RFC 7044 §7). */
  readonly hasCause: boolean;
}

/**
 * Parties that the call left, the latest first. The last entry is where it is now, unless it says why the call left it.
 * Where no entry says why, each before the last counts.
 */
function historyParties(request: SipRequest, faults: string[]): readonly Party[] {
  const entries = readAll('History-Info', request.list('history-info'), faults, readHistoryEntry);
  const left = entries.filter((entry, index) => entry.hasReason || entries[index + 1]?.hasCause === true);
  const counted = left.length > 0 ? left : entries.slice(0, -1);
  return counted.map(({ party }) => party).reverse();
}

function readHistoryEntry(entry: string): HistoryEntry {
  const { uri: text } = parseNameAddress(entry);
  const uri = parseUri(text);
  const hasReason = uri.scheme !== 'tel' && uri.headers.has('reason');
  return { party: partyOfUri(uri), hasReason, hasCause: uri.parameters.has('cause') };
}

/** RFC 4458 §2: a whole URI, escaped; some write the extension alone. */
function targetsOf(request: SipRequest): readonly string[] {
  const target = request.uri.parameters.get('target');
  return target === undefined || target === '' ? [] : [target];
}

function readAll<T>(
  source: string,
  entries: readonly string[],
  faults: string[],
  read: (entry: string) => T,
): readonly T[] {
  const values: T[] = [];
  for (const entry of entries) {
    try {
      values.push(read(entry));
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error;
      faults.push(`an entry of ${source} was passed over: ${error.message}`);
    }
  }
  return values;
}
