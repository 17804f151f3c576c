import { LIMITS } from '../base/limits.js';
import type { MessageFacts } from '../mailbox/message.js';
import type { CallAnsweringOptions } from '../menus/call-answering.js';
import type { CallAnswering } from '../routing/call-resolution.js';
import type { CallEnvironment } from './call-environment.js';

const MINUTE_MS = 60_000;

/** The facts of the message that a call may leave; made once, at the INVITE. */
export function factsOf(
  { mailbox, extension, callerNumber, callerName }: CallAnswering,
  callId: string,
  environment: Pick<CallEnvironment, 'random' | 'wallClock'>,
): MessageFacts {
  return {
    id: environment.random.hex(16),
    mailbox: mailbox.id,
    mailboxAddress: mailbox.address,
    callerNumber,
    callerName,
    calledExtension: extension,
    callId: callId.slice(0, LIMITS.callIdCharacters),
    startedAtMs: environment.wallClock.epochMs(),
  };
}

/** What dial plan and mailbox say about taking the message. */
export function answeringOptions({ dialPlan, mailbox }: CallAnswering, dataDirectory: string): CallAnsweringOptions {
  const { greetingFile } = mailbox;
  return {
    ...(greetingFile === undefined ? {} : { greetingFile: greetingPath(greetingFile, dataDirectory) }),
    recordingIdleTimeoutMs: dialPlan.recordingIdleTimeoutSeconds * 1_000,
    maxRecordingDurationMs: dialPlan.maxRecordingDurationMinutes * MINUTE_MS,
  };
}

/** MaxCallDuration, counted from the answer. */
export function longestCallMs({ dialPlan }: CallAnswering): number {
  return dialPlan.maxCallDurationMinutes * MINUTE_MS;
}

function greetingPath(file: string, dataDirectory: string): string {
  return file.startsWith('/') ? file : `${dataDirectory}/greetings/${file}`;
}
