import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type ServerOpts, type Socket } from 'node:net';
import type { Logger, LogFacts } from '../../../../src/base/logger.js';
import type { HostPort } from '../../../../src/protocol/sip/flow.js';

/** Lets a test wait until something holds that events bring about. */
class Waiting {
  readonly #watchers = new Set<() => void>();

  wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }

  until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((done) => {
      const watcher = (): void => {
        if (!holds()) return;
        this.#watchers.delete(watcher);
        done();
      };
      this.#watchers.add(watcher);
    });
  }
}

/** A logger that keeps its lines. */
export class KeptLog implements Logger {
  readonly lines: { readonly level: string; readonly facts: LogFacts; readonly sentence: string }[] = [];
  readonly #waiting = new Waiting();

  debug(facts: LogFacts, sentence: string): void {
    this.#keep('debug', facts, sentence);
  }
  info(facts: LogFacts, sentence: string): void {
    this.#keep('info', facts, sentence);
  }
  warn(facts: LogFacts, sentence: string): void {
    this.#keep('warn', facts, sentence);
  }
  error(facts: LogFacts, sentence: string): void {
    this.#keep('error', facts, sentence);
  }
  child(): Logger {
    return this;
  }

  of(event: string): readonly LogFacts[] {
    return this.lines.filter(({ facts }) => facts.event === event).map(({ facts }) => facts);
  }

  /** Resolves once the event was logged so many times. */
  logged(event: string, times = 1): Promise<void> {
    return this.#waiting.until(() => this.of(event).length >= times);
  }

  #keep(level: string, facts: LogFacts, sentence: string): void {
    this.lines.push({ level, facts, sentence });
    this.#waiting.wake();
  }
}

/** The far end of a TCP connection; does nothing by itself. */
export class RawPeer {
  readonly socket: Socket;
  text = '';
  reads = 0;
  isClosed = false;
  readonly #waiting = new Waiting();

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.text += chunk;
      this.reads += 1;
      this.#waiting.wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      this.#waiting.wake();
    });
  }

  static async open(to: HostPort): Promise<RawPeer> {
    const socket = connect({ host: to.address, port: to.port });
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  /** The whole messages received so far. */
  get messages(): readonly string[] {
    const found: string[] = [];
    let rest = this.text;
    for (let end = rest.indexOf('\r\n\r\n'); end >= 0; end = rest.indexOf('\r\n\r\n')) {
      const length = Number(/^Content-Length: *(\d+)/im.exec(rest.slice(0, end))?.[1] ?? 0);
      if (rest.length < end + 4 + length) break;
      found.push(rest.slice(0, end + 4 + length));
      rest = rest.slice(end + 4 + length);
    }
    return found;
  }

  get statuses(): readonly number[] {
    return this.messages.map((text) => Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1] ?? 0));
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  until(holds: () => boolean): Promise<void> {
    return this.#waiting.until(() => holds() || this.isClosed);
  }

  /** The message with this index, once it is there. */
  async message(index: number): Promise<string> {
    await this.until(() => this.messages.length > index);
    const text = this.messages[index];
    if (text === undefined) throw new Error(`the connection closed after ${JSON.stringify(this.text)}`);
    return text;
  }

  async closed(): Promise<void> {
    await this.until(() => this.isClosed);
  }
}

/** A peer that listens, and keeps the connections it got. */
export class RawServer {
  readonly peers: RawPeer[] = [];
  readonly #server: Server;
  readonly #waiting = new Waiting();

  private constructor(options: ServerOpts) {
    this.#server = createServer(options, (socket) => {
      this.peers.push(new RawPeer(socket));
      this.#waiting.wake();
    });
  }

  /** `allowHalfOpen`: its connections stay open when the other side ends. */
  static async listen(address: string, options: ServerOpts = {}): Promise<RawServer> {
    const server = new RawServer(options);
    server.#server.listen(0, address);
    await once(server.#server, 'listening');
    return server;
  }

  get end(): HostPort {
    const { address, port } = this.#server.address() as AddressInfo;
    return { address, port };
  }

  /** The connection with this index, once it is there. */
  async peer(index: number): Promise<RawPeer> {
    await this.#waiting.until(() => this.peers.length > index);
    const peer = this.peers[index];
    if (peer === undefined) throw new Error('unreachable');
    return peer;
  }

  close(): void {
    this.#server.close();
    for (const { socket } of this.peers) socket.destroy();
  }
}

export interface RequestText {
  readonly method?: string;
  readonly callId?: string;
  readonly branch?: string;
  readonly sentBy?: string;
  readonly cseq?: number;
  readonly toTag?: string;
  readonly fromTag?: string;
  readonly extra?: readonly string[];
  readonly body?: string;
}

/** A request as a gateway sends it. */
export function requestText(request: RequestText = {}): string {
  const { method = 'INVITE', callId = 'call-1@pbx', cseq = 1, body = '' } = request;
  const branch = request.branch ?? `z9hG4bK-${callId}-${String(cseq)}`;
  return [
    `${method} sip:1000@um.example SIP/2.0`,
    `Via: SIP/2.0/TCP ${request.sentBy ?? '192.0.2.9:5060'};branch=${branch}`,
    `From: <sip:5551234@pbx.example>;tag=${request.fromTag ?? 'from-1'}`,
    `To: <sip:1000@um.example>${request.toTag === undefined ? '' : `;tag=${request.toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${String(cseq)} ${method}`,
    ...(request.extra ?? ['Max-Forwards: 70']),
    `Content-Length: ${String(body.length)}`,
    '',
    body,
  ].join('\r\n');
}

/** The response of a peer to a request that we sent. */
export function responseText(request: string, status: number, toTag = 'peer-1'): string {
  const echoed = request.split('\r\n').filter((line) => /^(Via|From|Call-ID|CSeq):/i.test(line));
  const to = /^To: *(.*)$/im.exec(request)?.[1] ?? '';
  const tagged = status === 100 || to.includes(';tag=') ? to : `${to};tag=${toTag}`;
  return [`SIP/2.0 ${String(status)} x`, ...echoed, `To: ${tagged}`, 'Content-Length: 0', '', ''].join('\r\n');
}

/** A header's value, first line of that name. */
export function headerOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: *(.*)$`, 'im').exec(text)?.[1]?.trim();
}
