import type { SipRequest, SipResponse } from '../protocol/sip/message.js';
import { parseNameAddress } from '../protocol/sip/name-address.js';
import type { HeaderLine, RequestParts, SipBody } from '../protocol/sip/request.js';
import { formatUri, parseUri, type SipUri, type TelUri } from '../protocol/sip/uri.js';
import type { RequestRoute } from './signalling-port.js';

/** Max-Forwards of requests of ours: RFC 3261 §8.1.1.6. */
const MAX_FORWARDS = '70';

const DEFAULT_PORT = 5_060;
const DEFAULT_SECURE_PORT = 5_061;

/** The three parts of a dialog's name (RFC 3261 §12), from our side. */
export function dialogId(callId: string, localTag: string, remoteTag: string): string {
  return `${callId}\n${localTag}\n${remoteTag}`;
}

interface DialogParts {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** Value of our From, tag included. */
  readonly local: string;
  /** Value of our To, tag included. */
  readonly remote: string;
  readonly routeSet: readonly string[];
  readonly remoteTarget: string;
  readonly localSequence: number;
  readonly remoteSequence: number | undefined;
}

/**
 * What both ends know of each other: RFC 3261 §12. Finds the way of requests, and puts those of the peer in order; what a dialog
 * goes through from INVITE to BYE is {@link InviteDialog}'s.
 */
export class Dialog {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly #local: string;
  readonly #remote: string;
  /** URIs without brackets, the next hop first. */
  readonly #routeSet: readonly string[];
  #remoteTarget: string;
  #localSequence: number;
  #remoteSequence: number | undefined;

  private constructor(parts: DialogParts) {
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.#local = parts.local;
    this.#remote = parts.remote;
    this.#routeSet = parts.routeSet;
    this.#remoteTarget = parts.remoteTarget;
    this.#localSequence = parts.localSequence;
    this.#remoteSequence = parts.remoteSequence;
  }

  /**
   * The dialog that our answer to an INVITE makes (§12.1.1). A tag that its To has already, as after a redirect of ours, stays.
   *
   * @param localTag - goes into the To of responses, unless it stands there already
   * @throws SipSyntaxError when Contact or Record-Route cannot be used
   */
  static asServer(invite: SipRequest, localTag: string): Dialog {
    const to = invite.header('to') ?? '';
    return new Dialog({
      callId: invite.callId,
      localTag,
      remoteTag: invite.fromTag ?? '',
      local: invite.toTag === undefined ? `${to};tag=${localTag}` : to,
      remote: invite.header('from') ?? '',
      routeSet: routeSetOf(invite),
      remoteTarget: contactOf(invite),
      localSequence: 0,
      remoteSequence: invite.cseq.number,
    });
  }

  /**
   * The dialog that a peer's 2xx to an INVITE of ours makes (§12.1.2).
   *
   * @throws SipSyntaxError when Contact or Record-Route cannot be used
   */
  static asClient(response: SipResponse): Dialog {
    return new Dialog({
      callId: response.callId,
      localTag: response.fromTag ?? '',
      remoteTag: response.toTag ?? '',
      local: response.header('from') ?? '',
      remote: response.header('to') ?? '',
      routeSet: [...routeSetOf(response)].reverse(),
      remoteTarget: contactOf(response),
      localSequence: response.cseq.number,
      remoteSequence: undefined,
    });
  }

  get id(): string {
    return dialogId(this.callId, this.localTag, this.remoteTag);
  }

  /** The URI at which the peer takes requests. */
  get remoteTarget(): string {
    return this.#remoteTarget;
  }

