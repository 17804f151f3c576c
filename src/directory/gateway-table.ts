import { isLookupName } from '../base/host-name.js';
import { type IpAddress, type IpBlock, maskedTo, parseIpAddress, parseIpBlock } from '../base/ip-address.js';
import type { UMIPGateway } from './objects.js';

/** Peers whose gateway is remembered: gateways are few and call again and again. */
const MOST_REMEMBERED = 1_024;

/** Current addresses of gateways' host names, as texts; names in lower case. A name that is missing matches nothing. */
export type NamedAddresses = ReadonlyMap<string, readonly string[]>;

/**
 * The gateways by address: the longest block that holds an address wins. An address of a gateway's name counts as an exact
 * one, below an exact address that is written down; of two names with the same address the first wins. What cannot be read
 * matches nothing.
 */
export class GatewayTable {
  readonly #byBlock = new Map<string, UMIPGateway>();
  /** For single addresses, the same keys. */
  readonly #byName = new Map<string, UMIPGateway>();
  /** Lengths of prefix that occur, longest first, for each family. */
  readonly #lengths: Readonly<Record<4 | 6, readonly number[]>>;
  readonly #remembered = new Map<string, UMIPGateway>();

  constructor(gateways: readonly UMIPGateway[], named: NamedAddresses) {
    const lengths = { 4: new Set<number>(), 6: new Set<number>() };
    for (const gateway of gateways) {
      for (const text of gateway.addresses) {
        const block = parseIpBlock(text);
        if (!block) {
          this.#addName(gateway, named.get(text.toLowerCase()) ?? []);
          continue;
        }
        lengths[block.family].add(block.length);
        this.#byBlock.set(blockKey(block), gateway);
      }
    }
    this.#lengths = { 4: longestFirst(lengths[4]), 6: longestFirst(lengths[6]) };
  }

  at(peerAddress: string): UMIPGateway | undefined {
    const known = this.#remembered.get(peerAddress);
    if (known) return known;
    const gateway = this.#find(peerAddress);
    if (gateway && this.#remembered.size < MOST_REMEMBERED) this.#remembered.set(peerAddress, gateway);
    return gateway;
  }

  #find(peerAddress: string): UMIPGateway | undefined {
    const address = parseIpAddress(peerAddress);
    if (!address) return undefined;
    const key = exactKey(address);
    const exact = this.#byBlock.get(key) ?? this.#byName.get(key);
    if (exact) return exact;
    for (const length of this.#lengths[address.family]) {
      const gateway = this.#byBlock.get(blockKey({ ...address, length, value: maskedTo(address, length) }));
      if (gateway) return gateway;
    }
    return undefined;
  }

  #addName(gateway: UMIPGateway, addresses: readonly string[]): void {
    for (const text of addresses) {
      const address = parseIpAddress(text);
      if (!address) continue;
      const key = exactKey(address);
      if (!this.#byName.has(key)) this.#byName.set(key, gateway);
    }
  }
}

/** Host names among the addresses of gateways: in lower case, each once. */
export function gatewayNamesOf(gateways: readonly UMIPGateway[]): readonly string[] {
  const names = gateways.flatMap(({ addresses }) => addresses.filter((text) => isLookupName(text)));
  return [...new Set(names.map((name) => name.toLowerCase()))];
}

/** The same for two ways of writing one address, block or name. */
export function gatewayAddressKey(text: string): string {
  const block = parseIpBlock(text);
  return block ? blockKey(block) : text.toLowerCase();
}

function exactKey(address: IpAddress): string {
  return blockKey({ ...address, length: address.family === 4 ? 32 : 128 });
}

function blockKey(block: IpBlock): string {
  return `${String(block.family)} ${block.value.toString(16)}/${String(block.length)}`;
}

function longestFirst(lengths: ReadonlySet<number>): readonly number[] {
  return [...lengths].sort((a, b) => b - a);
}
