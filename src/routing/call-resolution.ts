import type { ErrorCode } from '../base/errors.js';
import type { Directory } from '../directory/directory.js';
import type { UMDialPlan, UMHuntGroup, UMIPGateway, UMMailbox, UMMailboxPolicy } from '../directory/objects.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { type CalledMailbox, isDialled, isOwnNumber, mailboxOfParty } from './called-mailbox.js';
import { callerOf, fromParty } from './caller.js';
import { type Diversions, diversionsOf } from './diversions.js';
import { describeParty, type Party, partyOfUri } from './party.js';

export interface CallRefusal {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  /** What was found in this very call, one clause, no full stop. */
  readonly detail: string;
}

/** A caller who is to leave a message. */
export interface CallAnswering {
  readonly kind: 'call-answering';
  readonly gateway: UMIPGateway;
  readonly dialPlan: UMDialPlan;
  readonly policy: UMMailboxPolicy;
  readonly mailbox: UMMailbox;
  /** The one of the mailbox's extensions that was called. */
  readonly extension: string;
  /** Empty when anonymous. */
  readonly callerNumber: string;
  readonly callerName: string;
}

export type CallResolution = CallRefusal | CallAnswering;

/** The same without the caller, whom only the worker needs to know. */
export type CalledResolution = CallRefusal | Omit<CallAnswering, 'callerNumber' | 'callerName'>;

/** Where an INVITE came in, as far as it is known. */
interface Entrance {
  readonly request: SipRequest;
  readonly directory: Directory;
  readonly gateway: UMIPGateway;
  readonly huntGroups: readonly UMHuntGroup[];
  readonly dialled: Party;
}

/** The number that was dialled belongs to this dial plan. */
interface Dialled {
  readonly kind: 'dialled';
  readonly dialPlan: UMDialPlan;
  readonly isAccessNumber: boolean;
}

/**
 * Whom an INVITE is for. Router, service and worker each ask, with the same answer.
 *
 * ```text
 *   gateway? -- pilot? -- security? -- who is called? --+-- a mailbox: call answering
 *     403        404         488                        +-- a diversion, but no mailbox: 404
 *                                                       `-- nobody: sign-in by phone, 480
 * ```
 *
 * Only signalling is looked at; `request` must have passed messageFault().
 */
export function resolveCall(request: SipRequest, flow: Flow, directory: Directory | undefined): CallResolution {
  const resolution = resolveCalled(request, flow, directory);
  if (resolution.kind === 'refuse') return resolution;
  const caller = callerOf(request);
  return { ...resolution, callerNumber: caller.number, callerName: caller.name };
}

/** What `resolveCall` says of the called party. */
export function resolveCalled(request: SipRequest, flow: Flow, directory: Directory | undefined): CalledResolution {
  if (!directory) return refuse('directory-unavailable', 'nothing has been received from the mailbox service');
  const gateway = directory.gatewayAt(flow.peer.address);
  if (gateway?.status !== 'Enabled') return refuse('peer-not-a-gateway', describeStranger(flow, gateway));
  const huntGroups = directory.huntGroups(gateway.id);
  const entrance = { request, directory, gateway, huntGroups, dialled: partyOfUri(request.uri) };
  const found = findDialPlan(entrance);
  if (found.kind === 'refuse') return found;
  const { voipSecurity, name } = found.dialPlan;
  if (voipSecurity !== 'Unsecured' && flow.transport !== 'tls') {
    return refuse(
      'security-mismatch',
      `dial plan "${name}" is ${voipSecurity}, the call came by ${flow.transport.toUpperCase()}`,
    );
  }
  return findMailbox(entrance, found);
}

function refuse(code: ErrorCode, detail: string): CallRefusal {
  return { kind: 'refuse', code, detail };
}

function describeStranger(flow: Flow, gateway: UMIPGateway | undefined): string {
  const { address } = flow.peer;
  if (!gateway) return `${address} is in the addresses of no gateway`;
  const state = gateway.status === 'NoNewCalls' ? 'takes no new calls (NoNewCalls)' : 'is disabled';
  return `gateway "${gateway.name}" (${address}) ${state}`;
}

