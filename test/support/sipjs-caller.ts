import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  type AckableIncomingResponseWithSession,
  IncomingRequestMessage,
  type IncomingResponseMessage,
  Levels,
  LoggerFactory,
  type OutgoingInviteRequest,
  Parser,
  type Session,
  type Transport,
  URI,
  UserAgentCore,
} from 'sip.js/lib/core/index.js';

/** Where a request goes. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** How an INVITE ended, each hop on the way there included. */
export interface CallOutcome {
  readonly hops: readonly { readonly port: number; readonly status: number }[];
  readonly status: number;
  /** SDP of the 2xx. */
  readonly answer: string;
  readonly session: Session | undefined;
}

let serial = 0;

const loggers = new LoggerFactory();
loggers.builtinEnabled = false;
loggers.level = Levels.error;

/** Length of the first whole SIP message in `text`, 0 when there is none yet. */
function messageLength(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return 0;
  const length = end + 4 + Number(/\r\ncontent-length[ \t]*:[ \t]*(\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
  return text.length < length ? 0 : length;
}

/** SIP.js knows WebSockets only: this carries its core's messages over one TCP connection, and gives it what comes. */
class TcpTransport implements Transport {
  readonly protocol = 'TCP';
  readonly #socket: Socket;
  readonly #logger = loggers.getLogger('transport');
  #rest = '';

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  send(message: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(message, 'utf8', (fault) => {
        if (fault) reject(fault);
        else resolve();
      });
    });
  }

  deliverTo(core: UserAgentCore): void {
    this.#socket.setEncoding('latin1').on('data', (chunk: string) => {
      this.#rest += chunk;
      for (let length = messageLength(this.#rest); length > 0; length = messageLength(this.#rest)) {
        const message = Parser.parseMessage(this.#rest.slice(0, length), this.#logger);
        this.#rest = this.#rest.slice(length);
        if (message instanceof IncomingRequestMessage) core.receiveIncomingRequestFromTransport(message);
        else if (message) core.receiveIncomingResponseFromTransport(message);
      }
    });
  }
}

/** A user agent of SIP.js's core (transactions, dialogs, sessions) without its browser parts; one core for each connection. */
export class SipJsCaller {
  readonly local: string;
  readonly user: string;
  readonly #open: { readonly core: UserAgentCore; readonly socket: Socket }[] = [];

  constructor(local: string, user: string) {
    this.local = local;
    this.user = user;
  }

  /** Calls, and follows redirects; `onTrying` sees each attempt at its first 100. */
  async call(
    to: URI,
    offer: string,
    headers: readonly string[],
    onTrying?: (attempt: OutgoingInviteRequest) => void,
  ): Promise<CallOutcome> {
    const hops: { readonly port: number; readonly status: number }[] = [];
    const callId = `sipjs-${String(process.pid)}-${String((serial += 1))}`;
    let target = to;
    for (;;) {
      const dialog = { callId, fromTag: callId, cseq: hops.length + 1 };
      const response = await this.#attempt(target, to, { dialog, offer, headers, ...(onTrying && { onTrying }) });
      const status = response.message.statusCode ?? 0;
      hops.push({ port: target.port ?? 5060, status });
      const contact: unknown = response.message.parseHeader('contact');
      if (status !== 302 || hops.length > 5 || !isAddress(contact)) {
        return { hops, status, answer: response.message.body, session: response.session };
      }
      target = contact.uri;
    }
  }

  /** A request outside of calls; status and Allow of its final response. */
  async options(place: Place): Promise<{ readonly status: number; readonly allow: string }> {
    const core = await this.#connect(place);
    const to = new URI('sip', '', place.host, place.port, { transport: 'tcp' });
    const request = core.makeOutgoingRequestMessage('OPTIONS', to, this.#address(), to, {});
    return new Promise((resolve) => {
      const ended = ({ message }: { readonly message: IncomingResponseMessage }): void => {
        resolve({ status: message.statusCode ?? 0, allow: message.getHeader('allow') ?? '' });
      };
      core.request(request, { onAccept: ended, onReject: ended, onRedirect: ended });
    });
  }

  close(): void {
    for (const { core, socket } of this.#open) {
      core.dispose();
      socket.destroy();
    }
  }

  async #attempt(
    target: URI,
    to: URI,
    call: {
      /** The same for every hop (RFC 3261 §8.1.3.4). */
      readonly dialog: { readonly callId: string; readonly fromTag: string; readonly cseq: number };
      readonly offer: string;
      readonly headers: readonly string[];
      readonly onTrying?: (attempt: OutgoingInviteRequest) => void;
    },
  ): Promise<{ readonly message: IncomingResponseMessage; readonly session: Session | undefined }> {
    const core = await this.#connect({ host: target.host, port: target.port ?? 5060 });
    const body = { contentDisposition: 'session', contentType: 'application/sdp', content: call.offer };
    const contact = `Contact: ${core.configuration.contact.toString()}`;
    const request = core.makeOutgoingRequestMessage(
      'INVITE',
      target,
      this.#address(),
      to,
      call.dialog,
      [contact, ...call.headers],
      body,
    );
    return new Promise((resolve) => {
      const ended = ({ message }: { readonly message: IncomingResponseMessage }): void => {
        resolve({ message, session: undefined });
      };
      const attempt = core.invite(request, {
        onTrying: () => call.onTrying?.(attempt),
        onAccept: (response: AckableIncomingResponseWithSession) => {
          response.ack();
          resolve({ message: response.message, session: response.session });
        },
        onRedirect: ended,
        onReject: ended,
      });
    });
  }

  async #connect({ host, port }: Place): Promise<UserAgentCore> {
    const socket = connect({ host, port, localAddress: this.local });
    await once(socket, 'connect');
    socket.on('error', () => undefined);
    const transport = new TcpTransport(socket);
    const contact = new URI('sip', this.user, this.local, socket.localPort, { transport: 'tcp' });
    const core = new UserAgentCore({
      aor: this.#address(),
      contact: { pubGruu: undefined, tempGruu: undefined, uri: contact, toString: () => `<${contact.toString()}>` },
      displayName: 'Ann',
      loggerFactory: loggers,
      hackViaTcp: false,
      routeSet: [],
      sipjsId: 'caller',
      supportedOptionTags: [],
      supportedOptionTagsResponse: [],
      userAgentHeaderFieldValue: 'SIP.js',
      viaForceRport: true,
      viaHost: `${this.local}:${String(socket.localPort)}`,
      authenticationFactory: () => undefined,
      transportAccessor: () => transport,
    });
    transport.deliverTo(core);
    this.#open.push({ core, socket });
    return core;
  }

  #address(): URI {
    return new URI('sip', this.user, this.local);
  }
}

function isAddress(value: unknown): value is { readonly uri: URI } {
  return typeof value === 'object' && value !== null && 'uri' in value && value.uri instanceof URI;
}
