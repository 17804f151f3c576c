import type {
  IncomingTransaction,
  OutgoingTransaction,
  RequestRoute,
  ResponseListener,
  SignallingPort,
} from '../../src/call/signalling-port.js';
import type { Flow } from '../../src/protocol/sip/flow.js';
import { indexMessage, SipRequest, SipResponse } from '../../src/protocol/sip/message.js';
import type { RequestParts } from '../../src/protocol/sip/request.js';
import { formatResponse, type ResponseParts } from '../../src/protocol/sip/response.js';

/** The connection of a gateway at 192.0.2.10 to our port 5065. */
export function flowOf(id = 'flow-1', peer = '192.0.2.10'): Flow {
  return {
    id,
    transport: 'tcp',
    peer: { address: peer, port: 40_000 },
    local: { address: '198.51.100.1', port: 5_065 },
  };
}

export interface RequestText {
  readonly method: string;
  readonly uri?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request as a gateway sends it. */
export function requestOf(text: RequestText): SipRequest {
  const { method, callId = 'call-1@pbx', cseq = 1, fromTag = 'from-1', toTag, headers = [], body = '' } = text;
  const wire = [
    `${method} ${text.uri ?? 'sip:5000@198.51.100.1:5065;transport=tcp'} SIP/2.0`,
    `Via: SIP/2.0/TCP 192.0.2.10:5060;branch=z9hG4bK-${method}-${String(cseq)}-${callId}`,
    'Max-Forwards: 70',
    `From: "Ann" <sip:5551234@192.0.2.10>;tag=${fromTag}`,
    `To: <sip:5000@198.51.100.1>${toTag === undefined ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${String(cseq)} ${method}`,
    ...(headers.some((line) => line.startsWith('Contact:')) ? [] : ['Contact: <sip:gw@192.0.2.10:5060;transport=tcp>']),
    ...headers,
    ...(body === '' || headers.some((line) => line.startsWith('Content-Type:'))
      ? []
      : ['Content-Type: application/sdp']),
    `Content-Length: ${String(body.length)}`,
    '',
    body,
  ].join('\r\n');
  const message = indexMessage(wire);
  if (message instanceof SipRequest) return message;
  throw new Error('no request');
}

let serial = 0;

/** A request of the peer, and what we responded. */
export class ScriptedTransaction implements IncomingTransaction {
  readonly id = `transaction-${String((serial += 1))}`;
  readonly request: SipRequest;
  readonly flow: Flow;
  readonly responses: SipResponse[] = [];

  constructor(request: SipRequest, flow: Flow = flowOf()) {
    this.request = request;
    this.flow = flow;
  }

  get statuses(): readonly number[] {
    return this.responses.map(({ status }) => status);
  }

  get last(): SipResponse {
    const last = this.responses.at(-1);
    if (!last) throw new Error('there was no response');
    return last;
  }

  respond(parts: ResponseParts): void {
    const response = indexMessage(formatResponse(this.request, { toTag: 'stack', ...parts }, this.flow.peer));
    if (response instanceof SipResponse) this.responses.push(response);
  }
}

interface SentRequest {
  readonly parts: RequestParts;
  readonly route: RequestRoute;
  readonly listener: ResponseListener;
}

/** Writes down what a call sends; the test gives the answers. */
export class ScriptedSignalling implements SignallingPort {
  readonly sent: SentRequest[] = [];
  readonly acks: { readonly parts: RequestParts; readonly route: RequestRoute }[] = [];
  readonly repeated: string[] = [];
  readonly heldFlows: string[] = [];

  send(parts: RequestParts, route: RequestRoute, listener: ResponseListener): OutgoingTransaction {
    this.sent.push({ parts, route, listener });
    return { cancel: () => undefined };
  }

  sendAck(parts: RequestParts, route: RequestRoute): void {
    this.acks.push({ parts, route });
  }

  repeat(_transaction: IncomingTransaction, wire: string): void {
    this.repeated.push(wire);
  }

  holdFlow(flowId: string): void {
    this.heldFlows.push(flowId);
  }

  releaseFlow(flowId: string): void {
    this.heldFlows.splice(this.heldFlows.indexOf(flowId), 1);
  }

  /** The last request with this method. */
  lastOf(method: string): SentRequest {
    const found = this.sent.findLast(({ parts }) => parts.method === method);
    if (!found) throw new Error(`no ${method} was sent`);
    return found;
  }

  /** The peer answers the last request with this method; 0: nobody ever does. */
  answer(method: string, status: number): void {
    const { listener } = this.lastOf(method);
    if (status === 0) {
      listener.failed('timeout');
      return;
    }
    const request = requestOf({ method });
    const response = indexMessage(formatResponse(request, { status }, flowOf().peer));
    if (response instanceof SipResponse) listener.final(response, flowOf());
  }
}
