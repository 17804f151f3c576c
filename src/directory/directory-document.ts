import { LIMITS } from '../base/limits.js';
import type { Random } from '../base/random.js';
import { DEFAULT_SETTINGS } from './directory.js';
import { checkTogether, type Placed } from './document-consistency.js';
import { DocumentFaults, DocumentFields } from './document-fields.js';
import type {
  DirectoryObject,
  UMDialPlan,
  UMHuntGroup,
  UMIPGateway,
  UMMailbox,
  UMMailboxPolicy,
  UMSettings,
} from './objects.js';
import * as rule from './text-rules.js';

/** Version of the document's form, written into each export. */
const FORMAT_VERSION = 1;

export type DocumentResult =
  | {
      /** One line each: path, value, rule. */
      readonly faults: readonly string[];
    }
  | { readonly objects: readonly DirectoryObject[] };

/**
 * The JSON document of `directory export`. Objects refer to each other by name. PINs are never in it: mailboxes that stay keep
 * theirs at an import.
 */
export function toDocument(objects: readonly DirectoryObject[]): unknown {
  const nameOf = (id: string): string => {
    const object = names.get(id);
    return object ?? id;
  };
  const names = new Map(objects.flatMap((object) => ('name' in object ? [[object.id, object.name] as const] : [])));
  const document = {
    formatVersion: FORMAT_VERSION,
    dialPlans: [] as unknown[],
    mailboxPolicies: [] as unknown[],
    gateways: [] as unknown[],
    huntGroups: [] as unknown[],
    mailboxes: [] as unknown[],
    settings: { maxCallsAllowed: DEFAULT_SETTINGS.maxCallsAllowed },
  };
  for (const object of objects) {
    switch (object.kind) {
      case 'dial-plan':
        document.dialPlans.push(withoutKeys(object, ['kind', 'id']));
        break;
      case 'mailbox-policy':
        document.mailboxPolicies.push({ ...withoutKeys(object, ['kind', 'id']), dialPlan: nameOf(object.dialPlan) });
        break;
      case 'ip-gateway':
        document.gateways.push(withoutKeys(object, ['kind', 'id']));
        break;
      case 'hunt-group':
        document.huntGroups.push({
          ...withoutKeys(object, ['kind', 'id']),
          dialPlan: nameOf(object.dialPlan),
          gateway: nameOf(object.gateway),
        });
        break;
      case 'mailbox':
        document.mailboxes.push({
          ...withoutKeys(object, ['kind', 'id', 'pin']),
          mailboxPolicy: nameOf(object.mailboxPolicy),
        });
        break;
      case 'settings':
        document.settings = { maxCallsAllowed: object.maxCallsAllowed };
        break;
    }
  }
  return document;
}

/**
 * Reads a whole directory. Objects of the current one that stay (same kind, and same name or address) keep their ids and PINs;
 * whatever is not in the document is gone.
 *
 * @returns the objects, or every fault at once
 */
export function fromDocument(document: unknown, current: readonly DirectoryObject[], random: Random): DocumentResult {
  const faults = new DocumentFaults();
  const reader = new DocumentReader(faults, current, random);
  const objects = reader.read(document);
  return faults.any ? { faults: faults.lines } : { objects };
}

function withoutKeys(object: DirectoryObject, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}

class DocumentReader {
  readonly #faults: DocumentFaults;
  readonly #random: Random;
  /** The objects of the current directory by `kind name` in lower case. */
  readonly #current: ReadonlyMap<string, DirectoryObject>;

  constructor(faults: DocumentFaults, current: readonly DirectoryObject[], random: Random) {
    this.#faults = faults;
    this.#random = random;
    this.#current = new Map(current.map((object) => [`${object.kind} ${identityOf(object).toLowerCase()}`, object]));
  }

  read(document: unknown): readonly DirectoryObject[] {
    const top = new DocumentFields(document, '', this.#faults);
    top.number('formatVersion', [FORMAT_VERSION, FORMAT_VERSION], FORMAT_VERSION);
    const dialPlans = this.#section(top, 'dialPlans', (fields) => this.#dialPlan(fields));
    const policies = this.#section(top, 'mailboxPolicies', (fields) => this.#policy(fields, dialPlans));
    const gateways = this.#section(top, 'gateways', (fields) => this.#gateway(fields));
    const huntGroups = this.#section(top, 'huntGroups', (fields) => this.#huntGroup(fields, dialPlans, gateways));
    const mailboxes = this.#section(top, 'mailboxes', (fields) => this.#mailbox(fields, policies));
    const settings = this.#settings(top);
    top.finish();
    checkTogether({ dialPlans, policies, gateways, huntGroups, mailboxes }, this.#faults);
    return [...[dialPlans, policies, gateways, huntGroups, mailboxes].flatMap(objectsOf), settings];
  }

  #section<T extends DirectoryObject>(
    top: DocumentFields,
    name: string,
    read: (fields: DocumentFields) => T,
  ): readonly Placed<T>[] {
    const section = top.section(name);
    if (section.length > LIMITS.directoryObjects) {
      this.#faults.say(
        `${name} has ${String(section.length)} entries; at most ${String(LIMITS.directoryObjects)} are taken`,
      );
      return [];
    }
    return section.map((value, index) => {
      const fields = new DocumentFields(value, `${name}[${String(index)}]`, this.#faults);
      const object = read(fields);
      fields.finish();
      return { path: fields.path, object };
    });
  }

  #dialPlan(fields: DocumentFields): UMDialPlan {
    const name = fields.text('name', rule.objectName);
    return {
      kind: 'dial-plan',
      id: this.#idOf('dial-plan', name),
      name,
      numberOfDigitsInExtension: fields.number('numberOfDigitsInExtension', [1, 20]),
      uriType: fields.choice('uriType', ['TelExtn', 'E164', 'SipName'], 'TelExtn'),
      voipSecurity: fields.choice('voipSecurity', ['Unsecured', 'SIPSecured', 'Secured'], 'Unsecured'),
      audioCodec: fields.choice('audioCodec', ['Mp3', 'G711'], 'Mp3'),
      maxCallDurationMinutes: fields.number('maxCallDurationMinutes', [1, 120], 30),
      maxRecordingDurationMinutes: fields.number('maxRecordingDurationMinutes', [1, 100], 20),
      recordingIdleTimeoutSeconds: fields.number('recordingIdleTimeoutSeconds', [1, 60], 5),
      accessTelephoneNumbers: fields.texts('accessTelephoneNumbers', rule.dialledNumber),
      diversionPreference: fields.choice(
        'diversionPreference',
        ['OriginalCalled', 'LastRedirecting'],
        'OriginalCalled',
      ),
      defaultLanguage: fields.text('defaultLanguage', rule.languageTag, 'en-US'),
    };
  }

