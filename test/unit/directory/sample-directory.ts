import type { Random } from '../../../src/base/random.js';
import { Directory } from '../../../src/directory/directory.js';
import { fromDocument } from '../../../src/directory/directory-document.js';
import type { DirectoryObject, UMDialPlan, UMIPGateway } from '../../../src/directory/objects.js';

/** Counts instead of rolling dice. */
export function countingRandom(): Random {
  let count = 0;
  return {
    integer: () => 0,
    hex: (bytes) => {
      count += 1;
      return count.toString(16).padStart(2 * bytes, '0');
    },
  };
}

/** A document that can be imported: one dial plan, one gateway, pilot 5000, mailboxes 1000 and 1001. */
export function sampleDocument(): SampleDocument {
  return {
    dialPlans: [{ name: 'HQ', numberOfDigitsInExtension: 4 }],
    mailboxPolicies: [{ name: 'Default', dialPlan: 'HQ' }],
    gateways: [{ name: 'PBX', addresses: ['192.0.2.5'] }],
    huntGroups: [{ name: 'Pilot', gateway: 'PBX', dialPlan: 'HQ', pilotIdentifier: '5000' }],
    mailboxes: ['1000', '1001'].map((extension) => ({
      address: `${extension}@example.com`,
      extensions: [extension],
      mailboxPolicy: 'Default',
    })),
  };
}

type Section = Record<string, unknown>[];

export interface SampleDocument {
  dialPlans: Section;
  mailboxPolicies: Section;
  gateways: Section;
  huntGroups: Section;
  mailboxes: Section;
  [other: string]: unknown;
}

export function objectsOf(document: unknown, current: readonly DirectoryObject[] = []): readonly DirectoryObject[] {
  const result = fromDocument(document, current, countingRandom());
  if ('faults' in result) throw new Error(result.faults.join('\n'));
  return result.objects;
}

/** The sample as a directory, with changes to its dial plan and its gateway. */
export function sampleDirectory(dialPlan: Partial<UMDialPlan> = {}, gateway: Partial<UMIPGateway> = {}): Directory {
  const document = sampleDocument();
  Object.assign(document.dialPlans[0] ?? {}, dialPlan);
  Object.assign(document.gateways[0] ?? {}, gateway);
  return new Directory(1, objectsOf(document));
}
