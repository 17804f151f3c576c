import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { UmError } from '../../base/errors.js';
import type { HostPort } from '../../protocol/sip/flow.js';

export { hostPortText } from '../../protocol/sip/flow.js';

const SIP_PORT = 5060;
const PORT_TEXT = /^(?:\[(?<six>[^\]]+)\]|(?<host>[^:]*))(?::(?<port>\d{1,5}))?$/;

/** Where a call goes, and from which address of this machine it would leave. */
export interface Target {
  readonly destination: HostPort;
  readonly localAddress: string;
}

/**
 * Reads `HOST[:PORT]` (a name, an IPv4 address, or an IPv6 address, in brackets when a port follows); the port is 5060 without one.
 *
 * @throws UmError 'usage-wrong' when it is none, the name is not known or there is no way to it
 */
export async function parseTarget(text: string): Promise<Target> {
  const parts = isIP(text) === 6 ? { six: text } : PORT_TEXT.exec(text)?.groups;
  const host = parts?.['six'] ?? parts?.['host'] ?? '';
  const port = Number(parts?.['port'] ?? SIP_PORT);
  if (host === '' || port < 1 || port > 65_535) throw new UmError('usage-wrong', `${text} is no HOST[:PORT]`);
  const address = await resolveHost(host);
  return { destination: { address, port }, localAddress: await localAddressTowards(address) };
}

async function resolveHost(host: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw new UmError('usage-wrong', `${host} is not known: ${words(error)}`, { cause: error });
  }
}

/** A connected UDP socket sends nothing, but makes the kernel choose the route. */
async function localAddressTowards(address: string): Promise<string> {
  const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
  try {
    await new Promise<void>((done, fail) => {
      socket.once('error', fail);
      socket.connect(SIP_PORT, address, done);
    });
    return socket.address().address;
  } catch (error) {
    throw new UmError('usage-wrong', `there is no way to ${address}: ${words(error)}`, { cause: error });
  } finally {
    socket.close();
  }
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
