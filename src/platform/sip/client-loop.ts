import { assertNever } from '../../base/assert.js';
import type { Timers } from '../../base/clock.js';
import { RunLoop, type TimerOutput } from '../../base/run-loop.js';
import type { Flow } from '../../protocol/sip/flow.js';
import type { SipResponse } from '../../protocol/sip/message.js';
import {
  type InviteClientInput,
  type InviteClientOutput,
  type InviteClientTimer,
  InviteClientTransaction,
} from '../../protocol/sip/transaction/invite-client.js';
import {
  type NonInviteClientInput,
  type NonInviteClientOutput,
  type NonInviteClientTimer,
  NonInviteClientTransaction,
} from '../../protocol/sip/transaction/non-invite-client.js';

/** A response as it arrived. */
export interface HeardResponse {
  readonly response: SipResponse;
  readonly flow: Flow;
}

/** Who performs what a client transaction's machine asks for. Must not throw. */
export interface ClientLoopUser {
  send(wire: string): void;
  /** ACK of a final response from 300 to 699. */
  acknowledge(heard: HeardResponse): void;
  sendCancel(): void;
  provisional(heard: HeardResponse): void;
  final(heard: HeardResponse): void;
  failed(why: 'timeout' | 'transport'): void;
  terminated(): void;
}

/** A client transaction's machine and its run loop. */
export interface ClientLoop {
  /** True until the first response: a connection that closes now may have swallowed the request. */
  readonly isUnheard: boolean;
  start(): void;
  heard(heard: HeardResponse): void;
  cancel(): void;
  transportFailed(): void;
  /** Stops every timer: it will not be used again. */
  stop(): void;
}

/** The inputs that both machines have. */
type SharedInput = InviteClientInput & NonInviteClientInput;

export interface ClientLoopOptions {
  readonly wire: string;
  /** True for TCP and TLS. */
  readonly reliable: boolean;
  readonly timers: Timers;
}

export function inviteClientLoop({ wire, reliable, timers }: ClientLoopOptions, user: ClientLoopUser): ClientLoop {
  type Output = Exclude<InviteClientOutput, TimerOutput<InviteClientTimer>>;
  const machine = new InviteClientTransaction({ wire, reliable });
  const loop = new RunLoop<InviteClientTimer, InviteClientInput, Output, HeardResponse>({
    machine,
    timers,
    fired: (timer) => ({ kind: 'timer-fired', timer }),
    perform: (output, heard) => {
      switch (output.kind) {
        case 'send':
          user.send(output.wire);
          break;
        case 'acknowledge':
          if (heard !== undefined) user.acknowledge(heard);
          break;
        case 'send-cancel':
          user.sendCancel();
          break;
        case 'tell-user':
          tell(user, output.event, heard);
          break;
        case 'state-changed':
          if (output.to === 'terminated') user.terminated();
          break;
        default:
          assertNever(output, 'INVITE client output');
      }
    },
  });
  return {
    get isUnheard() {
      return machine.state === 'calling' || machine.state === 'calling-cancelled';
    },
    cancel: () => {
      loop.feed({ kind: 'cancel' });
    },
    ...feeding(loop),
  };
}

export function nonInviteClientLoop({ wire, reliable, timers }: ClientLoopOptions, user: ClientLoopUser): ClientLoop {
  type Output = Exclude<NonInviteClientOutput, TimerOutput<NonInviteClientTimer>>;
  const machine = new NonInviteClientTransaction({ wire, reliable });
  const loop = new RunLoop<NonInviteClientTimer, NonInviteClientInput, Output, HeardResponse>({
    machine,
    timers,
    fired: (timer) => ({ kind: 'timer-fired', timer }),
    perform: (output, heard) => {
      switch (output.kind) {
        case 'send':
          user.send(output.wire);
          break;
        case 'tell-user':
          tell(user, output.event, heard);
          break;
        case 'state-changed':
          if (output.to === 'terminated') user.terminated();
          break;
        default:
          assertNever(output, 'non-INVITE client output');
      }
    },
  });
  return {
    get isUnheard() {
      return machine.state === 'trying';
    },
    // RFC 3261 §9.1: CANCEL is for INVITE only.
    cancel: () => undefined,
    ...feeding(loop),
  };
}

/** What both transactions are told in the same way. */
function feeding(loop: {
  feed(input: SharedInput, heard?: HeardResponse): void;
  stop(): void;
}): Pick<ClientLoop, 'start' | 'heard' | 'transportFailed' | 'stop'> {
  return {
    start: () => {
      loop.feed({ kind: 'started' });
    },
    heard: (heard) => {
      loop.feed({ kind: 'response', status: heard.response.status }, heard);
    },
    transportFailed: () => {
      loop.feed({ kind: 'transport-failed' });
    },
    stop: () => {
      loop.stop();
    },
  };
}

function tell(
  user: ClientLoopUser,
  event: 'provisional' | 'final' | 'timeout' | 'transport-error',
  heard: HeardResponse | undefined,
): void {
  switch (event) {
    case 'provisional':
      if (heard !== undefined) user.provisional(heard);
      break;
    case 'final':
      if (heard !== undefined) user.final(heard);
      break;
    case 'timeout':
      user.failed('timeout');
      break;
    case 'transport-error':
      user.failed('transport');
      break;
    default:
      assertNever(event, 'client transaction event');
  }
}
