import { lookup } from 'node:dns/promises';
import type { StartedTimer, Timers } from '../../base/clock.js';
import { parseIpAddress } from '../../base/ip-address.js';
import { LIMITS } from '../../base/limits.js';
import type { Logger } from '../../base/logger.js';
import type { Directory } from '../../directory/directory.js';

/** A gateway that moves is known at its new address within this time; the resolver of the system tells no times to live. */
export const LOOKUP_INTERVAL_MS = 60_000;

/** libuv lends look-ups two of its four threads: more at once would only wait there. Files keep the other two. */
export const LOOKUPS_AT_ONCE = 2;

/** Who waits for the first answers waits no longer: gateways that are known by their addresses must not suffer. */
export const FIRST_ANSWERS_PATIENCE_MS = 1_000;

/** Addresses of a name, as texts. Rejects when it has none, or nobody can tell. */
export type NameLookup = (name: string) => Promise<readonly string[]>;

export interface GatewayNamesOptions {
  readonly log: Logger;
  readonly timers: Timers;
  /** The resolver of the system, so that /etc/hosts counts, when omitted. */
  readonly lookUp?: NameLookup;
}

/** What is known of one name. */
interface KnownName {
  readonly name: string;
  state: 'waiting' | 'resolved' | 'unresolved';
  /** The last good answer: normalised order, each once. */
  addresses: readonly string[];
  /** A look-up runs, perhaps beyond its time. */
  isAsked: boolean;
}

/**
 * A process's copy of the directory, in which gateways' host names have their addresses of now. Calls never wait for a look-up:
 * they get what is known.
 *
 * ```text
 *             answer                 fault, or no answer in time (warn)
 *   waiting ----------> resolved -----------------------------------.
 *      |                   ^                                        v
 *      |                   '------------ answer (info) -------- unresolved (the last good answer counts)
 *      '--------------- fault, or no answer in time (warn) ---------^
 * ```
 */
export class GatewayNames {
  readonly #options: GatewayNamesOptions;
  readonly #lookUp: NameLookup;
  /** In order of the directory. */
  #names = new Map<string, KnownName>();
  /** Names to be asked for, the oldest first. */
  readonly #queue = new Set<KnownName>();
  #turns = 0;
  #directory: Directory | undefined;
  /** Answers have changed since `#directory` was given them. */
  #isStale = false;
  #interval: StartedTimer | undefined;
  readonly #waiters = new Set<() => void>();
  #isClosed = false;

  constructor(options: GatewayNamesOptions) {
    this.#options = options;
    this.#lookUp = options.lookUp ?? systemLookup;
  }

