import type { Logger } from '../../base/logger.js';
import type { Flow } from '../../protocol/sip/flow.js';
import { indexMessage, type SipFault, type SipMessage } from '../../protocol/sip/message.js';
import type { FramedItem } from '../../protocol/sip/stream-framer.js';
import { SipSyntaxError } from '../../protocol/sip/syntax-error.js';
import type { Connection } from './connection.js';
import { guarded } from './guard.js';
import type { MessageRefuser } from './refused-message.js';
import type { SipReceiver } from './sip-receiver.js';

export interface MessageIntakeOptions {
  readonly log: Logger;
  readonly receiver: SipReceiver;
  readonly refuser: MessageRefuser;
}

/** Hands on what connections bring: messages to the receiver, pings and what is no SIP message are answered here. */
export class MessageIntake {
  readonly #log: Logger;
  readonly #receiver: SipReceiver;
  readonly #refuser: MessageRefuser;

  constructor(options: MessageIntakeOptions) {
    this.#log = options.log;
    this.#receiver = options.receiver;
    this.#refuser = options.refuser;
  }

  /** Never throws. */
  take(item: FramedItem, connection: Connection): void {
    switch (item.kind) {
      case 'message':
        this.#takeMessage(item.wire, connection);
        break;
      case 'keep-alive-ping':
        connection.send('\r\n');
        break;
      case 'fault':
        this.#refuse(item.wire, item, connection);
        connection.end();
        break;
    }
  }

  flowClosed(flow: Flow): void {
    guarded(this.#log, 'onFlowClosed', () => {
      this.#receiver.onFlowClosed(flow);
    });
  }

  #takeMessage(wire: string, connection: Connection): void {
    let message: SipMessage;
    try {
      message = indexMessage(wire);
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) this.#fail(wire, connection);
      else this.#refuse(wire, { code: 'malformed-message', detail: error.message }, connection);
      return;
    }
    const taken = guarded(this.#log, 'onMessage', () => {
      this.#receiver.onMessage(message, connection.flow);
    });
    if (!taken) this.#fail(wire, connection);
  }

  #refuse(wire: string, fault: SipFault, connection: Connection): void {
    guarded(this.#log, 'refusing a message', () => {
      const response = this.#refuser.refuseWire(wire, fault, connection.flow);
      if (response !== undefined) connection.send(response);
    });
    guarded(this.#log, 'onFault', () => {
      this.#receiver.onFault(fault.code, fault.detail, connection.flow);
    });
  }

  /** A fault of ours, which was logged: the peer is told, and the connection goes on. */
  #fail(wire: string, connection: Connection): void {
    this.#refuse(wire, { code: 'internal-fault', detail: 'the message could not be handled' }, connection);
  }
}
