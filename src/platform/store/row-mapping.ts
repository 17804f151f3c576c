import type { OutboxJob, StoredMessage } from '../../mailbox/message.js';
import type { JobRow, MessageRow } from './sql-schema.js';

/** A message as a row. */
export function toMessageRow(message: StoredMessage): MessageRow {
  return {
    id: message.id,
    kind: message.kind,
    message_id: message.messageId,
    mailbox: message.mailbox,
    mailbox_address: message.mailboxAddress,
    caller_number: message.callerNumber,
    caller_name: message.callerName,
    called_extension: message.calledExtension,
    call_id: message.callId,
    started_at_ms: message.startedAtMs,
    duration_ms: message.durationMs,
    codec: message.codec ?? null,
    audio_file: message.audioFile ?? null,
    is_read: message.read ? 1 : 0,
    is_urgent: message.urgent ? 1 : 0,
    is_private: message.private ? 1 : 0,
    is_partial: message.partial ? 1 : 0,
  };
}

/** A row as the message it holds. */
export function toMessage(row: MessageRow): StoredMessage {
  return {
    id: row.id,
    kind: row.kind,
    messageId: row.message_id,
    mailbox: row.mailbox,
    mailboxAddress: row.mailbox_address,
    callerNumber: row.caller_number,
    callerName: row.caller_name,
    calledExtension: row.called_extension,
    callId: row.call_id,
    startedAtMs: row.started_at_ms,
    durationMs: row.duration_ms,
    codec: row.codec ?? undefined,
    audioFile: row.audio_file ?? undefined,
    read: row.is_read === 1,
    urgent: row.is_urgent === 1,
    private: row.is_private === 1,
    partial: row.is_partial === 1,
  };
}

/** A job as a row. */
export function toJobRow(job: OutboxJob): JobRow {
  return {
    id: job.id,
    kind: job.kind,
    message: job.message,
    recipient: job.recipient,
    state: job.state,
    attempts: job.attempts,
    created_at_ms: job.createdAtMs,
    next_attempt_at_ms: job.nextAttemptAtMs,
    last_error: job.lastError ?? null,
  };
}

/** A row as the job it holds. */
export function toJob(row: JobRow): OutboxJob {
  return {
    id: row.id,
    kind: row.kind,
    message: row.message,
    recipient: row.recipient,
    state: row.state,
    attempts: row.attempts,
    createdAtMs: row.created_at_ms,
    nextAttemptAtMs: row.next_attempt_at_ms,
    lastError: row.last_error ?? undefined,
  };
}
