import { createServer } from 'node:net';

/** What a look at a TCP port found. */
export type PortState =
  | { readonly kind: 'free' }
  | { readonly kind: 'taken' }
  /** It cannot be bound for another reason than another program: `code` is the system's, for instance EADDRNOTAVAIL. */
  | { readonly kind: 'unusable'; readonly code: string; readonly words: string };

/**
 * Binds a TCP port for a moment, as the server will: the one certain way to know.
 *
 * @param address - undefined: all addresses, IPv4 and IPv6
 */
export function probePort(address: string | undefined, port: number): Promise<PortState> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', (fault: NodeJS.ErrnoException) => {
      const code = fault.code ?? 'unknown';
      done(code === 'EADDRINUSE' ? { kind: 'taken' } : { kind: 'unusable', code, words: fault.message });
    });
    server.listen({ port, exclusive: true, ...(address === undefined ? {} : { host: address }) }, () => {
      server.close(() => {
        done({ kind: 'free' });
      });
    });
  });
}
