import type { Random } from '../../base/random.js';
import type { WallClock } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import type { ReceiverStatistics } from '../../protocol/rtp/receiver-statistics.js';
import { formatRtcp, parseRtcp, type ReportBlock } from '../../protocol/rtp/rtcp-packet.js';

/** RFC 3550 §6.2: five seconds, times 0.5 to 1.5; half of it before the first. */
const INTERVAL_MS = 5_000;

/** What goes into one report. */
export interface ReportFacts {
  readonly nowMs: number;
  readonly bye: boolean;
  readonly sent: { readonly packets: number; readonly octets: number; readonly timestamp: number };
  readonly heard: ReceiverStatistics;
}

/** When RTCP is due for one stream, and what it says. @see RFC 3550 §6.2, §6.3, §6.4 */
export class RtcpReporter {
  readonly #ssrc: number;
  readonly #cname: string;
  readonly #random: Random;
  readonly #wallClock: WallClock;
  #dueMs: number | undefined;
  #senderReport = 0;
  #senderReportMs = 0;

  constructor(ssrc: number, around: { readonly random: Random; readonly wallClock: WallClock }) {
    this.#ssrc = ssrc;
    this.#random = around.random;
    this.#wallClock = around.wallClock;
    // RFC 7022: a name of the session that tells nothing of the host.
    this.#cname = around.random.hex(12);
  }

  isDue(nowMs: number): boolean {
    if (this.#dueMs === undefined) this.#dueMs = nowMs + this.#intervalMs() / 2;
    if (nowMs < this.#dueMs) return false;
    this.#dueMs = nowMs + this.#intervalMs();
    return true;
  }

  report({ nowMs, bye, sent, heard }: ReportFacts): Uint8Array {
    const block = heard.received === 0 ? undefined : this.#block(heard, nowMs);
    return formatRtcp({
      ssrc: this.#ssrc,
      cname: this.#cname,
      bye,
      ...(sent.packets === 0 ? {} : { sender: { epochMs: this.#wallClock.epochMs(), ...sent } }),
      ...(block === undefined ? {} : { block }),
    });
  }

  /** Only its clock is used: addresses and loss of a peer's RTCP are not trusted. */
  receive(bytes: Uint8Array, nowMs: number): void {
    if (bytes.length > LIMITS.rtpPacketBytes) return;
    const report = parseRtcp(bytes)?.senderReport;
    if (report === undefined) return;
    this.#senderReport = report;
    this.#senderReportMs = nowMs;
  }

  #block(heard: ReceiverStatistics, nowMs: number): ReportBlock {
    const age = this.#senderReport === 0 ? 0 : Math.floor(((nowMs - this.#senderReportMs) / 1_000) * 65_536);
    return {
      ssrc: heard.ssrc,
      fractionLost: heard.takeFractionLost(),
      lost: heard.lostOfSource,
      extendedHighest: heard.extendedHighest,
      jitter: heard.jitter,
      lastReport: this.#senderReport,
      sinceLastReport: age,
    };
  }

  #intervalMs(): number {
    return INTERVAL_MS / 2 + this.#random.integer(INTERVAL_MS);
  }
}
