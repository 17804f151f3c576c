import { LIMITS } from '../base/limits.js';
import type { DocumentFaults } from './document-fields.js';
import { gatewayAddressKey, gatewayNamesOf } from './gateway-table.js';
import { comparablePilot, isTelephoneNumber } from './number.js';
import type { DirectoryObject, UMDialPlan, UMHuntGroup, UMIPGateway, UMMailbox, UMMailboxPolicy } from './objects.js';

/** An object and where it stands in the document, as in `mailboxes[2]`. */
export interface Placed<T extends DirectoryObject> {
  readonly path: string;
  readonly object: T;
}

/** All objects of one document. */
export interface PlacedObjects {
  readonly dialPlans: readonly Placed<UMDialPlan>[];
  readonly policies: readonly Placed<UMMailboxPolicy>[];
  readonly gateways: readonly Placed<UMIPGateway>[];
  readonly huntGroups: readonly Placed<UMHuntGroup>[];
  readonly mailboxes: readonly Placed<UMMailbox>[];
}

/** Rules over more than one object: nothing twice, and extensions of the form that their dial plan has. */
export function checkTogether(objects: PlacedObjects, faults: DocumentFaults): void {
  for (const section of [objects.dialPlans, objects.policies, objects.gateways, objects.huntGroups]) {
    const seen = new Seen(faults);
    for (const { path, object } of section) seen.meet(object.name.toLowerCase(), `${path}.name`, object.name);
  }
  checkGateways(objects.gateways, faults);
  checkHuntGroups(objects, faults);
  checkMailboxes(objects, faults);
}

/** Notices what is there a second time. */
class Seen {
  readonly #faults: DocumentFaults;
  readonly #places = new Map<string, string>();

  constructor(faults: DocumentFaults) {
    this.#faults = faults;
  }

  meet(key: string, path: string, value: string): void {
    const earlier = this.#places.get(key);
    if (earlier === undefined) this.#places.set(key, path);
    // Empty: it was missing or broke its rule, which has been said already.
    else if (value !== '') this.#faults.add(path, value, `the same stands at ${earlier}; it must be there once only`);
  }
}

function checkGateways(gateways: readonly Placed<UMIPGateway>[], faults: DocumentFaults): void {
  const seen = new Seen(faults);
  for (const { path, object } of gateways) {
    for (const [index, address] of object.addresses.entries()) {
      seen.meet(gatewayAddressKey(address), `${path}.addresses[${String(index)}]`, address);
    }
  }
  const names = gatewayNamesOf(gateways.map(({ object }) => object)).length;
  if (names > LIMITS.gatewayNames) {
    faults.say(`gateways have ${String(names)} host names; at most ${String(LIMITS.gatewayNames)} are taken`);
  }
}

function checkHuntGroups({ huntGroups }: PlacedObjects, faults: DocumentFaults): void {
  const seen = new Map<string, string>();
  for (const { path, object } of huntGroups) {
    const key = `${object.gateway} ${comparablePilot(object.pilotIdentifier)}`;
    const earlier = seen.get(key);
    if (earlier === undefined) seen.set(key, path);
    else if (object.gateway !== '') {
      const rule = `${earlier} has the same pilot for the same gateway; a gateway can have it once only`;
      faults.add(`${path}.pilotIdentifier`, object.pilotIdentifier, rule);
    }
  }
}

function checkMailboxes(objects: PlacedObjects, faults: DocumentFaults): void {
  const addresses = new Seen(faults);
  const extensions = new Seen(faults);
  const dialPlans = new Map(objects.dialPlans.map(({ object }) => [object.id, object]));
  const planOfPolicy = new Map(objects.policies.map(({ object }) => [object.id, dialPlans.get(object.dialPlan)]));
  const pilots = pilotsByPlan(objects);
  for (const { path, object } of objects.mailboxes) {
    addresses.meet(object.address.toLowerCase(), `${path}.address`, object.address);
    const dialPlan = planOfPolicy.get(object.mailboxPolicy);
    if (!dialPlan) continue;
    for (const [index, extension] of object.extensions.entries()) {
      const place = `${path}.extensions[${String(index)}]`;
      const comparable = comparablePilot(extension);
      const fault = extensionFault(comparable, dialPlan) ?? pilots.get(`${dialPlan.id} ${comparable}`);
      if (fault !== undefined) faults.add(place, extension, fault);
      else extensions.meet(`${dialPlan.id} ${comparable}`, place, extension);
    }
  }
}

/** What an extension must be in its dial plan; undefined when it is. */
function extensionFault(comparable: string, dialPlan: UMDialPlan): string | undefined {
  const digits = dialPlan.numberOfDigitsInExtension;
  // Zero: the number was missing or broke its rule, which has been said already.
  if (digits === 0) return undefined;
  if (/^\d+$/.test(comparable) && comparable.length === digits) return undefined;
  const short = `must be ${String(digits)} digits`;
  const plan = `as dial plan ${JSON.stringify(dialPlan.name)} says`;
  switch (dialPlan.uriType) {
    case 'TelExtn':
      return `${short}, ${plan}`;
    case 'E164': {
      const isE164 = isTelephoneNumber(comparable) && /^\+\d{2,15}$/.test(comparable);
      return isE164 ? undefined : `${short} or + and 2 to 15 digits, ${plan}`;
    }
    case 'SipName':
      return /^[^@\s]+@[^@\s]+$/.test(comparable)
        ? undefined
        : `${short} or a SIP name such as user@example.com, ${plan}`;
  }
}

/** A diversion from a pilot or access number is passed over, so that a mailbox with such an extension never gets a call. */
function pilotsByPlan({ dialPlans, huntGroups }: PlacedObjects): ReadonlyMap<string, string> {
  const pilots = new Map<string, string>();
  for (const { path, object } of huntGroups) {
    const pilot = comparablePilot(object.pilotIdentifier);
    if (pilot !== '')
      pilots.set(`${object.dialPlan} ${pilot}`, `it is the pilot of ${path} too, and would never be reached`);
  }
  for (const { path, object } of dialPlans) {
    for (const number of object.accessTelephoneNumbers) {
      pilots.set(
        `${object.id} ${comparablePilot(number)}`,
        `it is an access number of ${path} too, and would never be reached`,
      );
    }
  }
  return pilots;
}
