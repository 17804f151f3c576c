import type { SipRequest } from '../protocol/sip/message.js';

/** Methods that a call of ours takes; what Allow says, on every listener. */
export const ALLOWED_METHODS: readonly string[] = ['INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'UPDATE'];

export const ALLOW = ALLOWED_METHODS.join(', ');

/** The one type of body that is taken in. */
export const ACCEPT = 'application/sdp';

/** SIP extensions that may stand in Require; History-Info is read. */
export const SUPPORTED_EXTENSIONS: readonly string[] = ['histinfo'];

/** What a request requires and we lack, as it wrote it (RFC 3261 section 8.2.2.3). */
export function lackingExtensions(request: SipRequest): readonly string[] {
  return request.list('require').filter((tag) => !SUPPORTED_EXTENSIONS.includes(tag.toLowerCase()));
}

export const SUPPORTED = SUPPORTED_EXTENSIONS.join(', ');
