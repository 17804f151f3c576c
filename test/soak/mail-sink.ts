import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

/** A relay that outlives the server under test: takes every message and remembers which Message-IDs each call had. */
export class MailSink {
  /** Call-ID to the Message-IDs under which it was delivered, one for each delivery. */
  readonly deliveries = new Map<string, string[]>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(address: string): Promise<MailSink> {
    const server = createServer();
    const sink = new MailSink(server);
    server.on('connection', (socket) => {
      sink.#serve(socket);
    });
    server.listen(0, address);
    await once(server, 'listening');
    return sink;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    this.#server.close();
  }

  #serve(socket: Socket): void {
    let waiting = '';
    let inData = false;
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.write('220 sink\r\n');
    socket.on('data', (chunk: string) => {
      waiting += chunk;
      for (;;) {
        const mark = inData ? '\r\n.\r\n' : '\r\n';
        const end = waiting.indexOf(mark);
        if (end < 0) return;
        const part = waiting.slice(0, end);
        waiting = waiting.slice(end + mark.length);
        if (inData) {
          this.#remember(part);
          inData = false;
          socket.write('250 taken\r\n');
        } else {
          inData = /^DATA/i.test(part);
          socket.write(inData ? '354 go\r\n' : /^QUIT/i.test(part) ? '221 bye\r\n' : '250 ok\r\n');
        }
      }
    });
  }

  #remember(mail: string): void {
    const value = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'im').exec(mail)?.[1] ?? '';
    const callId = value('X-CallID');
    this.deliveries.set(callId, [...(this.deliveries.get(callId) ?? []), value('Message-ID')]);
  }
}
