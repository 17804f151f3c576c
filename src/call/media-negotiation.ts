import { UmError } from '../base/errors.js';
import type { G711Law } from '../base/g711-law.js';
import { parseIpAddress } from '../base/ip-address.js';
import {
  answerOffer,
  type AudioTerms,
  type ChosenStream,
  chooseAudio,
  type LocalAudio,
  makeOffer,
  type OfferHistory,
  termsOf,
} from '../protocol/sdp/offer-answer.js';
import {
  formatSessionDescription,
  parseSessionDescription,
  type SessionDescription,
} from '../protocol/sdp/session-description.js';
import { SdpSyntaxError } from '../protocol/sdp/syntax-error.js';
import type { MediaParameters } from './media-port.js';

/** A description of the peer's that can be used, and what was picked of it. */
export interface PeerDescription {
  readonly description: SessionDescription;
  readonly chosen: ChosenStream;
}

/**
 * Reads an offer or an answer of the peer.
 *
 * @param localAddress - of the connection that it came over: our socket has its family
 * @throws UmError 'malformed-message' when it is no SDP, 'no-common-codec' or 'offer-unusable' when nothing of it can be used
 */
export function readPeerDescription(text: string, localAddress: string): PeerDescription {
  const description = parseOrRefuse(text);
  const chosen = chooseAudio(description);
  if ('code' in chosen) throw new UmError(chosen.code, chosen.detail);
  const { address } = chosen.address;
  // Hold by 0.0.0.0 names no place at all.
  if (!chosen.isNowhere && familyOf(address) !== familyOf(localAddress)) {
    throw new UmError('offer-unusable', `the stream is at ${address}, the call came to ${localAddress}`);
  }
  return { description, chosen };
}

function familyOf(address: string): 'IP4' | 'IP6' {
  return address.includes(':') ? 'IP6' : 'IP4';
}

function parseOrRefuse(text: string): SessionDescription {
  try {
    return parseSessionDescription(text);
  } catch (error) {
    if (!(error instanceof SdpSyntaxError)) throw error;
    throw new UmError('malformed-message', `session description: ${error.message}`, { cause: error });
  }
}

export interface NegotiationOptions {
  /** Host told to the peer; also a name, when an admin advertises one. */
  readonly address: string;
  /** Of the socket: its family is told beside a name. */
  readonly localAddress: string;
  readonly port: number;
  /** Decimal digits. */
  readonly sessionId: string;
  readonly strictMedia: boolean;
}

/**
 * Offers and answers of one dialog, one after the other: keeps what the next one depends on, and says what the media session is
 * to do.
 *
 * @see RFC 3264 §8
 */
export class MediaNegotiation {
  readonly #options: NegotiationOptions;
  #history: OfferHistory | undefined;
  #last: SessionDescription | undefined;
  #version = -1;
  /** The peer began with a stream that it only sends: one way by nature, not on hold. */
  #isOneWay = false;

  constructor(options: NegotiationOptions) {
    this.#options = options;
  }

  /** What is agreed on now; undefined before the first answer. */
  get terms(): AudioTerms | undefined {
    return this.#history?.terms;
  }

  /** Answers an offer. @returns the body, and what the media session is to do from now on */
  answer(offer: PeerDescription): { readonly sdp: string; readonly parameters: MediaParameters } {
    const description = this.#versioned((local) => answerOffer(offer.description, offer.chosen, local));
    return { sdp: formatSessionDescription(description), parameters: this.#agree(description, offer.chosen) };
  }

  /** The body of an offer of ours. */
  offer(): string {
    return formatSessionDescription(this.#versioned((local) => makeOffer(local, this.#history)));
  }

  /** Takes the answer to the last offer of ours. */
  accept(answer: PeerDescription): MediaParameters {
    return this.#agree(this.#last ?? answer.description, answer.chosen);
  }

  #agree(description: SessionDescription, chosen: ChosenStream): MediaParameters {
    const before = this.#history?.terms;
    const isSendOnly = chosen.direction === 'sendonly';
    if (before === undefined) this.#isOneWay = isSendOnly;
    // Later `sendonly` is how a call is held (RFC 3264 §8.4): what is sent then is music, no part of a message.
    const heard = isSendOnly && this.#isOneWay ? { ...termsOf(chosen), receive: true } : termsOf(chosen);
    // Hold by 0.0.0.0 says nothing about where the peer is.
    const terms =
      chosen.isNowhere && before ? { ...heard, remote: before.remote, remoteRtcp: before.remoteRtcp } : heard;
    this.#history = { description, terms };
    return parametersOf(terms, this.#options.strictMedia);
  }

  /** The version is raised only when something else differs (RFC 3264 §8). */
  #versioned(make: (local: LocalAudio) => SessionDescription): SessionDescription {
    const { address, localAddress, port, sessionId } = this.#options;
    const type = familyOf(parseIpAddress(address) ? address : localAddress);
    const at = (sessionVersion: number): SessionDescription =>
      make({ address: { type, address }, port, sessionId, sessionVersion });
    const same = at(this.#version);
    const isSame = this.#last !== undefined && formatSessionDescription(this.#last) === formatSessionDescription(same);
    if (!isSame) this.#version += 1;
    this.#last = isSame ? same : at(this.#version);
    return this.#last;
  }
}

const STATIC_PAYLOAD_TYPES: Readonly<Record<G711Law, number>> = { PCMU: 0, PCMA: 8 };

function parametersOf(terms: AudioTerms, strictMedia: boolean): MediaParameters {
  const { payloadType, telephoneEvent, ...rest } = terms;
  return {
    ...rest,
    strictMedia,
    ...(payloadType === STATIC_PAYLOAD_TYPES[terms.law] ? {} : { payloadType }),
    ...(telephoneEvent === undefined ? {} : { telephoneEvent }),
  };
}