  /** The newest directory, with the addresses that its names have now; undefined before the first. */
  get directory(): Directory | undefined {
    if (this.#isStale && this.#directory) {
      const answers = [...this.#names.values()].map(({ name, addresses }) => [name, addresses] as const);
      this.#directory = this.#directory.withGatewayNames(new Map(answers));
      this.#isStale = false;
    }
    return this.#directory;
  }

  /**
   * Takes a new version. Names that stay keep their answers, and their turn of the minute; the others, and those without a good
   * answer, are looked up at once.
   */
  take(directory: Directory): void {
    if (this.#isClosed) return;
    this.#directory = directory;
    const before = this.#names;
    this.#names = new Map(directory.gatewayNames.map((name) => [name, before.get(name) ?? newName(name)]));
    this.#isStale = this.#names.size > 0;
    for (const known of this.#queue) if (this.#names.get(known.name) !== known) this.#queue.delete(known);
    this.#ask([...this.#names.values()].filter(({ state }) => state !== 'resolved'));
    this.#tellWaiters();
    if (this.#names.size > 0) this.#interval ??= this.#startInterval();
  }

  /** Resolves when no name waits for its first answer any more, or after a second. */
  async firstAnswers(): Promise<void> {
    if (!this.#isWaiting) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        timer.stop();
        this.#waiters.delete(done);
        resolve();
      };
      const timer = this.#options.timers.start(FIRST_ANSWERS_PATIENCE_MS, done);
      this.#waiters.add(done);
    });
  }

  /** Asks for nothing any more; the directory stays as it is. */
  close(): void {
    this.#isClosed = true;
    this.#interval?.stop();
    this.#queue.clear();
    this.#releaseWaiters();
  }

  get #isWaiting(): boolean {
    return !this.#isClosed && [...this.#names.values()].some(({ state }) => state === 'waiting');
  }

  #startInterval(): StartedTimer {
    return this.#options.timers.start(LOOKUP_INTERVAL_MS, () => {
      this.#interval = this.#names.size > 0 ? this.#startInterval() : undefined;
      this.#ask(this.#names.values());
    });
  }

  #ask(names: Iterable<KnownName>): void {
    for (const known of names) if (!known.isAsked) this.#queue.add(known);
    this.#takeTurns();
  }

  #takeTurns(): void {
    for (const known of this.#queue) {
      if (this.#turns >= LOOKUPS_AT_ONCE) return;
      this.#queue.delete(known);
      this.#turns += 1;
      known.isAsked = true;
      void this.#askOne(known);
    }
  }

  /** A turn ends with the answer, or without it after its time; a late answer counts all the same. */
  async #askOne(known: KnownName): Promise<void> {
    let hasTurn = true;
    const endTurn = (): void => {
      if (!hasTurn) return;
      hasTurn = false;
      this.#turns -= 1;
      this.#takeTurns();
    };
    const timer = this.#options.timers.start(LIMITS.gatewayLookupMs, () => {
      this.#onFault(known, `no answer within ${String(LIMITS.gatewayLookupMs / 1_000)} s`);
      endTurn();
    });
    try {
      this.#onAnswer(known, normalised(await this.#lookUp(known.name)));
    } catch (error) {
      this.#onFault(known, error instanceof Error ? error.message : String(error));
    }
    timer.stop();
    known.isAsked = false;
    endTurn();
  }

  #onAnswer(known: KnownName, addresses: readonly string[]): void {
    if (addresses.length === 0) {
      this.#onFault(known, 'the answer has no address');
      return;
    }
    if (!this.#isCurrent(known)) return;
    const isSame = known.state === 'resolved' && known.addresses.join() === addresses.join();
    known.state = 'resolved';
    known.addresses = addresses;
    if (isSame) return;
    this.#isStale = true;
    const { name } = known;
    this.#options.log.info(
      { event: 'gateway-name-resolved', name, addresses },
      `gateway name ${name} is ${addresses.join(', ')}`,
    );
    this.#tellWaiters();
  }

  #onFault(known: KnownName, fault: string): void {
    if (!this.#isCurrent(known) || known.state === 'unresolved') return;
    known.state = 'unresolved';
    const { name, addresses } = known;
    const effect =
      addresses.length > 0 ? `its last addresses stay in force: ${addresses.join(', ')}` : 'its calls are refused';
    this.#options.log.warn(
      { event: 'gateway-name-unresolved', name, addresses, fault },
      `gateway name ${name} cannot be looked up (${fault}): ${effect}. ` +
        'What to do: mend the name in DNS or /etc/hosts, or give the gateway an address in the directory.',
    );
    this.#tellWaiters();
  }

  /** Not of a name that has left the directory since it was asked for. */
  #isCurrent(known: KnownName): boolean {
    return !this.#isClosed && this.#names.get(known.name) === known;
  }

  #tellWaiters(): void {
    if (!this.#isWaiting) this.#releaseWaiters();
  }

  #releaseWaiters(): void {
    for (const done of this.#waiters) done();
  }
}

function newName(name: string): KnownName {
  return { name, state: 'waiting', addresses: [], isAsked: false };
}

/** In an order that does not turn with each answer, as DNS servers turn theirs; IPv4-mapped forms are read where they are compared. */
function normalised(answer: readonly string[]): readonly string[] {
  const readable = answer.filter((text) => parseIpAddress(text) !== undefined);
  return [...new Set(readable)].sort().slice(0, LIMITS.gatewayNameAddresses);
}

async function systemLookup(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
