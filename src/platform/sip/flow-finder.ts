import { hostPortText, type Flow, type HostPort, type SipTransport as TransportName } from '../../protocol/sip/flow.js';
import type { SipTransport } from './sip-transport.js';

/** Where a message goes: on the flow while it is open, else to the destination by a flow that is open or a new one. */
export interface MessageWay {
  readonly flowId: string | undefined;
  readonly transport: TransportName;
  readonly destination: HostPort;
}

/** Finds the flow that a message goes on. Never one of another transport than asked for: security is not lowered. */
export class FlowFinder {
  readonly #transport: SipTransport;
  /** Connections being opened, by destination: what is for the same end waits for the same one. */
  readonly #opening = new Map<string, Promise<Flow>>();

  constructor(transport: SipTransport) {
    this.#transport = transport;
  }

  /** A flow that is open now. */
  openFlow({ flowId, transport, destination }: MessageWay): Flow | undefined {
    const preferred = flowId === undefined ? undefined : this.#transport.flow(flowId);
    const flow = preferred ?? this.#transport.flowTo(destination);
    return flow?.transport === transport ? flow : undefined;
  }

  /**
   * A new flow, or one that another message is waiting for already.
   *
   * @throws Error in words for a log
   */
  connect({ transport, destination }: MessageWay): Promise<Flow> {
    if (transport !== 'tcp') return Promise.reject(new Error(`connections by ${transport} are not implemented yet`));
    const key = hostPortText(destination);
    const opening = this.#opening.get(key);
    if (opening !== undefined) return opening;
    const flow = this.#transport.connect(destination).finally(() => {
      this.#opening.delete(key);
    });
    this.#opening.set(key, flow);
    return flow;
  }
}
