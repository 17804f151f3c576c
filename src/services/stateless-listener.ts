import type { ErrorCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Directory } from '../directory/directory.js';
import type { SipReceiver } from '../platform/sip/sip-transport.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipMessage, SipRequest } from '../protocol/sip/message.js';
import type { HeaderLine } from '../protocol/sip/request.js';
import { formatResponse, type ResponseParts } from '../protocol/sip/response.js';
import { statelessTag } from '../protocol/sip/stateless-tag.js';
import { redirectContact, type RedirectTarget } from '../routing/redirect.js';
import { logRefusal, refusal } from '../routing/refusal.js';
import { answerStateless } from '../routing/stateless-server.js';

export interface StatelessListenerOptions {
  readonly log: Logger;
  /** Named in `ms-diagnostics`. */
  readonly serverName: () => string;
  readonly directory: () => Directory | undefined;
  /** Hands a message to the transport; false: the connection is gone. */
  send(flowId: string, wire: string): boolean;
  /** An INVITE that found its mailbox: redirect it, refuse it, or hold it. */
  onInvite(request: SipRequest, flow: Flow): void;
  onFlowClosed?(flow: Flow): void;
}

/**
 * What call router and UM service have in common: a stateless user agent server that answers from memory.
 *
 * @see RFC 3261 §8.2.7
 */
export class StatelessListener implements SipReceiver {
  readonly #options: StatelessListenerOptions;

  constructor(options: StatelessListenerOptions) {
    this.#options = options;
  }

  onMessage(message: SipMessage, flow: Flow): void {
    if (message.kind === 'response') return; // we never asked
    const answer = answerStateless(message, flow, this.#options.directory());
    switch (answer.kind) {
      case 'none':
        return;
      case 'redirect':
        this.#options.onInvite(message, flow);
        return;
      case 'respond':
        this.#respond(message, flow, answer.parts);
        return;
      case 'refuse':
        this.refuse(message, flow, answer);
        return;
    }
  }

  onFault(code: ErrorCode, detail: string, flow: Flow): void {
    this.#options.log.debug(
      { event: 'fault-answered', code, detail, flow: flow.id },
      'the transport refused a message',
    );
  }

  onFlowClosed(flow: Flow): void {
    this.#options.onFlowClosed?.(flow);
  }

  /** 302 with the Contact that leads to `target` of this server. */
  redirect(request: SipRequest, flow: Flow, target: RedirectTarget): void {
    const headers: readonly HeaderLine[] = [['Contact', redirectContact(request, flow, target)]];
    this.#respond(request, flow, { status: 302, toTag: toTagFor(request), headers });
  }

  /** The refusal's response to the peer, and its line in the log. */
  refuse(request: SipRequest, flow: Flow, why: { readonly code: ErrorCode; readonly detail: string }): void {
    logRefusal(this.#options.log, { request, flow, code: why.code, detail: why.detail });
    const parts = refusal(why.code, why.detail, this.#options.serverName());
    this.#respond(request, flow, { ...parts, toTag: toTagFor(request) });
  }

  #respond(request: SipRequest, flow: Flow, parts: ResponseParts): void {
    this.#options.send(flow.id, formatResponse(request, parts, flow.peer));
  }
}

function toTagFor(request: SipRequest): string {
  return statelessTag(request.header('call-id') ?? '');
}
