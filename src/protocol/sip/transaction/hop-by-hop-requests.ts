import type { HeaderLine, RequestParts } from '../request.js';

/** What an INVITE's ACK and CANCEL have in common with it; names compared in lower case. */
const SHARED_HEADERS: ReadonlySet<string> = new Set(['from', 'call-id', 'max-forwards', 'route']);

/**
 * The ACK of a final response from 300 to 699, which goes with the INVITE's own Via (RFC 3261 §17.1.1.3).
 *
 * @param to - value of the response's To header
 */
export function ackOfRefusal(invite: RequestParts, to: string): RequestParts {
  return followerOf(invite, 'ACK', to);
}

/** The CANCEL of a pending INVITE, which goes with the INVITE's own Via (RFC 3261 §9.1). */
export function cancelOf(invite: RequestParts): RequestParts {
  return followerOf(invite, 'CANCEL', undefined);
}

/** `to`: undefined for the INVITE's own. */
function followerOf(invite: RequestParts, method: string, to: string | undefined): RequestParts {
  const headers: HeaderLine[] = [];
  for (const [name, value] of invite.headers) {
    const lower = name.toLowerCase();
    if (SHARED_HEADERS.has(lower)) headers.push([name, value]);
    else if (lower === 'to') headers.push([name, to ?? value]);
    else if (lower === 'cseq') headers.push([name, value.replace(/[^ \t]+$/, method)]);
  }
  return { method, uri: invite.uri, headers };
}
