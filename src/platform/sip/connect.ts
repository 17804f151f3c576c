import { connect, type Socket } from 'node:net';
import type { Timers } from '../../base/clock.js';
import { LIMITS } from '../../base/limits.js';
import { hostPortText, type HostPort } from '../../protocol/sip/flow.js';

/**
 * Opens a TCP connection.
 *
 * @param localAddress - undefined: the system's choice
 * @throws Error in words for a log when it is refused, or not there within LIMITS.sipConnectMs
 */
export function openConnection(
  destination: HostPort,
  timers: Timers,
  localAddress: string | undefined,
): Promise<Socket> {
  return new Promise((done, fail) => {
    const socket = connect({
      host: destination.address,
      port: destination.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const limit = timers.start(LIMITS.sipConnectMs, () => {
      socket.destroy(new Error(`${hostPortText(destination)} did not answer in ${String(LIMITS.sipConnectMs)} ms`));
    });
    socket.once('connect', () => {
      limit.stop();
      socket.removeListener('error', onError);
      done(socket);
    });
    const onError = (error: Error): void => {
      limit.stop();
      fail(error);
    };
    socket.once('error', onError);
  });
}
