import type { LogFacts, Logger } from '../base/logger.js';
import type { MessageFacts } from '../mailbox/message.js';
import { type Flow, hostPortText } from '../protocol/sip/flow.js';
import type { CallSession } from './call-session.js';
import type { MediaParameters, MediaStatistics } from './media-port.js';

/** What each line about a call says of it. */
function identify(facts: MessageFacts): LogFacts {
  return {
    callId: facts.callId,
    mailbox: facts.mailboxAddress,
    extension: facts.calledExtension,
    caller: facts.callerNumber,
  };
}

/** One line for each call that is answered. */
export function logCallAnswered(
  log: Logger,
  facts: MessageFacts,
  flow: Flow,
  media: MediaParameters | undefined,
): void {
  const peer = hostPortText(flow.peer);
  const remote = media && { law: media.law, rtp: hostPortText(media.remote) };
  log.info(
    { event: 'call-answered', ...identify(facts), peer, ...remote },
    `a call for ${facts.mailboxAddress} is answered${media ? '' : '; the caller was sent our offer'}`,
  );
}

/** The caller gave up before there was an answer: neither a message nor a missed call, as with Exchange UM. */
export function logCallCancelled(log: Logger, facts: MessageFacts): void {
  log.info({ event: 'call-cancelled', ...identify(facts) }, 'the caller hung up before the call was answered');
}

/** The one line for the end of each call that was answered. */
export function logCallEnded(
  log: Logger,
  session: CallSession,
  durationMs: number,
  statistics: MediaStatistics | undefined,
): void {
  const { facts, legacy, ending, recordedMs } = session;
  const left = legacy === 'message' ? facts.id : null;
  const why = ending ?? 'hung-up';
  log.info(
    {
      event: 'call-ended',
      ...identify(facts),
      why,
      durationMs: Math.round(durationMs),
      recordedMs,
      left: legacy,
      message: left,
      ...(statistics && { ...statistics, jitterMs: Math.round(statistics.jitterMs) }),
    },
    `a call for ${facts.mailboxAddress} is over (${why}) after ${String(Math.round(durationMs / 1_000))} s; it left ${WORDS[legacy]}`,
  );
}

const WORDS = { message: 'a message', 'missed-call': 'a missed call', nothing: 'nothing' } as const;
