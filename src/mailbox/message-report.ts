import type { DeliveryReport, MessageReport, OutboxReport } from './control-protocol.js';
import type { OutboxJob, StoredMessage } from './message.js';

/**
 * A message as commands print it.
 *
 * @param jobs - those of this message
 * @param absolute - makes a path of the data directory absolute
 */
export function messageReport(
  message: StoredMessage,
  jobs: readonly OutboxJob[],
  absolute: (audioFile: string) => string,
): MessageReport {
  return {
    id: message.id,
    kind: message.kind,
    mailbox: message.mailboxAddress,
    from: message.callerNumber,
    callerName: message.callerName,
    receivedAt: isoTime(message.startedAtMs),
    durationMs: message.durationMs,
    read: message.read,
    urgent: message.urgent,
    private: message.private,
    partial: message.partial,
    codec: message.codec ?? null,
    audioFile: message.audioFile === undefined ? null : absolute(message.audioFile),
    callId: message.callId,
    delivery: jobs.map(deliveryReport),
  };
}

/** A job as commands print it. */
export function outboxReport(job: OutboxJob): OutboxReport {
  return {
    id: job.id,
    message: job.message,
    recipient: job.recipient,
    createdAt: isoTime(job.createdAtMs),
    ...deliveryReport(job),
  };
}

function deliveryReport(job: OutboxJob): DeliveryReport {
  return {
    kind: job.kind,
    state: job.state,
    attempts: job.attempts,
    nextAttemptAt: job.state === 'waiting' ? isoTime(job.nextAttemptAtMs) : null,
    lastError: job.lastError ?? null,
  };
}

function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
