import type { DirectoryObject } from '../../src/directory/objects.js';
import type { MessageFacts, OutboxJob, StoredMessage } from '../../src/mailbox/message.js';

/** A message id made of one digit or more, repeated to its 32. */
export function idOf(digits: string): string {
  return digits.repeat(32).slice(0, 32);
}

export function factsOf(id: string, changes: Partial<MessageFacts> = {}): MessageFacts {
  return {
    id,
    mailbox: 'mailbox-1000',
    mailboxAddress: '1000@example.test',
    callerNumber: '5551234',
    callerName: 'Zoë "Ann" <a@b>',
    calledExtension: '1000',
    callId: `${id}@gateway`,
    startedAtMs: 1_700_000_000_000,
    ...changes,
  };
}

export function messageOf(id: string, changes: Partial<StoredMessage> = {}): StoredMessage {
  return {
    ...factsOf(id),
    kind: 'voice',
    messageId: `<${id}@um.example.test>`,
    durationMs: 2_500,
    codec: 'PCMU',
    audioFile: `messages/${id.slice(0, 2)}/${id}.wav`,
    read: false,
    urgent: false,
    private: false,
    partial: false,
    ...changes,
  };
}

export function jobOf(id: string, message: string, changes: Partial<OutboxJob> = {}): OutboxJob {
  return {
    id,
    kind: 'email',
    message,
    recipient: '1000@example.test',
    state: 'waiting',
    attempts: 0,
    createdAtMs: 1_000,
    nextAttemptAtMs: 1_000,
    lastError: undefined,
    ...changes,
  };
}

/** A dial plan with its policy, and the mailboxes 1000 and 1001. */
export function smallDirectory(): readonly DirectoryObject[] {
  const mailbox = (extension: string, emailAddresses: readonly string[]): DirectoryObject => ({
    kind: 'mailbox',
    id: `mailbox-${extension}`,
    address: `${extension}@example.test`,
    displayName: `User ${extension}`,
    extensions: [extension],
    mailboxPolicy: 'policy-1',
    emailAddresses,
  });
  return [
    {
      kind: 'dial-plan',
      id: 'plan-1',
      name: 'Plan',
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
      id: 'policy-1',
      name: 'Policy',
      dialPlan: 'plan-1',
      allowMissedCallNotifications: true,
      minPinLength: 6,
      voiceMailText: '',
    },
    mailbox('1000', []),
    mailbox('1001', ['a@example.test', 'b@example.test']),
    { kind: 'settings', id: 'settings', maxCallsAllowed: 100 },
  ];
}
