import type { G711Law } from '../../base/g711-law.js';
import { type IpAddress, isUnspecified, parseIpAddress } from '../../base/ip-address.js';
import {
  type MediaDescription,
  parseAddress,
  type SdpAddress,
  type SdpAttribute,
  type SessionDescription,
} from './session-description.js';

export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** The one profile that is spoken: G.711 in the clear. */
export const AUDIO_PROTOCOL = 'RTP/AVP';

/** Packet time of a peer that names none, in milliseconds (RFC 3551 §4.2). */
const DEFAULT_PTIME_MS = 20;
const SHORTEST_PTIME_MS = 10;
const LONGEST_PTIME_MS = 60;

/** What the static payload types of RFC 3551 §6 stand for, as far as gateways offer them without `a=rtpmap`. */
const STATIC_FORMATS: ReadonlyMap<string, string> = new Map([
  ['0', 'PCMU/8000'],
  ['3', 'GSM/8000'],
  ['4', 'G723/8000'],
  ['8', 'PCMA/8000'],
  ['9', 'G722/8000'],
  ['13', 'CN/8000'],
  ['15', 'G728/8000'],
  ['18', 'G729/8000'],
]);

/** What a media section says about an audio stream that can be used. */
export interface AudioStream {
  /** First G.711 format of the list: the list is in the peer's order of preference (RFC 3264 §6.1). */
  readonly law: G711Law;
  readonly payloadType: number;
  /** Payload type of telephone-event, the one with G.711's clock of 8000 Hz when there are several (RFC 4733 §2.1). */
  readonly telephoneEvent: number | undefined;
  /** The rate that `telephoneEvent` was mapped with, in Hz. */
  readonly telephoneEventClock: number;
  readonly address: SdpAddress;
  readonly port: number;
  readonly rtcp: { readonly address: string; readonly port: number };
  /** 10, 20, 30, 40, 50 or 60. */
  readonly ptimeMs: number;
  /** The peer's view. */
  readonly direction: SdpDirection;
  /** The peer gave no address to send to, which is hold as RFC 2543 had it. */
  readonly isNowhere: boolean;
}

/** Why a media section cannot be used: `code` of the error table, and what was found. */
export interface UnusableStream {
  readonly code: 'no-common-codec' | 'offer-unusable';
  readonly detail: string;
}

/** Reads one media section; session-level values count where the section has none of its own. */
export function readAudioStream(session: SessionDescription, media: MediaDescription): AudioStream | UnusableStream {
  if (media.port === 0) return { code: 'offer-unusable', detail: 'the stream is not open (port 0)' };
  const formats = readFormats(media);
  const first = formats.find(({ law }) => law !== undefined);
  const isAudio = media.media === 'audio' && media.protocol.toUpperCase() === AUDIO_PROTOCOL;
  if (!isAudio || first?.law === undefined) return { code: 'no-common-codec', detail: describeMedia(media) };
  const address = readAddress(session, media);
  if ('code' in address) return address;
  const event = telephoneEventOf(formats);
  return {
    law: first.law,
    payloadType: first.payloadType,
    telephoneEvent: event?.payloadType,
    telephoneEventClock: event?.clock ?? 8_000,
    address,
    port: media.port,
    rtcp: readRtcp(media, address),
    ptimeMs: readPtime(media.attributes),
    direction: readDirection(media.attributes) ?? readDirection(session.attributes) ?? 'sendrecv',
    isNowhere: address.isNowhere,
  };
}

function readAddress(
  session: SessionDescription,
  media: MediaDescription,
): (SdpAddress & { readonly isNowhere: boolean }) | UnusableStream {
  const found = media.connection ?? session.connection;
  if (!found) return { code: 'offer-unusable', detail: 'the audio stream has no c= line' };
  const literal = parseLiteral(found.address);
  if (literal) return { ...found, isNowhere: isUnspecified(literal) };
  const shown = found.address.slice(0, 60);
  return { code: 'offer-unusable', detail: `the address ${shown} of the stream is no IP address` };
}

