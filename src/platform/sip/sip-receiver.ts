import type { ErrorCode } from '../../base/errors.js';
import type { Flow } from '../../protocol/sip/flow.js';
import type { SipMessage } from '../../protocol/sip/message.js';

/** What is told of everything that connections bring. What it throws is logged, and answered with 500 when it can be. */
export interface SipReceiver {
  /** A message with a start line of SIP; whether the rest is sound, messageFault() says. */
  onMessage(message: SipMessage, flow: Flow): void;
  /** A message was refused already: answered where an answer is due, and logged. */
  onFault(code: ErrorCode, detail: string, flow: Flow): void;
  onFlowClosed(flow: Flow): void;
}
