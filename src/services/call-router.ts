import { assertNever } from '../base/assert.js';
import type { MonotonicClock, Timers } from '../base/clock.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import type { Directory } from '../directory/directory.js';
import type { ProcessReport } from '../mailbox/control-protocol.js';
import type { FromParent } from '../platform/process/parent-link.js';
import { SipTransport } from '../platform/sip/sip-transport.js';
import type { Flow } from '../protocol/sip/flow.js';
import type { SipRequest } from '../protocol/sip/message.js';
import { StatelessListener } from './stateless-listener.js';
import { UM_SERVICE_PORT } from './worker-start.js';

export interface CallRouterOptions {
  readonly log: Logger;
  readonly timers: Timers;
  readonly clock: MonotonicClock;
  readonly config: () => UmConfig;
  readonly directory: () => Directory | undefined;
  /** The port of the UM service; the fixed one when omitted. */
  readonly servicePort?: number;
}

/** What an INVITE that found its mailbox gets. */
type RouterState = 'service-down' | 'service-up' | 'draining';

/**
 * The call router: answers every INVITE with 302 to the UM service of this server, or with a refusal that says why. Holds no
 * call state; drained, it refuses new calls until it is closed.
 */
export class CallRouter {
  readonly #options: CallRouterOptions;
  readonly #listener: StatelessListener;
  readonly #transport: SipTransport;
  readonly #servicePort: number;
  #state: RouterState = 'service-down';
  #port: number | null = null;

  constructor(options: CallRouterOptions) {
    this.#options = options;
    this.#servicePort = options.servicePort ?? UM_SERVICE_PORT;
    this.#listener = new StatelessListener({
      log: options.log,
      serverName: () => options.config().serverName,
      directory: options.directory,
      send: (flowId, wire) => this.#transport.send(flowId, wire),
      onInvite: (request, flow) => {
        this.#onInvite(request, flow);
      },
    });
    const { log, timers, clock } = options;
    const { serverName } = options.config();
    this.#transport = new SipTransport({ log, timers, clock, serverName, receiver: this.#listener });
  }

  /**
   * Opens the port.
   *
   * @throws UmError 'port-taken'
   */
  async listen(): Promise<void> {
    const { listenAddress, sipTcpListeningPort } = this.#options.config();
    const { port } = await this.#transport.listen(listenAddress, sipTcpListeningPort);
    this.#port = port;
  }

  /** The port that is open; null while none is. */
  get port(): number | null {
    return this.#port;
  }

  /** What `status` shows of it. */
  report(): ProcessReport {
    return { role: 'router', pid: process.pid, tcp: this.#port, tls: null };
  }

  /** What the supervisor says; `stop-now` is for the one who can {@link close}. */
  obey(message: FromParent): void {
    switch (message.kind) {
      case 'service-state':
        if (this.#state !== 'draining') this.#state = message.up ? 'service-up' : 'service-down';
        return;
      case 'drain':
        this.#state = 'draining';
        return;
      case 'stop-now':
      case 'other-calls':
        return;
      default:
        assertNever(message, 'message of the supervisor');
    }
  }

  /** Closes the port and every connection. */
  async close(): Promise<void> {
    this.#port = null;
    await this.#transport.close();
  }

  #onInvite(request: SipRequest, flow: Flow): void {
    switch (this.#state) {
      case 'service-up': {
        const host = this.#options.config().advertisedAddress;
        const port = this.#servicePort;
        this.#listener.redirect(request, flow, host === undefined ? { port } : { port, host });
        return;
      }
      case 'service-down':
        this.#listener.refuse(request, flow, {
          code: 'service-down',
          detail: 'the UM service does not listen just now',
        });
        return;
      case 'draining':
        this.#listener.refuse(request, flow, { code: 'draining', detail: 'the call router is being stopped' });
        return;
      default:
        assertNever(this.#state, 'router state');
    }
  }
}