/** A zone (`%eth0`) means something to its own machine only. */
function parseLiteral(text: string): IpAddress | undefined {
  return text.includes('%') ? undefined : parseIpAddress(text);
}

interface AudioFormat {
  readonly payloadType: number;
  readonly encoding: string;
  readonly clock: number;
  readonly law: G711Law | undefined;
}

function telephoneEventOf(formats: readonly AudioFormat[]): AudioFormat | undefined {
  const events = formats.filter(({ encoding }) => encoding === 'telephone-event');
  return events.find(({ clock }) => clock === 8_000) ?? events[0];
}

function readFormats(media: MediaDescription): readonly AudioFormat[] {
  const maps = readRtpMaps(media);
  return media.formats
    .filter((format) => /^\d{1,3}$/.test(format) && Number(format) < 128)
    .map((format) => {
      const [encoding = '', clock = '', channels = '1'] = (maps.get(format) ?? '').split('/');
      const name = encoding.toUpperCase();
      const isG711 = (name === 'PCMU' || name === 'PCMA') && clock === '8000' && channels === '1';
      return {
        payloadType: Number(format),
        encoding: encoding.toLowerCase(),
        clock: Number(clock),
        law: isG711 ? name : undefined,
      };
    });
}

/** Payload type to `ENCODING/CLOCK[/CHANNELS]`; `a=rtpmap` wins over the static meaning. */
function readRtpMaps(media: MediaDescription): ReadonlyMap<string, string> {
  const maps = new Map(STATIC_FORMATS);
  for (const value of valuesOf(media.attributes, 'rtpmap')) {
    const [payloadType = '', encoding = ''] = value.split(/\s+/);
    maps.set(payloadType, encoding);
  }
  return maps;
}

/** `a=rtcp:PORT [IN IP4 ADDRESS]`, else the port above RTP's (RFC 3605 §2.1). */
function readRtcp(media: MediaDescription, rtp: SdpAddress): AudioStream['rtcp'] {
  const [port = '', , type, host] = valuesOf(media.attributes, 'rtcp')[0]?.split(/\s+/) ?? [];
  const named = /^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536;
  const address = parseAddress(type, host);
  return {
    address: address && parseLiteral(address.address) ? address.address : rtp.address,
    port: named ? Number(port) : Math.min(media.port + 1, 65_535),
  };
}

/** The offered packet time, in steps of 10 ms and within what we send; `maxptime` bounds it (RFC 8866 §6.4). */
function readPtime(attributes: readonly SdpAttribute[]): number {
  const wanted = readMilliseconds(attributes, 'ptime') ?? DEFAULT_PTIME_MS;
  const longest = readMilliseconds(attributes, 'maxptime') ?? LONGEST_PTIME_MS;
  const steps = Math.floor(Math.min(wanted, longest, LONGEST_PTIME_MS) / 10);
  return Math.max(SHORTEST_PTIME_MS, 10 * steps);
}

function readMilliseconds(attributes: readonly SdpAttribute[], name: string): number | undefined {
  const value = Number.parseFloat(valuesOf(attributes, name)[0] ?? '');
  return value > 0 ? value : undefined;
}

const DIRECTIONS: readonly SdpDirection[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];

function readDirection(attributes: readonly SdpAttribute[]): SdpDirection | undefined {
  return DIRECTIONS.find((direction) => attributes.some(({ name }) => name === direction));
}

function valuesOf(attributes: readonly SdpAttribute[], name: string): readonly string[] {
  return attributes.flatMap((attribute) =>
    attribute.name === name && attribute.value !== undefined ? [attribute.value] : [],
  );
}

/** A media section for people: `audio RTP/AVP G729/8000 (18)`. */
export function describeMedia(media: MediaDescription): string {
  const maps = readRtpMaps(media);
  const formats = media.formats.slice(0, 8).map((format) => {
    const encoding = maps.get(format);
    return encoding === undefined ? format.slice(0, 20) : `${encoding.slice(0, 30)} (${format.slice(0, 20)})`;
  });
  return `${media.media.slice(0, 20)} ${media.protocol.slice(0, 30)} ${formats.join(', ')}`;
}
