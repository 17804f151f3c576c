import type { SipFault, SipRequest } from '../../protocol/sip/message.js';
import { SUPPORTED_EXTENSIONS } from '../../routing/capabilities.js';

/**
 * What RFC 3261 asks a server to check before it looks at what a sound request asks for: extensions that the peer requires
 * (§8.2.2.3), and hops left, which OPTIONS may have used up (§11).
 *
 * @returns undefined when the request may be handled; always for ACK and CANCEL, which nobody may refuse for this
 */
export function screenRequest(request: SipRequest): SipFault | undefined {
  const { method } = request;
  if (method === 'ACK' || method === 'CANCEL') return undefined;
  const unsupported = request.list('require').filter((tag) => !SUPPORTED_EXTENSIONS.includes(tag.toLowerCase()));
  if (unsupported.length > 0) return { code: 'extension-unsupported', detail: unsupported.join(', ') };
  if (method !== 'OPTIONS' && Number(request.header('max-forwards') ?? '70') === 0) {
    return { code: 'too-many-hops', detail: `Max-Forwards of the ${method} is 0` };
  }
  return undefined;
}
