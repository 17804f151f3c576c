import fc from 'fast-check';

/** Documents that can be imported: a few of everything, with names in any script. */
export function arbitraryDocument(): fc.Arbitrary<unknown> {
  const name = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
    .map((text) => `n${text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, '')}n`);
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 4, selector: (each) => each.toLowerCase() });
  return fc
    .record({
      plans: names,
      policies: names,
      gateways: names,
      groups: names,
      calls: fc.nat(30_000),
      count: fc.nat(20),
      text: name,
      flag: fc.boolean(),
    })
    .map((made) => ({
      dialPlans: made.plans.map((each, index) => ({
        name: each,
        numberOfDigitsInExtension: 4 + index,
        diversionPreference: 'LastRedirecting',
        accessTelephoneNumbers: ['+1 (425) 555-0100'],
      })),
      mailboxPolicies: made.policies.map((each) => ({
        name: each,
        dialPlan: made.plans[0],
        voiceMailText: made.text,
        allowMissedCallNotifications: made.flag,
      })),
      gateways: made.gateways.map((each, index) => ({
        name: each,
        addresses: [`192.0.2.${String(index)}`, `2001:db8:${String(index)}::/48`],
        strictMedia: made.flag,
      })),
      huntGroups: made.groups.map((each, index) => ({
        name: each,
        gateway: made.gateways.at(-1),
        dialPlan: made.plans.at(-1),
        pilotIdentifier: index === 0 ? '' : `+1425555${String(index)}`,
      })),
      mailboxes: Array.from({ length: made.count }, (_, index) => ({
        address: `${String(index)}@example.com`,
        displayName: made.text,
        extensions: [String(1000 + index)],
        mailboxPolicy: made.policies[0],
        emailAddresses: made.flag ? ['a@example.com', 'b@example.com'] : [],
        ...(made.flag ? { greetingFile: 'ann.wav' } : {}),
      })),
      settings: { maxCallsAllowed: made.calls },
    }));
}
