import type { SipFault, SipRequest } from '../../protocol/sip/message.js';
import { lackingExtensions } from '../../routing/capabilities.js';

/**
 * What RFC 3261 asks a server to check before it looks at what a sound request asks for: extensions that the peer requires
 * (section 8.2.2.3). Max-Forwards 0 is no fault: it has arrived (RFC 4475 section 3.3.11).
 *
 * @returns undefined when the request may be handled; always for ACK and CANCEL, which nobody may refuse for this
 */
export function screenRequest(request: SipRequest): SipFault | undefined {
  if (request.method === 'ACK' || request.method === 'CANCEL') return undefined;
  const unsupported = lackingExtensions(request);
  return unsupported.length === 0 ? undefined : { code: 'extension-unsupported', detail: unsupported.join(', ') };
}
