import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** What the peer does when its turn comes: a reply of one or more lines; `stall`: silence; `close`: the end of the connection. */
export type PeerTurn = string;

/** How the peer behaves; whatever is omitted goes well. May be changed while it listens. */
export interface PeerScript {
  readonly greeting?: PeerTurn;
  /** Lines of the answer to EHLO or LHLO after the first. */
  readonly extensions?: readonly string[];
  readonly hello?: PeerTurn;
  readonly auth?: PeerTurn;
  readonly mail?: PeerTurn;
  readonly recipient?: (address: string) => PeerTurn;
  readonly data?: PeerTurn;
  /** Closes after this many bytes of the data. */
  readonly closeAfterDataBytes?: number;
  /** The answer after the data, by recipient in LMTP. */
  readonly taken?: (address: string) => PeerTurn;
}

/** Its certificate and key in PEM, and when it speaks TLS: from the first byte, or once asked by STARTTLS (RFC 3207). */
export interface PeerTls {
  readonly cert: Buffer;
  readonly key: Buffer;
  readonly from: 'connect' | 'starttls';
}

/** A mail that the peer has answered with a 2xx, as it came, dots unstuffed. */
export interface PeerMail {
  readonly from: string;
  readonly to: string;
  readonly content: Buffer;
}

/** A scripted SMTP or LMTP server on a real socket that keeps what it got. */
export class SmtpPeer {
  script: PeerScript = {};
  readonly mails: PeerMail[] = [];
  /** Commands of all connections in order, without CRLF. */
  readonly commands: string[] = [];
  connections = 0;
  readonly #server: Server;
  readonly #isLmtp: boolean;
  readonly #tls: PeerTls | undefined;
  readonly #sockets = new Set<Socket>();
  readonly #watchers = new Set<() => void>();

  private constructor(isLmtp: boolean, tls: PeerTls | undefined) {
    this.#isLmtp = isLmtp;
    this.#tls = tls;
    this.#server = createServer((socket) => {
      this.#accept(socket);
    });
  }

  static async listen(
    address: string,
    options: {
      readonly lmtp?: boolean;
      readonly port?: number;
      readonly script?: PeerScript;
      readonly tls?: PeerTls;
    } = {},
  ): Promise<SmtpPeer> {
    const peer = new SmtpPeer(options.lmtp ?? false, options.tls);
    peer.script = options.script ?? {};
    peer.#server.listen(options.port ?? 0, address);
    await once(peer.#server, 'listening');
    return peer;
  }

  get port(): number {
    const bound = this.#server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : 0;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Waits until `holds`, asked again after everything that happens here. */
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

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.connections += 1;
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#wake();
    });
    const greeted = this.#converse(this.#tls?.from === 'connect' ? this.#secured(socket) : socket);
    greeted.begin();
    this.#wake();
  }

  #converse(stream: Socket): PeerSession {
    stream.setEncoding('latin1');
    const startTls = (): void => {
      stream.removeAllListeners('data');
      this.#converse(this.#secured(stream));
    };
    const session = new PeerSession(stream, this, {
      isLmtp: this.#isLmtp,
      ...(this.#tls?.from === 'starttls' && !(stream instanceof TLSSocket) ? { startTls } : {}),
    });
    stream.on('data', (chunk: string) => {
      session.receive(chunk);
      this.#wake();
    });
    return session;
  }

  #secured(socket: Socket): TLSSocket {
    const { cert, key } = this.#tls ?? {};
    const secured = new TLSSocket(socket, { isServer: true, cert, key });
    secured.on('error', () => undefined);
    return secured;
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

class PeerSession {
  readonly #socket: Socket;
  readonly #peer: SmtpPeer;
  readonly #isLmtp: boolean;
  readonly #startTls: (() => void) | undefined;
  #buffer = '';
  #phase: 'commands' | 'data' | 'stalled' = 'commands';
  #from = '';
  #recipients: string[] = [];

  constructor(socket: Socket, peer: SmtpPeer, how: { readonly isLmtp: boolean; readonly startTls?: () => void }) {
    this.#socket = socket;
    this.#peer = peer;
    this.#isLmtp = how.isLmtp;
    this.#startTls = how.startTls;
  }

