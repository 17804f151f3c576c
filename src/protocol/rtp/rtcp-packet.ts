import { uint16, uint32, writeUint32 } from './rtp-packet.js';

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const GOODBYE = 203;
const CNAME = 1;
const NTP_EPOCH_S = 2_208_988_800;

/** What is told of a peer's stream. @see RFC 3550 §6.4.1 */
export interface ReportBlock {
  readonly ssrc: number;
  readonly fractionLost: number;
  readonly lost: number;
  readonly extendedHighest: number;
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the peer's last SR, and 1/65,536 s since it came; both 0 when none did. */
  readonly lastReport: number;
  readonly sinceLastReport: number;
}

/** What is told of our own stream; absent as long as nothing was sent. */
export interface SenderInfo {
  readonly epochMs: number;
  readonly timestamp: number;
  readonly packets: number;
  readonly octets: number;
}

export interface RtcpReport {
  readonly ssrc: number;
  readonly cname: string;
  readonly sender?: SenderInfo;
  readonly block?: ReportBlock;
  readonly bye: boolean;
}

/**
 * Writes a compound packet: SR (or RR), SDES with CNAME, and BYE when the stream ends.
 *
 * ```text
 *  SR 200 | NTP time, RTP time, packets, octets | report block     or RR 201 | report block
 *  SDES 202 | SSRC, CNAME item, zero padding to 32 bits
 *  BYE 203 | SSRC
 * ```
 *
 * @see RFC 3550 §6.1, §6.4, §6.5, §6.6
 */
export function formatRtcp(report: RtcpReport): Uint8Array {
  const name = Uint8Array.from(report.cname.slice(0, 255), (character) => character.charCodeAt(0) & 0x7f);
  const blocks = report.block ? 1 : 0;
  const reportBytes = (report.sender ? 28 : 8) + 24 * blocks;
  const descriptionBytes = 8 + 4 * Math.ceil((2 + name.length + 1) / 4);
  const bytes = new Uint8Array(reportBytes + descriptionBytes + (report.bye ? 8 : 0));
  writeHead(bytes, 0, { count: blocks, type: report.sender ? SENDER_REPORT : RECEIVER_REPORT, length: reportBytes });
  writeUint32(bytes, 4, report.ssrc);
  if (report.sender) writeSender(bytes, 8, report.sender);
  if (report.block) writeBlock(bytes, reportBytes - 24, report.block);
  writeHead(bytes, reportBytes, { count: 1, type: SOURCE_DESCRIPTION, length: descriptionBytes });
  writeUint32(bytes, reportBytes + 4, report.ssrc);
  bytes[reportBytes + 8] = CNAME;
  bytes[reportBytes + 9] = name.length;
  bytes.set(name, reportBytes + 10);
  if (report.bye) {
    writeHead(bytes, bytes.length - 8, { count: 1, type: GOODBYE, length: 8 });
    writeUint32(bytes, bytes.length - 4, report.ssrc);
  }
  return bytes;
}

interface Head {
  readonly count: number;
  readonly type: number;
  readonly length: number;
}

function writeHead(target: Uint8Array, at: number, { count, type, length }: Head): void {
  target[at] = 0x80 | count;
  target[at + 1] = type;
  target[at + 2] = ((length / 4 - 1) >> 8) & 0xff;
  target[at + 3] = (length / 4 - 1) & 0xff;
}

function writeSender(target: Uint8Array, at: number, sender: SenderInfo): void {
  const seconds = Math.floor(sender.epochMs / 1_000);
  writeUint32(target, at, seconds + NTP_EPOCH_S);
  writeUint32(target, at + 4, Math.floor(((sender.epochMs - seconds * 1_000) / 1_000) * 2 ** 32));
  writeUint32(target, at + 8, sender.timestamp);
  writeUint32(target, at + 12, sender.packets);
  writeUint32(target, at + 16, sender.octets);
}

function writeBlock(target: Uint8Array, at: number, block: ReportBlock): void {
  writeUint32(target, at, block.ssrc);
  writeUint32(target, at + 4, (block.fractionLost << 24) | (Math.min(block.lost, 0x7fffff) & 0xffffff));
  writeUint32(target, at + 8, block.extendedHighest);
  writeUint32(target, at + 12, block.jitter);
  writeUint32(target, at + 16, block.lastReport);
  writeUint32(target, at + 20, block.sinceLastReport);
}

/** What a peer's compound packet says that we use. */
export interface ReceivedRtcp {
  /** Middle 32 bits of the NTP time stamp of its SR. */
  readonly senderReport?: number;
  readonly bye: boolean;
}

/** Reads a compound packet; undefined when it is none. @see RFC 3550 §6.1, appendix A.2 */
export function parseRtcp(bytes: Uint8Array): ReceivedRtcp | undefined {
  let bye = false;
  let senderReport: number | undefined;
  if (bytes.length < 8 || !isReport(bytes[1])) return undefined;
  for (let at = 0; at < bytes.length;) {
    const type = bytes[at + 1];
    const length = 4 * (uint16(bytes, at + 2) + 1);
    if ((bytes[at] ?? 0) >> 6 !== 2 || at + length > bytes.length) return undefined;
    if (type === SENDER_REPORT && length >= 28) senderReport = uint32(bytes, at + 10);
    bye ||= type === GOODBYE;
    at += length;
  }
  return { bye, ...(senderReport === undefined ? {} : { senderReport }) };
}

function isReport(type: number | undefined): boolean {
  return type === SENDER_REPORT || type === RECEIVER_REPORT;
}
