import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A SIP response as text, with the two things that callers look at. */
export interface RawResponse {
  readonly status: number;
  readonly text: string;
}

export interface CallPlan {
  readonly server: string;
  readonly port?: number;
  /** User of the Request-URI. */
  readonly user: string;
  readonly from?: string;
  /** Whole header lines without CRLF, for instance `Diversion: <sip:1000@pbx>`. */
  readonly headers?: readonly string[];
  /** False: no SDP in the INVITE, the answer goes in the ACK. */
  readonly offer?: boolean;
  /** Own address; the server's when omitted. */
  readonly local?: string;
  /** Payload type of the audio: 0 (PCMU) or 8 (PCMA). */
  readonly payloadType?: 0 | 8;
}

let serial = 0;

/** What is open: callers and connections, whatever test made them. */
const open = new Set<{ close(): void }>();

/** Closes every socket of every caller: for the end of a test, however it ended. */
export function closeCallers(): void {
  for (const one of [...open]) one.close();
}

/** 20 s of packets: a caller who misses the beep must not wait for ever. */
const PACKETS_WITHOUT_BEEP = 1_000;

/** One request of the caller. */
interface RequestText {
  readonly method: string;
  readonly uri: string;
  /** The whole To line. */
  readonly to: string;
  readonly extra?: readonly string[];
  readonly body?: string;
  readonly branch?: string;
}