  begin(): void {
    this.#turn(this.#peer.script.greeting ?? '220 peer.example.test');
  }

  receive(chunk: string): void {
    this.#buffer += chunk;
    for (;;) {
      if (this.#phase === 'data' ? !this.#takeData() : !this.#takeCommand()) return;
    }
  }

  #takeCommand(): boolean {
    const end = this.#buffer.indexOf('\r\n');
    if (end < 0 || this.#phase === 'stalled') return false;
    const line = this.#buffer.slice(0, end);
    this.#buffer = this.#buffer.slice(end + 2);
    this.#peer.commands.push(line);
    this.#command(line);
    return true;
  }

  #command(line: string): void {
    const address = /<([^>]*)>/.exec(line)?.[1] ?? '';
    const verb = line.slice(0, 4).toUpperCase();
    if (verb === 'MAIL') this.#sender(address);
    else if (verb === 'RCPT') this.#recipient(address);
    else if (verb === 'DATA') this.#data();
    else this.#turn(this.#answer(verb));
    if (verb === 'QUIT') this.#socket.end();
    if (verb === 'STAR') this.#startTls?.();
  }

  /** The answer to a command that changes nothing here. */
  #answer(verb: string): PeerTurn {
    const { script } = this.#peer;
    if (verb === (this.#isLmtp ? 'LHLO' : 'EHLO')) {
      const lines = ['peer.example.test', ...(script.extensions ?? []), ...(this.#startTls ? ['STARTTLS'] : [])];
      return script.hello ?? lines.map((text, at) => `250${at < lines.length - 1 ? '-' : ' '}${text}`).join('\r\n');
    }
    if (verb === 'AUTH') return script.auth ?? '235 2.7.0 welcome';
    if (verb === 'STAR' && this.#startTls) return '220 2.0.0 ready';
    return verb === 'QUIT' ? '221 2.0.0 bye' : '500 5.5.1 what?';
  }

  #sender(address: string): void {
    this.#from = address;
    this.#recipients = [];
    this.#turn(this.#peer.script.mail ?? '250 2.1.0 sender ok');
  }

  #recipient(address: string): void {
    const turn = this.#peer.script.recipient?.(address) ?? '250 2.1.5 recipient ok';
    if (turn.startsWith('2')) this.#recipients.push(address);
    this.#turn(turn);
  }

  #data(): void {
    const turn =
      this.#recipients.length === 0 ? '554 5.5.1 no valid recipients' : (this.#peer.script.data ?? '354 go on');
    if (turn.startsWith('3')) this.#phase = 'data';
    this.#turn(turn);
  }

  #takeData(): boolean {
    const limit = this.#peer.script.closeAfterDataBytes;
    if (limit !== undefined && this.#buffer.length > limit) {
      this.#turn('close');
      return false;
    }
    const end = `\r\n${this.#buffer}`.indexOf('\r\n.\r\n');
    if (end < 0) return false;
    const content = this.#buffer.slice(0, end).replace(/^\.\./gm, '.');
    this.#buffer = this.#buffer.slice(end + 3);
    this.#phase = 'commands';
    for (const to of this.#isLmtp ? this.#recipients : this.#recipients.slice(0, 1)) {
      const turn = this.#peer.script.taken?.(to) ?? '250 2.0.0 taken';
      const recipients = this.#isLmtp ? [to] : this.#recipients;
      if (turn.startsWith('2')) {
        for (const recipient of recipients) {
          this.#peer.mails.push({ from: this.#from, to: recipient, content: Buffer.from(content, 'latin1') });
        }
      }
      this.#turn(turn);
    }
    return true;
  }

  #turn(turn: PeerTurn): void {
    if (this.#phase === 'stalled') return;
    if (turn === 'stall') this.#phase = 'stalled';
    else if (turn === 'close') {
      this.#phase = 'stalled';
      this.#socket.destroy();
    } else this.#socket.write(`${turn}\r\n`, 'latin1');
  }
}
