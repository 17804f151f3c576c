import type { Directory } from '../directory/directory.js';
import { comparablePilot, isTelephoneNumber } from '../directory/number.js';
import type { UMDialPlan, UMHuntGroup, UMMailbox } from '../directory/objects.js';
import type { Party } from './party.js';

/** A mailbox, and the extension of it that was meant. */
export interface CalledMailbox {
  readonly mailbox: UMMailbox;
  readonly extension: string;
}

/**
 * The mailbox of a dial plan that a party is.
 *
 * - Any plan: the user part, or number, is the extension. In a SipName plan also the whole `user@host`.
 * - TelExtn: of a longer number (`+14255551000`) the last digits, as many as the plan's extensions have: gateways name the
 *   called party by its public number, whose end is the extension. An exact match comes first.
 * - E164: with and without the `+`.
 */
export function mailboxOfParty(directory: Directory, dialPlan: UMDialPlan, party: Party): CalledMailbox | undefined {
  for (const extension of extensionForms(dialPlan, party)) {
    const mailbox = directory.mailboxOf(dialPlan.id, extension);
    if (mailbox) return { mailbox, extension };
  }
  return undefined;
}

/** True when the party is a number of our own: a pilot or access number, compared without `+`. */
export function isOwnNumber(party: Party, dialPlan: UMDialPlan, huntGroups: readonly UMHuntGroup[]): boolean {
  const isOwn = (number: string): boolean => number !== '' && isParty(party, number, withoutPlus);
  return huntGroups.some((group) => isOwn(group.pilotIdentifier)) || dialPlan.accessTelephoneNumbers.some(isOwn);
}

/** True when the party is this pilot or access number; a `+` counts. */
export function isDialled(party: Party, pilot: string): boolean {
  return isParty(party, pilot, (number) => number);
}

function isParty(party: Party, pilot: string, form: (number: string) => string): boolean {
  const wanted = comparablePilot(pilot);
  return form(party.number) === form(wanted) || party.sipName === wanted;
}

function extensionForms(dialPlan: UMDialPlan, party: Party): readonly string[] {
  const { number, sipName } = party;
  if (number === '') return [];
  const digits = withoutPlus(number);
  switch (dialPlan.uriType) {
    case 'SipName':
      return sipName === undefined ? [number] : [sipName, number];
    case 'E164':
      return isTelephoneNumber(number) ? [number, `+${digits}`, digits] : [];
    case 'TelExtn': {
      const length = dialPlan.numberOfDigitsInExtension;
      if (!isTelephoneNumber(number)) return [];
      return digits.length > length ? [digits, digits.slice(-length)] : [digits];
    }
  }
}

function withoutPlus(number: string): string {
  return number.startsWith('+') ? number.slice(1) : number;
}
