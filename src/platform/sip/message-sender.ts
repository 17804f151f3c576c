import type { Logger } from '../../base/logger.js';
import { hostPortText, type Flow } from '../../protocol/sip/flow.js';
import { FlowFinder, type MessageWay } from './flow-finder.js';
import type { SipTransport } from './sip-transport.js';

/** Told how the search for a flow ended. */
export interface FlowOutcome {
  /** Something can be sent on it now; called before the call that asked returns, when a flow is open. */
  ready(flow: Flow): void;
  /** No connection could be opened, which was logged; never called before the call that asked has returned. */
  failed(): void;
}

/** Told how sending ended; `sent` may be called before the call that sends returns, `failed` never. */
export interface SendOutcome {
  sent?(flow: Flow): void;
  failed?(): void;
}

/** Sends messages whose flow may be gone. */
export class MessageSender {
  readonly #transport: SipTransport;
  readonly #flows: FlowFinder;
  readonly #log: Logger;

  constructor(transport: SipTransport, log: Logger) {
    this.#transport = transport;
    this.#flows = new FlowFinder(transport);
    this.#log = log;
  }

  /** Finds the flow for a message, or opens one. */
  withFlow(way: MessageWay, outcome: FlowOutcome): void {
    const flow = this.#flows.openFlow(way);
    if (flow === undefined) void this.#withNewFlow(way, outcome);
    else outcome.ready(flow);
  }

  /** Sends a message made already. */
  send(way: MessageWay, wire: string, outcome: SendOutcome = {}): void {
    this.withFlow(way, {
      ready: (flow) => {
        this.#transport.send(flow.id, wire);
        outcome.sent?.(flow);
      },
      failed: () => {
        outcome.failed?.();
      },
    });
  }

  async #withNewFlow(way: MessageWay, outcome: FlowOutcome): Promise<void> {
    try {
      const flow = await this.#flows.connect(way);
      outcome.ready(flow);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn(
        { event: 'send-failed', destination: hostPortText(way.destination), reason },
        'A SIP message could not be sent: its connection is gone and no new one could be opened',
      );
      outcome.failed();
    }
  }
}
