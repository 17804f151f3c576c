import type { Flow } from '../../../src/protocol/sip/flow.js';
import { indexMessage, type SipRequest } from '../../../src/protocol/sip/message.js';

/** A call as a gateway sends it; headers of the same name replace those here. */
export interface InviteFacts {
  readonly method?: string;
  readonly uri?: string;
  readonly from?: string;
  readonly to?: string;
  readonly maxForwards?: string;
  readonly headers?: readonly string[];
}

export function requestOf(facts: InviteFacts = {}): SipRequest {
  const method = facts.method ?? 'INVITE';
  const uri = facts.uri ?? 'sip:5000@um.example';
  const message = indexMessage(
    [
      `${method} ${uri} SIP/2.0`,
      'Via: SIP/2.0/TCP 192.0.2.5;branch=z9hG4bK1',
      `From: ${facts.from ?? '<sip:5551234@192.0.2.5>'};tag=a`,
      `To: ${facts.to ?? '<sip:5000@um.example>'}`,
      'Call-ID: call-1@192.0.2.5',
      `CSeq: 1 ${method}`,
      `Max-Forwards: ${facts.maxForwards ?? '70'}`,
      ...(facts.headers ?? []),
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n'),
  );
  if (message.kind !== 'request') throw new Error('no request');
  return message;
}

export function flowOf(
  facts: { readonly peer?: string; readonly local?: string; readonly transport?: Flow['transport'] } = {},
): Flow {
  return {
    id: 'flow-1',
    transport: facts.transport ?? 'tcp',
    peer: { address: facts.peer ?? '192.0.2.5', port: 40_000 },
    local: { address: facts.local ?? '192.0.2.10', port: 5060 },
  };
}