  #policy(fields: DocumentFields, dialPlans: readonly Placed<UMDialPlan>[]): UMMailboxPolicy {
    const name = fields.text('name', rule.objectName);
    return {
      kind: 'mailbox-policy',
      id: this.#idOf('mailbox-policy', name),
      name,
      dialPlan: this.#reference(fields, 'dialPlan', dialPlans),
      allowMissedCallNotifications: fields.flag('allowMissedCallNotifications', true),
      minPinLength: fields.number('minPinLength', [4, 24], 6),
      voiceMailText: fields.text('voiceMailText', rule.bodyText, ''),
    };
  }

  #gateway(fields: DocumentFields): UMIPGateway {
    const name = fields.text('name', rule.objectName);
    return {
      kind: 'ip-gateway',
      id: this.#idOf('ip-gateway', name),
      name,
      addresses: fields.texts('addresses', rule.gatewayAddress, 1),
      port: fields.number('port', [0, 65_535], 5060),
      status: fields.choice('status', ['Enabled', 'Disabled', 'NoNewCalls'], 'Enabled'),
      strictMedia: fields.flag('strictMedia', false),
    };
  }

  #huntGroup(
    fields: DocumentFields,
    dialPlans: readonly Placed<UMDialPlan>[],
    gateways: readonly Placed<UMIPGateway>[],
  ): UMHuntGroup {
    const name = fields.text('name', rule.objectName);
    return {
      kind: 'hunt-group',
      id: this.#idOf('hunt-group', name),
      name,
      pilotIdentifier: fields.text('pilotIdentifier', rule.pilotNumber, ''),
      dialPlan: this.#reference(fields, 'dialPlan', dialPlans),
      gateway: this.#reference(fields, 'gateway', gateways),
    };
  }

  #mailbox(fields: DocumentFields, policies: readonly Placed<UMMailboxPolicy>[]): UMMailbox {
    const address = fields.text('address', rule.mailAddress);
    const before = this.#before('mailbox', address);
    return {
      kind: 'mailbox',
      id: this.#idOf('mailbox', address),
      address,
      displayName: fields.text('displayName', rule.personName, address),
      extensions: fields.texts('extensions', rule.extensionText, 1),
      mailboxPolicy: this.#reference(fields, 'mailboxPolicy', policies),
      emailAddresses: fields.texts('emailAddresses', rule.mailAddress),
      ...(fields.has('greetingFile') ? { greetingFile: fields.text('greetingFile', rule.filePath) } : {}),
      ...(before?.kind === 'mailbox' && before.pin ? { pin: before.pin } : {}),
    };
  }

  #settings(top: DocumentFields): UMSettings {
    const fields = new DocumentFields(top.raw('settings') ?? {}, 'settings', this.#faults);
    const maxCallsAllowed = fields.number('maxCallsAllowed', [0, 30_000], DEFAULT_SETTINGS.maxCallsAllowed);
    fields.finish();
    return { kind: 'settings', id: 'settings', maxCallsAllowed };
  }

  /** Id of the object that a field names; a name that there is not becomes a fault. */
  #reference<T extends Exclude<DirectoryObject, UMMailbox | UMSettings>>(
    fields: DocumentFields,
    name: string,
    targets: readonly Placed<T>[],
  ): string {
    const wanted = fields.text(name, rule.objectName);
    const target = targets.find(({ object }) => object.name.toLowerCase() === wanted.toLowerCase());
    if (target) return target.object.id;
    if (wanted !== '') this.#faults.add(fields.at(name), wanted, 'there is none of this name in the document');
    return '';
  }

  #idOf(kind: DirectoryObject['kind'], identity: string): string {
    return this.#before(kind, identity)?.id ?? this.#random.hex(16);
  }

  #before(kind: DirectoryObject['kind'], identity: string): DirectoryObject | undefined {
    return this.#current.get(`${kind} ${identity.toLowerCase()}`);
  }
}

function objectsOf(placed: readonly Placed<DirectoryObject>[]): readonly DirectoryObject[] {
  return placed.map(({ object }) => object);
}

function identityOf(object: DirectoryObject): string {
  if (object.kind === 'mailbox') return object.address;
  return object.kind === 'settings' ? object.id : object.name;
}
