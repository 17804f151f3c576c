import { isLoopback, parseIpAddress } from '../base/ip-address.js';
import type { Random } from '../base/random.js';
import type { UmConfig } from '../config/um-config.js';
import { DEMONSTRATION_EXTENSIONS, demonstrationDirectory } from '../directory/demonstration.js';
import type { DirectoryObject, HashedPin } from '../directory/objects.js';
import type { MessageStore } from '../mailbox/message-store.js';
import { hashPin } from '../platform/pin-hash.js';
import { cryptoRandom } from '../platform/random.js';

const PIN_DIGITS = 6;

/**
 * Fills an empty directory with the demonstration.
 *
 * @param keepPins - is given the PINs by extension, which nobody can find out later: the directory is filled once it has kept them
 * @returns false when the directory is not empty: nothing is changed then
 * @throws UmError 'store-unavailable'; what `keepPins` throws
 */
export async function makeDemonstration(
  store: MessageStore,
  config: UmConfig,
  keepPins: (pins: ReadonlyMap<string, string>) => Promise<void>,
  random: Random = cryptoRandom,
): Promise<boolean> {
  const { version, objects } = await store.readDirectory();
  if (version > 0 || objects.length > 0) return false;
  const pins = new Map(DEMONSTRATION_EXTENSIONS.map((extension) => [extension, makePin(random)]));
  const hashed = new Map<string, HashedPin>();
  for (const [extension, pin] of pins) hashed.set(extension, await hashPin(pin));
  const made = demonstrationDirectory(config.serverName, hashed, random);
  await keepPins(pins);
  await store.replaceDirectory(made.map((object) => trustOwnAddress(object, config.listenAddress)));
  return true;
}

/** Bound to one address, this machine calls itself from that address and not from loopback. */
function trustOwnAddress(object: DirectoryObject, listenAddress: string | undefined): DirectoryObject {
  const address = listenAddress === undefined ? undefined : parseIpAddress(listenAddress);
  if (object.kind !== 'ip-gateway' || listenAddress === undefined || !address || isLoopback(address)) return object;
  return { ...object, addresses: [...object.addresses, listenAddress] };
}

/** A PIN that nobody would guess first: not one digit repeated, nor a row of digits. */
function makePin(random: Random): string {
  for (;;) {
    const pin = Array.from({ length: PIN_DIGITS }, () => String(random.integer(10))).join('');
    const steps = new Set(
      Array.from(pin)
        .slice(1)
        .map((digit, at) => Number(digit) - Number(pin[at])),
    );
    if (steps.size > 1) return pin;
  }
}
