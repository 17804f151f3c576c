import { ERRORS } from '../../base/errors.js';
import type { Logger } from '../../base/logger.js';
import { hostPortText, type Flow } from '../../protocol/sip/flow.js';
import { indexMessage, type SipFault, type SipRequest } from '../../protocol/sip/message.js';
import { formatResponse, type ResponseParts } from '../../protocol/sip/response.js';
import { statelessTag } from '../../protocol/sip/stateless-tag.js';
import { SipSyntaxError } from '../../protocol/sip/syntax-error.js';
import { refusal } from '../../routing/refusal.js';

/** Stands in for what has no start line of SIP, so that its sender is told at least the status. */
const UNREADABLE = 'UNREADABLE sip:unreadable SIP/2.0\r\n\r\n';

/** Makes what a peer is told, and what the log says, of messages that are refused without a transaction. */
export class MessageRefuser {
  readonly #log: Logger;
  readonly #source: string;

  /** `source`: this server's name, as told in ms-diagnostics. */
  constructor(log: Logger, source: string) {
    this.#log = log;
    this.#source = source;
  }

  /** The response to a request that is refused. */
  parts(fault: SipFault): ResponseParts {
    return refusal(fault.code, fault.detail, this.#source);
  }

  /**
   * Logs the refusal of a request, and makes its response.
   *
   * @returns undefined for an ACK, which nobody answers
   */
  refuse(request: SipRequest, fault: SipFault, flow: Flow): string | undefined {
    const parts = this.parts(fault);
    this.log(fault, flow, { method: request.method, status: parts.status, callId: request.header('call-id') });
    return request.method === 'ACK' ? undefined : answer(request, parts, flow);
  }

  /** The response to a request that is refused, for one of so many that they are not logged one by one. */
  refuseUnlogged(request: SipRequest, fault: SipFault, flow: Flow): string {
    return answer(request, this.parts(fault), flow);
  }

  /**
   * The same for bytes that are no whole message, or have no start line of SIP.
   *
   * @returns undefined for what nobody answers: responses and ACK
   */
  refuseWire(wire: string, fault: SipFault, flow: Flow): string | undefined {
    const request = requestIn(wire);
    if (request !== undefined) return this.refuse(request, fault, flow);
    this.log(fault, flow, {});
    return undefined;
  }

  /** The log line of a message that is not answered. */
  log(fault: SipFault, flow: Flow, facts: Readonly<Record<string, unknown>>): void {
    const { summary, advice } = ERRORS[fault.code];
    this.#log.warn(
      { event: 'message-refused', peer: hostPortText(flow.peer), code: fault.code, detail: fault.detail, ...facts },
      `Refused a message: ${summary} (${fault.detail}); ${advice}`,
    );
  }
}

function answer(request: SipRequest, parts: ResponseParts, flow: Flow): string {
  const toTag = statelessTag(request.header('call-id') ?? '');
  return formatResponse(request, { ...parts, toTag }, flow.peer);
}

/** Undefined for what is a response or an ACK, or tries to be. */
function requestIn(wire: string): SipRequest | undefined {
  if (wire.startsWith('SIP/') || /^ACK\s/.test(wire)) return undefined;
  try {
    return readRequest(wire);
  } catch (error) {
    if (!(error instanceof SipSyntaxError)) throw error;
    return readRequest(UNREADABLE);
  }
}

function readRequest(wire: string): SipRequest | undefined {
  const message = indexMessage(wire);
  return message.kind === 'request' ? message : undefined;
}