  /** Puts a request of the peer in order (§12.2.2). @returns false when its CSeq is lower than the last one's */
  takeSequence(request: SipRequest): boolean {
    const { number } = request.cseq;
    if (this.#remoteSequence !== undefined && number < this.#remoteSequence) return false;
    this.#remoteSequence = number;
    return true;
  }

  /**
   * A target refresh request or its 2xx may move the peer (§12.2.2; UPDATE: RFC 3311 §5.1).
   *
   * @throws SipSyntaxError when the Contact cannot be used; the old one stays
   */
  refreshTarget(message: SipRequest | SipResponse): void {
    if (message.header('contact') !== undefined) this.#remoteTarget = contactOf(message);
  }

  /** The next request of ours, in order (§12.2.1.1). */
  request(method: string, headers: readonly HeaderLine[] = [], body?: SipBody): RequestParts {
    this.#localSequence += 1;
    return this.#build(method, this.#localSequence, { headers, ...(body ? { body } : {}) });
  }

  /** ACK of the 2xx to an INVITE of ours, which has the INVITE's number (§13.2.2.4). */
  ack(inviteSequence: number, body?: SipBody): RequestParts {
    return this.#build('ACK', inviteSequence, { headers: [], ...(body ? { body } : {}) });
  }

  /** Where requests of ours go: on the named connection while it is open, else to the first route or the peer's Contact. */
  route(preferredFlowId: string | undefined): RequestRoute {
    const next = parseUri(this.#routeSet[0] ?? this.#remoteTarget);
    return { ...addressOf(next), ...(preferredFlowId === undefined ? {} : { preferredFlowId }) };
  }

  #build(method: string, sequence: number, rest: Pick<RequestParts, 'headers' | 'body'>): RequestParts {
    const { uri, routes } = this.#path();
    return {
      ...rest,
      method,
      uri,
      headers: [
        ...(routes.length === 0 ? [] : [['Route', routes.map((route) => `<${route}>`).join(', ')] as const]),
        ['Max-Forwards', MAX_FORWARDS],
        ['From', this.#local],
        ['To', this.#remote],
        ['Call-ID', this.callId],
        ['CSeq', `${String(sequence)} ${method}`],
        ...rest.headers,
      ],
    };
  }

  /** Loose routing, or strict when the first proxy knows RFC 2543 only (§12.2.1.1). */
  #path(): { readonly uri: string; readonly routes: readonly string[] } {
    const [first, ...rest] = this.#routeSet;
    if (first === undefined) return { uri: this.#remoteTarget, routes: [] };
    const proxy = parseUri(first);
    if (proxy.parameters.has('lr')) return { uri: this.#remoteTarget, routes: this.#routeSet };
    return { uri: asRequestUri(proxy), routes: [...rest, this.#remoteTarget] };
  }
}

function routeSetOf(message: SipRequest | SipResponse): readonly string[] {
  return message.list('record-route').map((element) => checkedUri(parseNameAddress(element).uri));
}

/** @throws SipSyntaxError */
function contactOf(message: SipRequest | SipResponse): string {
  return checkedUri(parseNameAddress(message.list('contact')[0] ?? '').uri);
}

/** Parsed once here, so that no later request of ours can fail on it. */
function checkedUri(uri: string): string {
  parseUri(uri);
  return uri;
}

/** The parts of a URI that may stand in a Request-URI: no headers, no `method` (RFC 3261 §19.1.1, Table 1). */
function asRequestUri(uri: SipUri | TelUri): string {
  if (uri.scheme === 'tel') return formatUri(uri);
  const parameters = new Map([...uri.parameters].filter(([name]) => name !== 'method'));
  return formatUri({ ...uri, parameters, headers: new Map() });
}

/** Without a name service: host and port as they stand there. A `tel` URI leads nowhere but over an open connection. */
function addressOf(uri: SipUri | TelUri): Pick<RequestRoute, 'transport' | 'destination'> {
  if (uri.scheme === 'tel') return { transport: 'tcp', destination: { address: '', port: DEFAULT_PORT } };
  const isSecure = uri.scheme === 'sips' || uri.parameters.get('transport')?.toLowerCase() === 'tls';
  const address = uri.parameters.get('maddr') ?? uri.host;
  const port = uri.port ?? (isSecure ? DEFAULT_SECURE_PORT : DEFAULT_PORT);
  return { transport: isSecure ? 'tls' : 'tcp', destination: { address, port } };
}
