import { comparablePilot } from './number.js';
import type {
  DirectoryObject,
  UMDialPlan,
  UMHuntGroup,
  UMIPGateway,
  UMMailbox,
  UMMailboxPolicy,
  UMSettings,
} from './objects.js';

/** What a directory without settings has. */
export const DEFAULT_SETTINGS: UMSettings = Object.freeze({ kind: 'settings', id: 'settings', maxCallsAllowed: 100 });

/** The objects of one directory, each kind by the keys that calls look it up by. Never changes once it is made. */
export interface DirectoryIndex {
  readonly settings: UMSettings;
  readonly gateways: readonly UMIPGateway[];
  readonly dialPlans: ReadonlyMap<string, UMDialPlan>;
  readonly policies: ReadonlyMap<string, UMMailboxPolicy>;
  readonly mailboxes: ReadonlyMap<string, UMMailbox>;
  /** By id of the gateway. */
  readonly huntGroups: ReadonlyMap<string, readonly UMHuntGroup[]>;
  /** For each dial plan its mailboxes by comparable extension. */
  readonly extensions: ReadonlyMap<string, ReadonlyMap<string, UMMailbox>>;
  /** Mailboxes by lower-case address. */
  readonly addresses: ReadonlyMap<string, UMMailbox>;
}

export function indexObjects(objects: readonly DirectoryObject[]): DirectoryIndex {
  return new IndexUnderWay(objects);
}

class IndexUnderWay implements DirectoryIndex {
  readonly gateways: UMIPGateway[] = [];
  readonly dialPlans = new Map<string, UMDialPlan>();
  readonly policies = new Map<string, UMMailboxPolicy>();
  readonly mailboxes = new Map<string, UMMailbox>();
  readonly huntGroups = new Map<string, UMHuntGroup[]>();
  readonly extensions = new Map<string, Map<string, UMMailbox>>();
  readonly addresses = new Map<string, UMMailbox>();
  settings = DEFAULT_SETTINGS;

  constructor(objects: readonly DirectoryObject[]) {
    for (const object of objects) this.#add(object);
    for (const mailbox of this.mailboxes.values()) this.#addExtensions(mailbox);
  }

  #add(object: DirectoryObject): void {
    switch (object.kind) {
      case 'settings':
        this.settings = object;
        return;
      case 'ip-gateway':
        this.gateways.push(object);
        return;
      case 'dial-plan':
        this.dialPlans.set(object.id, object);
        return;
      case 'mailbox-policy':
        this.policies.set(object.id, object);
        return;
      case 'hunt-group':
        this.#addHuntGroup(object);
        return;
      case 'mailbox':
        this.mailboxes.set(object.id, object);
        this.addresses.set(object.address.toLowerCase(), object);
        return;
    }
  }

  #addHuntGroup(group: UMHuntGroup): void {
    const groups = this.huntGroups.get(group.gateway);
    if (groups) groups.push(group);
    else this.huntGroups.set(group.gateway, [group]);
  }

  #addExtensions(mailbox: UMMailbox): void {
    const dialPlanId = this.policies.get(mailbox.mailboxPolicy)?.dialPlan;
    if (dialPlanId === undefined) return;
    const extensions = this.extensions.get(dialPlanId) ?? new Map<string, UMMailbox>();
    this.extensions.set(dialPlanId, extensions);
    for (const extension of mailbox.extensions) extensions.set(comparablePilot(extension), mailbox);
  }
}
