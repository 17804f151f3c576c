import type { OutboxJob, StoredMessage } from '../../src/mailbox/message.js';

/** A voice message of 22 seconds from a caller with number and name. */
export function sampleMessage(differences: Partial<StoredMessage> = {}): StoredMessage {
  const id = differences.id ?? '00112233445566778899aabbccddeeff';
  return {
    id,
    kind: 'voice',
    mailbox: 'mailbox-1000',
    mailboxAddress: '1000@example.test',
    callerNumber: '5551234',
    callerName: 'Ann Smith',
    calledExtension: '1000',
    callId: 'call-1@pbx.example.test',
    startedAtMs: 1_700_000_000_000,
    messageId: `<${id}@um.example.test>`,
    durationMs: 22_000,
    codec: 'PCMU',
    audioFile: 'audio/sample.wav',
    read: false,
    urgent: false,
    private: false,
    partial: false,
    ...differences,
  };
}

/** A job, due since the virtual clock's beginning, that mails the sample message. */
export function sampleJob(differences: Partial<OutboxJob> = {}): OutboxJob {
  return {
    id: 'job-1',
    kind: 'email',
    message: '00112233445566778899aabbccddeeff',
    recipient: '1000@example.test',
    state: 'waiting',
    attempts: 0,
    createdAtMs: 1_700_000_000_000,
    nextAttemptAtMs: 1_700_000_000_000,
    lastError: undefined,
    ...differences,
  };
}
