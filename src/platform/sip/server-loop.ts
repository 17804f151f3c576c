import { assertNever } from '../../base/assert.js';
import type { Timers } from '../../base/clock.js';
import { RunLoop, type TimerOutput } from '../../base/run-loop.js';
import type { Flow } from '../../protocol/sip/flow.js';
import type { SipRequest } from '../../protocol/sip/message.js';
import {
  type InviteServerInput,
  type InviteServerOutput,
  type InviteServerTimer,
  InviteServerTransaction,
} from '../../protocol/sip/transaction/invite-server.js';
import {
  type NonInviteServerInput,
  type NonInviteServerOutput,
  type NonInviteServerTimer,
  NonInviteServerTransaction,
} from '../../protocol/sip/transaction/non-invite-server.js';

/** Who performs what a server transaction's machine asks for. Must not throw. */
export interface ServerLoopUser {
  send(wire: string): void;
  /** The ACK of a 2xx. */
  acknowledged(ack: SipRequest, flow: Flow): void;
  /** Nobody has answered for so long that 100 Trying is due (RFC 4320 §4.1). */
  answerIsLate(): void;
  /** A final response was given. */
  answered(): void;
  terminated(): void;
}

/** A server transaction's machine and its run loop. */
export interface ServerLoop {
  retransmitted(): void;
  acknowledged(ack: SipRequest, flow: Flow): void;
  respond(status: number, wire: string): void;
  transportFailed(): void;
  /** Stops every timer: it will not be used again. */
  stop(): void;
}

interface AckOnFlow {
  readonly ack: SipRequest;
  readonly flow: Flow;
}

/** @param reliable - true for TCP and TLS */
export function inviteServerLoop(timers: Timers, reliable: boolean, user: ServerLoopUser): ServerLoop {
  type Output = Exclude<InviteServerOutput, TimerOutput<InviteServerTimer>>;
  const loop = new RunLoop<InviteServerTimer, InviteServerInput, Output, AckOnFlow>({
    machine: new InviteServerTransaction({ reliable }),
    timers,
    fired: (timer) => ({ kind: 'timer-fired', timer }),
    perform: (output, subject) => {
      switch (output.kind) {
        case 'send':
          user.send(output.wire);
          break;
        case 'tell-user':
          // A missing ACK and a failed transport were logged where they happened; the call has its own way to notice.
          if (output.event === 'ack' && subject !== undefined) user.acknowledged(subject.ack, subject.flow);
          break;
        case 'state-changed':
          if (output.to === 'accepted' || output.to === 'completed') user.answered();
          if (output.to === 'terminated') user.terminated();
          break;
        default:
          assertNever(output, 'INVITE server output');
      }
    },
  });
  return {
    retransmitted: () => {
      loop.feed({ kind: 'invite-retransmitted' });
    },
    acknowledged: (ack, flow) => {
      loop.feed({ kind: 'ack-received' }, { ack, flow });
    },
    respond: (status, wire) => {
      loop.feed({ kind: 'respond', status, wire });
    },
    transportFailed: () => {
      loop.feed({ kind: 'transport-failed' });
    },
    stop: () => {
      loop.stop();
    },
  };
}

/** @param reliable - true for TCP and TLS */
export function nonInviteServerLoop(timers: Timers, reliable: boolean, user: ServerLoopUser): ServerLoop {
  type Output = Exclude<NonInviteServerOutput, TimerOutput<NonInviteServerTimer>>;
  const loop = new RunLoop<NonInviteServerTimer, NonInviteServerInput, Output>({
    machine: new NonInviteServerTransaction({ reliable }),
    timers,
    fired: (timer) => ({ kind: 'timer-fired', timer }),
    perform: (output) => {
      switch (output.kind) {
        case 'send':
          user.send(output.wire);
          break;
        case 'tell-user':
          if (output.event === 'answer-is-late') user.answerIsLate();
          break;
        case 'state-changed':
          if (output.to === 'completed') user.answered();
          if (output.to === 'terminated') user.terminated();
          break;
        default:
          assertNever(output, 'non-INVITE server output');
      }
    },
  });
  loop.feed({ kind: 'started' });
  return {
    retransmitted: () => {
      loop.feed({ kind: 'request-retransmitted' });
    },
    // An ACK counts as INVITE wherever it is matched, so none comes here.
    acknowledged: () => undefined,
    respond: (status, wire) => {
      loop.feed({ kind: 'respond', status, wire });
    },
    transportFailed: () => {
      loop.feed({ kind: 'transport-failed' });
    },
    stop: () => {
      loop.stop();
    },
  };
}