/** The first that fits: a pilot of the gateway's hunt groups, an access number of their dial plans, a group without a pilot. */
function findDialPlan({ directory, gateway, huntGroups, dialled }: Entrance): CallRefusal | Dialled {
  const pilot = huntGroups.find((group) => group.pilotIdentifier !== '' && isDialled(dialled, group.pilotIdentifier));
  const dialPlan = pilot ? undefined : planOfAccessNumber(huntGroups, dialled, directory);
  if (dialPlan) return { kind: 'dialled', dialPlan, isAccessNumber: true };
  const group = pilot ?? huntGroups.find((each) => each.pilotIdentifier === '');
  const planOfGroup = group && directory.dialPlan(group.dialPlan);
  if (planOfGroup) return { kind: 'dialled', dialPlan: planOfGroup, isAccessNumber: false };
  const pilots = huntGroups.map((each) => each.pilotIdentifier).join(', ');
  const has = pilots === '' ? 'has no hunt group' : `has the pilots ${pilots}`;
  return refuse('pilot-unknown', `"${describeParty(dialled)}" was dialled, gateway "${gateway.name}" ${has}`);
}

/** The first dial plan of the groups that has the number among its access numbers. */
function planOfAccessNumber(
  huntGroups: readonly UMHuntGroup[],
  dialled: Party,
  directory: Directory,
): UMDialPlan | undefined {
  for (const group of huntGroups) {
    const dialPlan = directory.dialPlan(group.dialPlan);
    if (dialPlan?.accessTelephoneNumbers.some((number) => isDialled(dialled, number)) === true) return dialPlan;
  }
  return undefined;
}

function findMailbox(entrance: Entrance, found: Dialled): CalledResolution {
  const diversions = diversionsOf(entrance.request);
  if (diversions.source === 'none' && diversions.faults.length === 0) return findUndiverted(entrance, found);
  const called = preferred(entrance, found.dialPlan, diversions);
  return called ? answer(entrance, found.dialPlan, called) : refuseDiverted(found.dialPlan, diversions);
}

/** Of the diversions that fit a mailbox and are no number of ours, the one that the dial plan prefers. */
function preferred(entrance: Entrance, dialPlan: UMDialPlan, { parties }: Diversions): CalledMailbox | undefined {
  const isOriginal = dialPlan.diversionPreference === 'OriginalCalled';
  for (const party of isOriginal ? [...parties].reverse() : parties) {
    if (isOwnNumber(party, dialPlan, entrance.huntGroups)) continue;
    const called = mailboxOfParty(entrance.directory, dialPlan, party);
    if (called) return called;
  }
  return undefined;
}

function refuseDiverted(dialPlan: UMDialPlan, { parties, source, faults }: Diversions): CallRefusal {
  const named = parties.map((party) => `"${describeParty(party)}"`).join(', ');
  const found = source === 'none' ? [] : [`${source} names ${named}, no mailbox of dial plan "${dialPlan.name}"`];
  return refuse('mailbox-unknown', [...found, ...faults].join('; '));
}

/** A call that nobody diverted: for the mailbox that was dialled, unless its owner calls; else for sign-in by phone. */
function findUndiverted(entrance: Entrance, { dialPlan, isAccessNumber }: Dialled): CalledResolution {
  const { directory, dialled, request } = entrance;
  const number = describeParty(dialled);
  if (isAccessNumber) {
    return refuse(
      'sign-in-not-implemented',
      `"${number}" is an access number of dial plan "${dialPlan.name}", and the call has no Diversion`,
    );
  }
  const called = isOwnNumber(dialled, dialPlan, entrance.huntGroups)
    ? undefined
    : mailboxOfParty(directory, dialPlan, dialled);
  if (!called) {
    const detail = `the call has no Diversion, and "${number}" is no extension of dial plan "${dialPlan.name}"`;
    return refuse('sign-in-not-implemented', detail);
  }
  const from = fromParty(request);
  if (!from || !isExactly(entrance.directory, dialPlan, from, called)) return answer(entrance, dialPlan, called);
  return refuse('sign-in-not-implemented', `the owner of mailbox "${called.extension}" calls his own extension`);
}

/**
 * True when the party is this very mailbox by its whole number: of a stranger's number the last digits may be anybody's, and
 * his message would be lost.
 */
function isExactly(directory: Directory, dialPlan: UMDialPlan, party: Party, called: CalledMailbox): boolean {
  const forms = [party.number, party.sipName ?? ''];
  return forms.some((form) => directory.mailboxOf(dialPlan.id, form)?.id === called.mailbox.id);
}

function answer({ gateway, directory }: Entrance, dialPlan: UMDialPlan, called: CalledMailbox): CalledResolution {
  return {
    kind: 'call-answering',
    gateway,
    dialPlan,
    policy: directory.policyOf(called.mailbox),
    mailbox: called.mailbox,
    extension: called.extension,
  };
}
