import type { ErrorCode } from '../base/errors.js';
import { PRODUCT } from '../base/version.js';
import type { Directory } from '../directory/directory.js';
import type { Flow } from '../protocol/sip/flow.js';
import { messageFault, type SipRequest } from '../protocol/sip/message.js';
import type { ResponseParts } from '../protocol/sip/response.js';
import { statelessTag } from '../protocol/sip/stateless-tag.js';
import { resolveCalled } from './call-resolution.js';
import { ACCEPT, ALLOW, SUPPORTED, lackingExtensions } from './capabilities.js';

export interface StatelessRefusal {
  readonly kind: 'refuse';
  readonly code: ErrorCode;
  readonly detail: string;
}

export type StatelessAnswer =
  | { readonly kind: 'none' }
  | { readonly kind: 'respond'; readonly parts: ResponseParts }
  | StatelessRefusal
  /** An INVITE that resolved: the caller picks the port, or waits for a worker. */
  | { readonly kind: 'redirect' };

/** Requests that only make sense within a call: those of a call that is not ours. */
const IN_DIALOG_METHODS = new Set(['BYE', 'UPDATE']);

/**
 * What router and UM service answer: a stateless UAS (RFC 3261 §8.2.7) that remembers nothing between two requests. ACK and
 * CANCEL are ignored, as the RFC says of such a server.
 */
export function answerStateless(request: SipRequest, flow: Flow, directory: Directory | undefined): StatelessAnswer {
  const { method } = request;
  if (method === 'ACK' || method === 'CANCEL') return { kind: 'none' };
  const fault = messageFault(request);
  if (fault) return { kind: 'refuse', ...fault };
  if (IN_DIALOG_METHODS.has(method)) return unknownDialog(request);
  if (method !== 'INVITE' && method !== 'OPTIONS') {
    return { kind: 'refuse', code: 'method-not-allowed', detail: `the method is ${method}` };
  }
  if (!isOutsideDialog(request)) return unknownDialog(request);
  return method === 'OPTIONS'
    ? { kind: 'respond', parts: capabilities(request) }
    : answerInvite(request, flow, directory);
}

function answerInvite(request: SipRequest, flow: Flow, directory: Directory | undefined): StatelessAnswer {
  const lacking = lackingExtensions(request);
  if (lacking.length > 0) {
    return { kind: 'refuse', code: 'extension-unsupported', detail: lacking.join(', ') };
  }
  const resolution = resolveCalled(request, flow, directory);
  return resolution.kind === 'refuse' ? resolution : { kind: 'redirect' };
}

/**
 * True without To tag, and with the one that our router or service gave this Call-ID: some gateways keep all identifiers
 * across a redirect, and theirs is a new call.
 */
function isOutsideDialog(request: SipRequest): boolean {
  const tag = request.toTag;
  return tag === undefined || tag === statelessTag(request.callId);
}

function unknownDialog(request: SipRequest): StatelessRefusal {
  const tag = request.toTag ?? '';
  const found = tag === '' ? 'the request has no To tag' : `the To tag is ${tag}`;
  return { kind: 'refuse', code: 'dialog-unknown', detail: found };
}

/** RFC 3261 §11.2. */
function capabilities(request: SipRequest): ResponseParts {
  return {
    status: 200,
    toTag: statelessTag(request.callId),
    headers: [
      ['Allow', ALLOW],
      ['Accept', ACCEPT],
      ['Supported', SUPPORTED],
      ['Server', PRODUCT],
    ],
  };
}
