import { assert } from '../base/assert.js';
import { type DirectoryIndex, indexObjects } from './directory-index.js';
import { gatewayNamesOf, GatewayTable, type NamedAddresses } from './gateway-table.js';
import { comparablePilot } from './number.js';
import type {
  DirectoryDelta,
  DirectoryObject,
  UMDialPlan,
  UMHuntGroup,
  UMIPGateway,
  UMMailbox,
  UMMailboxPolicy,
  UMSettings,
} from './objects.js';

export { DEFAULT_SETTINGS } from './directory-index.js';

/** Until names have been looked up. */
const NOTHING_NAMED: NamedAddresses = new Map();

/**
 * One version of the directory with everything that a call needs looked up by key. Never changes: a delta makes the next
 * one. References are checked where the directory is changed (`fromDocument`), not here.
 */
export class Directory {
  readonly version: number;
  readonly objects: readonly DirectoryObject[];
  readonly settings: UMSettings;
  /** The host names among the gateways' addresses: in lower case, each once. */
  readonly gatewayNames: readonly string[];
  readonly #index: DirectoryIndex;
  readonly #gateways: GatewayTable;

  /** @param index - of the same objects, where there is one already */
  constructor(
    version: number,
    objects: readonly DirectoryObject[],
    named: NamedAddresses = NOTHING_NAMED,
    index: DirectoryIndex = indexObjects(objects),
  ) {
    this.version = version;
    this.objects = objects;
    this.settings = index.settings;
    this.gatewayNames = gatewayNamesOf(index.gateways);
    this.#index = index;
    this.#gateways = new GatewayTable(index.gateways, named);
  }

  /** The same version with these addresses of its gateways' names; a delta's directory knows none until they are given again. */
  withGatewayNames(named: NamedAddresses): Directory {
    return new Directory(this.version, this.objects, named, this.#index);
  }

  /** The next version: objects put replace those of the same id in their place, new ones come last. */
  apply(delta: DirectoryDelta): Directory {
    const put = new Map(delta.put.map((object) => [object.id, object]));
    const removed = new Set(delta.removed);
    const kept = this.objects.filter((object) => !removed.has(object.id)).map((object) => put.get(object.id) ?? object);
    const known = new Set(this.objects.map((object) => object.id));
    const added = [...put.values()].filter((object) => !known.has(object.id));
    return new Directory(delta.version, [...kept, ...added]);
  }

  /** The gateway with this address, whatever its status; the longest block that holds it wins. */
  gatewayAt(peerAddress: string): UMIPGateway | undefined {
    return this.#gateways.at(peerAddress);
  }

  huntGroups(gatewayId: string): readonly UMHuntGroup[] {
    return this.#index.huntGroups.get(gatewayId) ?? [];
  }

  /** The mailbox with exactly this extension, compared without separators and case. */
  mailboxOf(dialPlanId: string, extension: string): UMMailbox | undefined {
    return this.#index.extensions.get(dialPlanId)?.get(comparablePilot(extension));
  }

  mailboxById(id: string): UMMailbox | undefined {
    return this.#index.mailboxes.get(id);
  }

  /** By id, by address, or by an extension that only one dial plan has. */
  findMailbox(identity: string): UMMailbox | undefined {
    const named = this.#index.mailboxes.get(identity) ?? this.#index.addresses.get(identity.toLowerCase());
    if (named) return named;
    const found = new Set([...this.#index.extensions.keys()].flatMap((plan) => this.mailboxOf(plan, identity) ?? []));
    const [only] = found;
    return found.size === 1 ? only : undefined;
  }

  policyOf(mailbox: UMMailbox): UMMailboxPolicy {
    const policy = this.#index.policies.get(mailbox.mailboxPolicy);
    assert(policy !== undefined, `mailbox ${mailbox.address} has a policy`);
    return policy;
  }

  dialPlanOf(mailbox: UMMailbox): UMDialPlan {
    const dialPlan = this.#index.dialPlans.get(this.policyOf(mailbox).dialPlan);
    assert(dialPlan !== undefined, `the policy of mailbox ${mailbox.address} has a dial plan`);
    return dialPlan;
  }

  dialPlan(id: string): UMDialPlan | undefined {
    return this.#index.dialPlans.get(id);
  }
}
