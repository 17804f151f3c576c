import type { G711Law } from '../../base/g711-law.js';
import type { HostPort } from '../sip/flow.js';
import {
  AUDIO_PROTOCOL,
  type AudioStream,
  describeMedia,
  readAudioStream,
  type SdpDirection,
  type UnusableStream,
} from './audio-stream.js';
import type { MediaDescription, SdpAddress, SdpAttribute, SessionDescription } from './session-description.js';

/** What one offer and one answer agreed on for the audio stream, from our side. */
export interface AudioTerms {
  readonly remote: HostPort;
  readonly remoteRtcp: HostPort;
  readonly law: G711Law;
  readonly payloadType: number;
  readonly telephoneEvent: number | undefined;
  /** 10, 20, 30, 40, 50 or 60. */
  readonly ptimeMs: number;
  /** False while the peer does not want to hear us. */
  readonly send: boolean;
  /** False while the peer holds us, even if it sends music meanwhile: what comes then is nobody's message. */
  readonly receive: boolean;
}

/** The end of a stream that is ours, and the head of our descriptions. */
export interface LocalAudio {
  /** Told in `o=` and `c=`. */
  readonly address: SdpAddress;
  /** Even; RTCP is on the port above, so no `a=rtcp` is needed (RFC 3605). */
  readonly port: number;
  /** Decimal digits, the same for the whole dialog. */
  readonly sessionId: string;
  /** Raised by one for each description that differs from the last (RFC 3264 §8). */
  readonly sessionVersion: number;
}

/** The one audio stream that is taken of an offer. */
export interface ChosenStream extends AudioStream {
  /** Which of the offer's `m=` lines. */
  readonly index: number;
}

/** Payload type of telephone-event in offers of ours. */
const OWN_TELEPHONE_EVENT = 101;

/** Keys and flash: RFC 4733 §3.2, Table 7. */
const EVENTS = '0-16';

/**
 * Picks the first audio stream of a description that can be used.
 *
 * @returns the stream, or why none can be used: the detail names what was offered and what is taken
 */
export function chooseAudio(description: SessionDescription): ChosenStream | UnusableStream {
  let broken: UnusableStream | undefined;
  for (const [index, media] of description.media.entries()) {
    const stream = readAudioStream(description, media);
    if ('law' in stream) return { ...stream, index };
    if (stream.code === 'offer-unusable' && media.port !== 0) broken ??= stream;
  }
  if (broken) return broken;
  const open = description.media.filter(({ port }) => port !== 0);
  if (open.length === 0) return { code: 'offer-unusable', detail: 'it has no open stream' };
  const offered = open.slice(0, 4).map(describeMedia).join('; ');
  return { code: 'no-common-codec', detail: `offered: ${offered}; taken: audio RTP/AVP PCMU (0) or PCMA (8)` };
}

/** What a stream of the peer's means for us. */
export function termsOf(stream: AudioStream): AudioTerms {
  const peerListens = stream.direction === 'sendrecv' || stream.direction === 'recvonly';
  return {
    remote: { address: stream.address.address, port: stream.port },
    remoteRtcp: stream.rtcp,
    law: stream.law,
    payloadType: stream.payloadType,
    telephoneEvent: stream.telephoneEvent,
    ptimeMs: stream.ptimeMs,
    send: peerListens && !stream.isNowhere,
    receive: stream.direction === 'sendrecv' && !stream.isNowhere,
  };
}

/**
 * The answer to an offer: the chosen stream with one codec and telephone-event, every other stream refused in its place.
 *
 * @see RFC 3264 §6
 */
export function answerOffer(offer: SessionDescription, chosen: ChosenStream, local: LocalAudio): SessionDescription {
  const media = offer.media.map((offered, index) =>
    index === chosen.index ? answeredStream(chosen, local) : refusedStream(offered),
  );
  return describe(local, media);
}

function answeredStream(chosen: ChosenStream, local: LocalAudio): MediaDescription {
  const events = chosen.telephoneEvent;
  return {
    media: 'audio',
    port: local.port,
    portCount: 1,
    protocol: AUDIO_PROTOCOL,
    formats: [chosen.payloadType, ...(events === undefined ? [] : [events])].map(String),
    attributes: [
      { name: answeredDirection(chosen) },
      rtpMap(chosen.payloadType, `${chosen.law}/8000`),
      ...(events === undefined ? [] : eventAttributes(events, chosen.telephoneEventClock)),
      { name: 'ptime', value: String(chosen.ptimeMs) },
    ],
  };
}

/** Port 0, the offered formats, nothing else (RFC 3264 §6). */
function refusedStream({ media, protocol, formats }: MediaDescription): MediaDescription {
  return { media, port: 0, portCount: 1, protocol, formats, attributes: [] };
}

const MIRRORED: Readonly<Record<SdpDirection, SdpDirection>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

/** RFC 3264 §6.1; an offer without address cannot be sent to, whatever its direction says (§8.4). */
function answeredDirection({ direction, isNowhere }: AudioStream): SdpDirection {
  const mirrored = MIRRORED[direction];
  if (!isNowhere) return mirrored;
  return mirrored === 'sendrecv' || mirrored === 'recvonly' ? 'recvonly' : 'inactive';
}

/** What stays as it was when an offer of ours follows an earlier description of the dialog. */
export interface OfferHistory {
  /** Our last description: its streams keep their places (RFC 3264 §8). */
  readonly description: SessionDescription;
  readonly terms: AudioTerms;
}

/** An offer of ours: PCMU, PCMA and telephone-event; in a dialog that has a stream already, with the same numbers, its codec first. */
export function makeOffer(local: LocalAudio, history?: OfferHistory): SessionDescription {
  const laws: readonly G711Law[] = history?.terms.law === 'PCMA' ? ['PCMA', 'PCMU'] : ['PCMU', 'PCMA'];
  const events = history?.terms.telephoneEvent ?? OWN_TELEPHONE_EVENT;
  const types = laws.map((law) => (law === 'PCMU' ? 0 : 8));
  const stream: MediaDescription = {
    media: 'audio',
    port: local.port,
    portCount: 1,
    protocol: AUDIO_PROTOCOL,
    formats: [...types, events].map(String),
    attributes: [
      { name: 'sendrecv' },
      ...laws.map((law, place) => rtpMap(types[place] ?? 0, `${law}/8000`)),
      ...eventAttributes(events, 8_000),
      { name: 'ptime', value: String(history?.terms.ptimeMs ?? 20) },
    ],
  };
  const earlier = history?.description.media ?? [];
  const own = earlier.findIndex(({ port }) => port !== 0);
  if (own < 0) return describe(local, [stream]);
  return describe(local, earlier.map((media, index) => (index === own ? stream : refusedStream(media)))); // prettier-ignore
}

function describe(local: LocalAudio, media: readonly MediaDescription[]): SessionDescription {
  const { address, sessionId, sessionVersion } = local;
  return {
    origin: { username: '-', sessionId, sessionVersion: String(sessionVersion), address },
    sessionName: 'session',
    connection: address,
    attributes: [],
    media,
  };
}

function rtpMap(payloadType: number, encoding: string): SdpAttribute {
  return { name: 'rtpmap', value: `${String(payloadType)} ${encoding}` };
}

function eventAttributes(payloadType: number, clock: number): readonly SdpAttribute[] {
  return [
    rtpMap(payloadType, `telephone-event/${String(clock)}`),
    { name: 'fmtp', value: `${String(payloadType)} ${EVENTS}` },
  ];
}
