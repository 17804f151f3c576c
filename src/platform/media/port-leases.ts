import { UmError } from '../../base/errors.js';
import type { MonotonicClock } from '../../base/clock.js';
import type { Random } from '../../base/random.js';
import type { DatagramPair, MediaIo } from './media-io.js';

/** Late packets of an ended call must not reach the next one on its ports: a preference, never a reason to refuse a call. */
const REST_MS = 30_000;

/**
 * Leases pairs of ports from a range: even RTP, odd RTCP. The first is chosen at random (so that a stranger cannot guess where the
 * next call will be), then in turn; pairs of other programs are skipped; ended ones rest.
 */
export class PortLeases {
  /** Pairs that another program had when we wanted them. */
  takenByOthers = 0;
  readonly #io: MediaIo;
  readonly #clock: MonotonicClock;
  readonly #random: Random;
  #first = 0;
  #count = 0;
  #next = 0;
  readonly #leased = new Set<number>();
  /** Port to when it was given back; the longest-rested first, as a Map keeps its order. */
  readonly #resting = new Map<number, number>();

  constructor(io: MediaIo, clock: MonotonicClock, random: Random) {
    this.#io = io;
    this.#clock = clock;
    this.#random = random;
  }

  /** The range of new leases, both ends included; open pairs are kept. */
  setRange(minimumPort: number, maximumPort: number): void {
    this.#first = minimumPort + (minimumPort % 2);
    this.#count = Math.max(0, Math.floor((maximumPort + 1 - this.#first) / 2));
    this.#next = this.#count === 0 ? 0 : this.#random.integer(this.#count);
  }

  get inUse(): number {
    return this.#leased.size;
  }

  /**
   * Opens a pair on `address`.
   *
   * @throws UmError 'rtp-ports-exhausted' when every pair is leased or another program's, or no socket can be opened
   */
  async open(address: string): Promise<DatagramPair> {
    let others = 0;
    for (const port of this.#candidates()) {
      if (this.#leased.has(port)) continue;
      this.#leased.add(port);
      const pair = await this.#tryOpen(address, port);
      if (pair !== 'taken') return pair;
      others += 1;
      this.takenByOthers += 1;
    }
    throw new UmError('rtp-ports-exhausted', this.#exhausted(others));
  }

  /** Closes a pair, which then rests. */
  async close(pair: DatagramPair): Promise<void> {
    await pair.close();
    this.#leased.delete(pair.port);
    this.#resting.delete(pair.port);
    this.#resting.set(pair.port, this.#clock.nowMs());
  }

  async #tryOpen(address: string, port: number): Promise<DatagramPair | 'taken'> {
    try {
      const pair = await this.#io.open(address, port);
      if (pair === 'taken') this.#leased.delete(port);
      else this.#resting.delete(port);
      return pair;
    } catch (error) {
      this.#leased.delete(port);
      const words = error instanceof Error ? error.message : String(error);
      throw new UmError('rtp-ports-exhausted', `a socket on ${address} cannot be opened: ${words}`, { cause: error });
    }
  }

  /** Rested pairs in turn, then resting ones, the longest-rested first. */
  *#candidates(): Generator<number> {
    const restedBeforeMs = this.#clock.nowMs() - REST_MS;
    const begin = this.#next;
    for (let tried = 0; tried < this.#count; tried += 1) {
      const turn = (begin + tried) % this.#count;
      const port = this.#first + 2 * turn;
      if ((this.#resting.get(port) ?? Number.NEGATIVE_INFINITY) > restedBeforeMs) continue;
      this.#next = (turn + 1) % this.#count;
      yield port;
    }
    for (const [port, sinceMs] of [...this.#resting]) {
      if (sinceMs > restedBeforeMs && this.#isInRange(port)) yield port;
    }
  }

  #isInRange(port: number): boolean {
    return port >= this.#first && port < this.#first + 2 * this.#count;
  }

  #exhausted(others: number): string {
    const last = this.#first + 2 * this.#count - 1;
    const taken = others === 0 ? '' : `, ${String(others)} by other programs`;
    return `${String(this.#first)} to ${String(last)}: ${String(this.#count)} pairs, ${String(this.#leased.size)} in calls${taken}`;
  }
}
