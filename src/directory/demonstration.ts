import type { Random } from '../base/random.js';
import { DEFAULT_SETTINGS } from './directory.js';
import type { DirectoryObject, HashedPin, UMMailbox } from './objects.js';

/** Extensions of the demonstration's mailboxes. */
export const DEMONSTRATION_EXTENSIONS: readonly string[] = ['1000', '1001'];

/**
 * What an empty data directory gets when nobody configured anything: enough to leave a message, and only this machine is
 * trusted.
 *
 * @param pins - extension to PIN
 */
export function demonstrationDirectory(
  serverName: string,
  pins: ReadonlyMap<string, HashedPin>,
  random: Random,
): readonly DirectoryObject[] {
  const dialPlan = random.hex(16);
  const policy = random.hex(16);
  const gateway = random.hex(16);
  const huntGroup = random.hex(16);
  return [
    {
      kind: 'dial-plan',
      id: dialPlan,
      name: 'Demonstration',
      numberOfDigitsInExtension: 4,
      uriType: 'TelExtn',
      voipSecurity: 'Unsecured',
      audioCodec: 'Mp3',
      maxCallDurationMinutes: 30,
      maxRecordingDurationMinutes: 20,
      recordingIdleTimeoutSeconds: 5,
      accessTelephoneNumbers: [],
      diversionPreference: 'OriginalCalled',
      defaultLanguage: 'en-US',
    },
    {
      kind: 'mailbox-policy',
      id: policy,
      name: 'Demonstration Default Policy',
      dialPlan,
      allowMissedCallNotifications: true,
      minPinLength: 6,
      voiceMailText: '',
    },
    {
      kind: 'ip-gateway',
      id: gateway,
      name: 'This machine',
      addresses: ['127.0.0.0/8', '::1/128'],
      port: 5060,
      status: 'Enabled',
      strictMedia: false,
    },
    { kind: 'hunt-group', id: huntGroup, name: 'Every number', pilotIdentifier: '', dialPlan, gateway },
    ...DEMONSTRATION_EXTENSIONS.map((extension) => mailbox(extension, serverName, policy, { pins, random })),
    DEFAULT_SETTINGS,
  ];
}

function mailbox(
  extension: string,
  serverName: string,
  mailboxPolicy: string,
  { pins, random }: { readonly pins: ReadonlyMap<string, HashedPin>; readonly random: Random },
): UMMailbox {
  const pin = pins.get(extension);
  return {
    kind: 'mailbox',
    id: random.hex(16),
    address: `${extension}@${serverName}`,
    displayName: `Mailbox ${extension}`,
    extensions: [extension],
    mailboxPolicy,
    emailAddresses: [],
    ...(pin ? { pin } : {}),
  };
}
