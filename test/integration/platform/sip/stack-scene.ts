import assert from 'node:assert/strict';
import type {
  IncomingTransaction,
  RequestRoute,
  ResponseListener,
  SignallingUser,
} from '../../../../src/call/signalling-port.js';
import { cryptoRandom } from '../../../../src/platform/random.js';
import { SipStack, type SipStackOptions } from '../../../../src/platform/sip/sip-stack.js';
import type { HostPort } from '../../../../src/protocol/sip/flow.js';
import type { SipRequest, SipResponse } from '../../../../src/protocol/sip/message.js';
import type { RequestParts } from '../../../../src/protocol/sip/request.js';
import { settled, VirtualTime } from '../../../support/virtual-time.js';
import { KeptLog, RawPeer, RawServer } from './raw-peer.js';

/** Keeps what it is told; answers only as `answer` says. */
export class ScriptedUser implements SignallingUser {
  readonly requests: IncomingTransaction[] = [];
  readonly acks: SipRequest[] = [];
  readonly cancels: IncomingTransaction[] = [];
  answer: (transaction: IncomingTransaction) => void = () => undefined;
  answerCancel: (invite: IncomingTransaction) => void = (invite) => {
    invite.respond({ status: 487 });
  };

  onRequest(transaction: IncomingTransaction): void {
    this.requests.push(transaction);
    this.answer(transaction);
  }

  onAck(request: SipRequest): void {
    this.acks.push(request);
  }

  onCancel(invite: IncomingTransaction): void {
    this.cancels.push(invite);
    this.answerCancel(invite);
  }

  get first(): IncomingTransaction {
    const [transaction] = this.requests;
    assert.ok(transaction);
    return transaction;
  }
}

/** Keeps what became of a request of ours. */
export class Outcome implements ResponseListener {
  readonly provisionals: number[] = [];
  readonly finals: SipResponse[] = [];
  readonly failures: string[] = [];
  #wake: (() => void) | undefined;

  provisional(response: SipResponse): void {
    this.provisionals.push(response.status);
    this.#wake?.();
  }

  final(response: SipResponse): void {
    this.finals.push(response);
    this.#wake?.();
  }

  failed(why: string): void {
    this.failures.push(why);
    this.#wake?.();
  }

  /** Resolves once so many things were told. */
  async told(times: number): Promise<void> {
    while (this.provisionals.length + this.finals.length + this.failures.length < times) {
      await new Promise<void>((done) => (this.#wake = done));
    }
  }
}

/** What a test may choose of its stack. */
type SceneOptions = Pick<SipStackOptions, 'sentBy' | 'maxServerTransactions'>;

/** A stack on a virtual clock, with peers that are closed at the end of the test. */
export class StackScene {
  readonly time = new VirtualTime();
  readonly log = new KeptLog();
  readonly user = new ScriptedUser();
  readonly stack: SipStack;
  readonly address: string;
  end: HostPort;
  readonly #peers: RawPeer[] = [];
  readonly #servers: RawServer[] = [];

  private constructor(address: string, options: SceneOptions) {
    const { user, log, time } = this;
    this.address = address;
    this.end = { address, port: 0 };
    this.stack = new SipStack({
      user,
      log,
      timers: time,
      clock: time,
      random: cryptoRandom,
      serverName: 'um.example',
      ...options,
    });
  }

  static async start(address: string, options: SceneOptions = {}): Promise<StackScene> {
    const scene = new StackScene(address, options);
    scene.end = await scene.stack.transport.listen(address, 0);
    return scene;
  }

  async peer(): Promise<RawPeer> {
    const peer = await RawPeer.open(this.end);
    this.#peers.push(peer);
    return peer;
  }

  async server(address = this.address): Promise<RawServer> {
    const server = await RawServer.listen(address);
    this.#servers.push(server);
    return server;
  }

  /** Waits until sockets have done what they can; for what must not happen. */
  async quiet(): Promise<void> {
    for (let turn = 0; turn < 20; turn += 1) await settled();
  }

  async dispose(): Promise<void> {
    for (const { socket } of this.#peers) socket.destroy();
    for (const server of this.#servers) server.close();
    await this.stack.close();
    assert.equal(this.stack.transactionCount, 0);
    assert.equal(this.time.waiting, 0, 'timers are left');
  }
}

/** A request as a call makes it. */
export function partsOf(method: string, to: HostPort, callId: string): RequestParts {
  return {
    method,
    uri: `sip:peer@${to.address}:${String(to.port)}`,
    headers: [
      ['Max-Forwards', '70'],
      ['From', '<sip:um@um.example>;tag=ours'],
      ['To', '<sip:peer@pbx.example>'],
      ['Call-ID', callId],
      ['CSeq', `7 ${method}`],
    ],
  };
}

export function routeTo(destination: HostPort, preferredFlowId?: string): RequestRoute {
  return { transport: 'tcp', destination, ...(preferredFlowId === undefined ? {} : { preferredFlowId }) };
}