/** The value of a header, first line of that name. */
export function headerOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}[ \\t]*:[ \\t]*(.*)$`, 'im').exec(text)?.[1]?.trim();
}

/** The URI of the Contact, when it stands in angle brackets. */
function contactOf(text: string): string | undefined {
  return /<([^>]*)>/.exec(headerOf(text, 'Contact') ?? '')?.[1];
}

/** Host (IPv6 without brackets) and port of a SIP URI. */
function placeOf(uri: string): { host: string; port: number } {
  const parts = /^sips?:(?:[^@]*@)?(\[[^\]]*\]|[^:;]*)(?::(\d+))?/.exec(uri);
  return { host: (parts?.[1] ?? '').replace(/[[\]]/g, ''), port: Number(parts?.[2] ?? 5060) };
}

/** An address as URIs and Via write it: IPv6 in brackets. */
function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** An address as SDP writes it (RFC 8866 section 5.7). */
function sdpAddress(address: string): string {
  return `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`;
}

/** Where an SDP wants its audio. */
function audioAddressOf(text: string): { readonly address: string; readonly port: number } | undefined {
  const address = /^c=IN IP[46] ([\da-f.:]+)/im.exec(text)?.[1];
  const port = /^m=audio (\d+)/m.exec(text)?.[1];
  return address === undefined || port === undefined ? undefined : { address, port: Number(port) };
}

/** A TCP connection that frames what it receives; written apart from the server's own stack so that it can judge it. */
export class RawConnection {
  readonly socket: Socket;
  readonly requests: string[] = [];
  readonly responses: RawResponse[] = [];
  closed = false;
  #buffer = '';
  readonly #watchers = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    open.add(this);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      this.#onData(chunk);
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.closed = true;
      open.delete(this);
      this.#wake();
    });
  }

  static async open(server: string, port: number, local?: string): Promise<RawConnection> {
    const socket = connect({ host: server, port, ...(local === undefined ? {} : { localAddress: local }) });
    await once(socket, 'connect');
    return new RawConnection(socket);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The first response or request, past or future, that `wanted` picks; rejects when the peer closes first. */
  async received<T>(pick: () => T | undefined): Promise<T> {
    for (;;) {
      const found = pick();
      if (found !== undefined) return found;
      if (this.closed) throw new Error('the server closed the connection');
      await new Promise<void>((done) => {
        const watcher = (): void => {
          this.#watchers.delete(watcher);
          done();
        };
        this.#watchers.add(watcher);
      });
    }
  }

  /** The final response to the request with this Call-ID and CSeq. */
  final(callId: string, cseq: string): Promise<RawResponse> {
    return this.received(() =>
      this.responses.find(
        ({ status, text }) => status >= 200 && headerOf(text, 'Call-ID') === callId && headerOf(text, 'CSeq') === cseq,
      ),
    );
  }

  close(): void {
    this.socket.destroy();
  }

  #onData(chunk: string): void {
    this.#buffer += chunk;
    for (;;) {
      this.#buffer = this.#buffer.replace(/^(\r\n)+/, '');
      const end = this.#buffer.indexOf('\r\n\r\n');
      if (end < 0) break;
      const length = Number(headerOf(this.#buffer.slice(0, end), 'Content-Length') ?? 0);
      if (this.#buffer.length < end + 4 + length) break;
      const text = this.#buffer.slice(0, end + 4 + length);
      this.#buffer = this.#buffer.slice(end + 4 + length);
      const status = /^SIP\/2\.0 (\d{3})/.exec(text)?.[1];
      if (status === undefined) this.#onRequest(text);
      else this.responses.push({ status: Number(status), text });
    }
    this.#wake();
  }

  #onRequest(text: string): void {
    this.requests.push(text);
    if (text.startsWith('ACK')) return;
    const echoed = text.split('\r\n').filter((line) => /^(Via|From|To|Call-ID|CSeq)\s*:/i.test(line));
    this.send(['SIP/2.0 200 OK', ...echoed, 'Content-Length: 0', '', ''].join('\r\n'));
  }

  #wake(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** A caller that follows redirects, sends and receives RTP over real sockets, and keeps what it saw. */
export class RawCaller {
  readonly plan: CallPlan;
  readonly callId: string;
  /** Status of each hop's final response, with the port that gave it. */
  readonly hops: { readonly port: number; readonly status: number }[] = [];
  readonly heard: Buffer[] = [];
  answer: RawResponse | undefined;
  connection: RawConnection | undefined;
  readonly #udp: UdpSocket;
  readonly #connections = new Map<string, RawConnection>();
  readonly #tag = `t${String(process.pid)}-${String((serial += 1))}`;
  #remote: { readonly address: string; readonly port: number } | undefined;
  #target = '';
  #cseq = 0;
  #sequence = 7;
  #timestamp = 0x1000;
  #toneRun = 0;
  #beep: (() => void) | undefined;
  #noBeep: (() => void) | undefined;
  #packetsLeft = 0;
  beepEnded = false;

  private constructor(plan: CallPlan, udp: UdpSocket) {
    this.plan = plan;
    this.#udp = udp;
    this.callId = `raw-${this.#tag}@test`;
    open.add(this);
    udp.on('message', (packet) => {
      this.#onPacket(packet);
    });
    udp.on('error', () => undefined);
  }

  static async make(plan: CallPlan): Promise<RawCaller> {
    const udp = createSocket(plan.server.includes(':') ? 'udp6' : 'udp4');
    udp.bind(0, plan.local ?? plan.server);
    await once(udp, 'listening');
    return new RawCaller(plan, udp);
  }

  get local(): string {
    return this.plan.local ?? this.plan.server;
  }

  get rtpPort(): number {
    return this.#udp.address().port;
  }

  /** Calls, follows up to five redirects, and acknowledges the final response. `shared`: this connection for every hop on its port. */
  async invite(shared?: RawConnection): Promise<RawResponse> {
    let host = this.plan.server;
    let port = this.plan.port ?? 5060;
    let uri = `sip:${this.plan.user}@${hostOf(host)}:${String(port)};transport=tcp`;
    for (let hop = 0; ; hop += 1) {
      const connection = shared ?? (await this.#connect(host, port));
      this.connection = connection;
      const response = await this.#attempt(connection, uri);
      this.hops.push({ port, status: response.status });
      const contact = contactOf(response.text);
      if (response.status !== 302 || contact === undefined || hop === 5) return response;
      ({ host, port } = placeOf(contact));
      uri = contact;
    }
  }

  /** Resolves once a steady tone of at least 80 ms has been heard and has ended. */
  heardBeep(): Promise<void> {
    if (this.beepEnded) return Promise.resolve();
    this.#packetsLeft = PACKETS_WITHOUT_BEEP;
    return new Promise((done, fail) => {
      this.#beep = done;
      this.#noBeep = () => {
        fail(new Error(`no beep in ${String(PACKETS_WITHOUT_BEEP)} packets`));
      };
    });
  }

  /** Sends audio in packets of 20 ms on an absolute schedule. */
  async speak(audio: Uint8Array): Promise<void> {
    const packets = Math.floor(audio.length / 160);
    const start = performance.now();
    for (let k = 0; k < packets; k += 1) {
      const early = start + k * 20 - performance.now();
      if (early > 0) await new Promise((done) => setTimeout(done, early)); // the pace of a telephone, not a wait for the server
      this.sendAudio(audio.subarray(k * 160, k * 160 + 160));
    }
  }

  sendAudio(payload: Uint8Array): void {
    this.#sendRtp(this.plan.payloadType ?? 0, payload, this.#timestamp);
    this.#timestamp = (this.#timestamp + payload.length) >>> 0;
  }

  /** One key by RFC 4733: five packets, the last three of them marked as its end. */
  sendKey(event: number): void {
    const start = this.#timestamp;
    for (const [duration, end] of [
      [160, 0],
      [320, 0],
      [480, 0x80],
      [480, 0x80],
      [480, 0x80],
    ] as const) {
      this.#sendRtp(101, Uint8Array.of(event, end | 10, duration >> 8, duration & 255), start);
    }
    this.#timestamp = (this.#timestamp + 480) >>> 0;
  }

  /** Sends a request inside the dialog; its final response. */
  async request(method: string, extra: readonly string[] = [], body = ''): Promise<RawResponse> {
    const connection = this.connection;
    if (connection === undefined) throw new Error('no call');
    this.#cseq += 1;
    connection.send(this.#message({ method, uri: this.#target, to: this.#toHeader(), extra, body }));
    const response = await connection.final(this.callId, `${String(this.#cseq)} ${method}`);
    if (method === 'INVITE') connection.send(this.#message({ method: 'ACK', uri: this.#target, to: this.#toHeader() }));
    return response;
  }

  hangUp(): Promise<RawResponse> {
    return this.request('BYE');
  }

  /** Sends BYE and does not wait for its response. */
  sendBye(): void {
    this.#cseq += 1;
    this.connection?.send(this.#message({ method: 'BYE', uri: this.#target, to: this.#toHeader() }));
  }

  sdp(direction = 'sendrecv', version = 1): string {
    const pt = this.plan.payloadType ?? 0;
    return [
      'v=0',
      `o=- 77 ${String(version)} ${sdpAddress(this.local)}`,
      's=-',
      `c=${sdpAddress(this.local)}`,
      't=0 0',
      `m=audio ${String(this.rtpPort)} RTP/AVP ${String(pt)} 101`,
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      `a=${direction}`,
      '',
    ].join('\r\n');
  }

  close(): void {
    if (!open.delete(this)) return;
    this.#udp.close();
    for (const connection of this.#connections.values()) connection.close();
  }

  async #connect(host: string, port: number): Promise<RawConnection> {
    const key = `${host}:${String(port)}`;
    const open = this.#connections.get(key) ?? (await RawConnection.open(host, port, this.local));
    this.#connections.set(key, open);
    return open;
  }

  async #attempt(connection: RawConnection, uri: string): Promise<RawResponse> {
    this.#cseq += 1;
    const sdp = this.plan.offer === false ? { invite: '', ack: this.sdp() } : { invite: this.sdp(), ack: '' };
    const to = `To: <sip:${this.plan.user}@${hostOf(this.plan.server)}>`;
    const branch = `z9hG4bK${this.#tag}-${String(this.#cseq)}`;
    const extra = this.plan.headers ?? [];
    connection.send(this.#message({ method: 'INVITE', uri, to, extra, body: sdp.invite, branch }));
    const response = await connection.final(this.callId, `${String(this.#cseq)} INVITE`);
    const answered = `To: ${headerOf(response.text, 'To') ?? ''}`;
    if (response.status >= 300) {
      connection.send(this.#message({ method: 'ACK', uri, to: answered, branch }));
      return response;
    }
    this.answer = response;
    this.#target = contactOf(response.text) ?? uri;
    this.#remote = audioAddressOf(response.text);
    connection.send(this.#message({ method: 'ACK', uri: this.#target, to: answered, body: sdp.ack }));
    return response;
  }

  #toHeader(): string {
    return `To: ${headerOf(this.answer?.text ?? '', 'To') ?? ''}`;
  }

  #message({ method, uri, to, extra = [], body = '', branch }: RequestText): string {
    const here = `${hostOf(this.local)}:${String(this.connection?.socket.localPort ?? 5060)}`;
    return [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/TCP ${here};branch=${branch ?? `z9hG4bK${this.#tag}-${method}${String(this.#cseq)}`}`,
      'Max-Forwards: 70',
      `From: <sip:${this.plan.from ?? '5551234'}@${hostOf(this.local)}>;tag=${this.#tag}`,
      to,
      `Call-ID: ${this.callId}`,
      `CSeq: ${String(this.#cseq)} ${method}`,
      `Contact: <sip:caller@${here};transport=tcp>`,
      ...extra,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${String(body.length)}`,
      '',
      body,
    ].join('\r\n');
  }

  #sendRtp(payloadType: number, payload: Uint8Array, timestamp: number): void {
    if (this.#remote === undefined) throw new Error('no answer with an address yet');
    const packet = Buffer.alloc(12 + payload.length);
    packet[0] = 0x80;
    packet[1] = payloadType;
    packet.writeUInt16BE(this.#sequence & 0xffff, 2);
    packet.writeUInt32BE(timestamp, 4);
    packet.writeUInt32BE(0x51_52_53_54, 8);
    packet.set(payload, 12);
    this.#sequence += 1;
    this.#udp.send(packet, this.#remote.port, this.#remote.address);
  }

  #onPacket(packet: Buffer): void {
    if (packet.length < 13 || (packet[1] ?? 0) % 128 > 8) return;
    const payload = packet.subarray(12);
    this.heard.push(payload);
    this.#packetsLeft -= 1;
    if (this.#packetsLeft === 0) this.#noBeep?.();
    if (isTone(payload, (packet[1] ?? 0) % 128 === 8)) {
      this.#toneRun += 1;
      return;
    }
    if (this.#toneRun >= 4) {
      this.beepEnded = true;
      this.#beep?.();
    }
    this.#toneRun = 0;
  }
}

/** True when most of the packet's energy lies in one 50 Hz bin and its neighbours. */
export function isTone(payload: Uint8Array, aLaw: boolean): boolean {
  const samples = Array.from(payload, (byte) => (aLaw ? expandALaw(byte) : expandMuLaw(byte)));
  const energy = samples.reduce((sum, sample) => sum + sample * sample, 0);
  if (energy < samples.length * 200 * 200) return false;
  const bins = Array.from({ length: 40 }, (_, k) => {
    let re = 0;
    let im = 0;
    samples.forEach((sample, n) => {
      re += sample * Math.cos((2 * Math.PI * (k + 4) * n) / 160);
      im += sample * Math.sin((2 * Math.PI * (k + 4) * n) / 160);
    });
    return re * re + im * im;
  });
  const best = bins.indexOf(Math.max(...bins));
  const around = (bins[best - 1] ?? 0) + (bins[best] ?? 0) + (bins[best + 1] ?? 0);
  return (around * 2) / samples.length > 0.75 * energy;
}

function expandMuLaw(byte: number): number {
  const u = ~byte & 255;
  const magnitude = (((u & 15) << 3) + 132) << ((u >> 4) & 7);
  return u & 128 ? 132 - magnitude : magnitude - 132;
}

function expandALaw(byte: number): number {
  const a = byte ^ 0x55;
  const exponent = (a >> 4) & 7;
  const mantissa = ((a & 15) << 4) + 8;
  const magnitude = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return a & 128 ? magnitude : -magnitude;
}
