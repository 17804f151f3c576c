import type { SipRequest, SipResponse } from './message.js';

/** Begins every branch of a sender that follows RFC 3261 (§8.1.1.7). */
export const MAGIC_COOKIE = 'z9hG4bK';

/**
 * What all requests of one server transaction have in common (RFC 3261 §17.2.3): branch, sent-by and method, ACK
 * counting as INVITE. For a sender older than the magic cookie: Request-URI, From tag, Call-ID, CSeq number and top Via,
 * which an ACK shares with its INVITE; the To tag is left out, because the ACK alone has ours.
 *
 * @param method - another than the request's own: `INVITE` finds what a CANCEL means (§9.2)
 * @throws SipSyntaxError for a message that messageFault() finds fault with
 */
export function serverTransactionKey(request: SipRequest, method = request.method): string {
  const { branch, sentBy } = request.topVia;
  const keyMethod = method === 'ACK' ? 'INVITE' : method;
  if (branch !== undefined && branch.length > MAGIC_COOKIE.length && branch.startsWith(MAGIC_COOKIE)) {
    return `${branch} ${sentBy} ${keyMethod}`;
  }
  const { requestUri, fromTag = '', callId, cseq } = request;
  const via = request.list('via')[0] ?? '';
  return `${requestUri} ${fromTag} ${callId} ${String(cseq.number)} ${via} ${keyMethod}`;
}

/**
 * What a response has in common with the request that it answers (RFC 3261 §17.1.3): branch and CSeq method.
 *
 * @throws SipSyntaxError for a message that messageFault() finds fault with
 */
export function clientTransactionKey(response: SipResponse): string {
  return `${response.topVia.branch ?? ''} ${response.cseq.method}`;
}
