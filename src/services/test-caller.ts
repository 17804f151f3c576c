import { fileURLToPath } from 'node:url';
import { codeOfDiagnostics, type ErrorCode, UmError } from '../base/errors.js';
import { LIMITS } from '../base/limits.js';
import type { Logger } from '../base/logger.js';
import { PRODUCT } from '../base/version.js';
import { CallAudio } from '../call/call-audio.js';
import { Dialog } from '../call/dialog.js';
import { MediaNegotiation, readPeerDescription } from '../call/media-negotiation.js';
import type { IncomingTransaction, SignallingUser } from '../call/signalling-port.js';
import { monotonicClock, timers } from '../platform/clock.js';
import { MediaEngine } from '../platform/media/media-engine.js';
import { cryptoRandom } from '../platform/random.js';
import { SipStack } from '../platform/sip/sip-stack.js';
import { hostPortText, type Flow, type HostPort } from '../protocol/sip/flow.js';
import type { SipResponse } from '../protocol/sip/message.js';
import { parseNameAddress } from '../protocol/sip/name-address.js';
import type { HeaderLine, RequestParts } from '../protocol/sip/request.js';
import { reasonPhrase } from '../protocol/sip/response.js';
import { formatUri, parseUri, type SipUri } from '../protocol/sip/uri.js';

const PROMPTS = fileURLToPath(new URL('../../config/prompts/en-US', import.meta.url));

/** Ports of the caller's own audio: where programs get theirs by chance, away from the server's range. */
const RTP_RANGE = { minimumPort: 49_152, maximumPort: 65_534 } as const;

/** How long a final response, and then the beep, is waited for. */
const ANSWER_PATIENCE_MS = 60_000;
const BEEP_PATIENCE_MS = 60_000;

const DEFAULT_PORT = 5_060;

export interface TestCallOptions {
  /** Whom the call was for before nobody answered. */
  readonly extension: string;
  /** The number of a hunt group that is dialled; the extension itself when omitted. */
  readonly pilot?: string;
  /** The call router. */
  readonly to: HostPort;
  /** Own address for SIP and RTP. */
  readonly localAddress: string;
  /** The caller's number. */
  readonly from: string;
  /** Mu-law, 8 kHz. */
  readonly audio: Uint8Array;
  readonly log: Logger;
  onHop(hop: TestCallHop): void;
}

/** What the caller lived through, told as it happens. */
export type TestCallHop =
  | {
      readonly kind: 'redirected' | 'answered' | 'refused';
      readonly status: number;
      readonly by: HostPort;
      readonly contact?: string;
      readonly detail?: string;
      /** Of the refusal, where the number in ms-diagnostics is one of ours. */
      readonly code?: ErrorCode;
    }
  | { readonly kind: 'greeting-heard' | 'speaking' | 'hung-up' | 'ended-by-server'; readonly seconds: number };

export interface TestCallResult {
  readonly answered: boolean;
  readonly callId: string;
  readonly spokenMs: number;
  readonly status: number;
}

/** How an INVITE ended. */
interface Final {
  readonly response: SipResponse;
  readonly flow: Flow;
}

/**
 * A caller as a gateway would be one: INVITE with Diversion, redirects followed, ACK, the beep waited for, the audio spoken, BYE.
 *
 * @throws UmError 'call-failed' when nobody answers at all, a redirect leads nowhere, the server ends the call before anything was
 *   said, or does not answer the BYE
 */
export async function testCall(options: TestCallOptions): Promise<TestCallResult> {
  const { log } = options;
  const media = await MediaEngine.start({ ...RTP_RANGE, promptDirectory: PROMPTS, log });
  const call = new TestCall(options, media);
  try {
    return await call.run();
  } finally {
    await call.close();
    await media.close();
  }
}

/** One call from the caller's side; over a SIP stack of its own. */
class TestCall implements SignallingUser {
  readonly #options: TestCallOptions;
  readonly #media: MediaEngine;
  readonly #stack: SipStack;
  readonly #audio = new CallAudio();
  readonly #callId = `${cryptoRandom.hex(16)}@test-call`;
  readonly #fromTag = cryptoRandom.hex(8);
  #ownPort = 0;
  #sequence = 0;
  #dialog: Dialog | undefined;
  #flow: Flow | undefined;
  /** Aborted when the server hangs up. */
  readonly #ended = new AbortController();

  constructor(options: TestCallOptions, media: MediaEngine) {
    this.#options = options;
    this.#media = media;
    this.#stack = new SipStack({
      user: this,
      log: options.log,
      timers,
      clock: monotonicClock,
      random: cryptoRandom,
      serverName: options.localAddress,
    });
  }

  async run(): Promise<TestCallResult> {
    const { localAddress } = this.#options;
    this.#ownPort = (await this.#stack.transport.listen(localAddress, 0)).port;
    this.#audio.attach(await this.#media.open(localAddress, this.#audio));
    const negotiation = new MediaNegotiation({
      address: localAddress,
      localAddress,
      port: this.#audio.localPort,
      sessionId: String(cryptoRandom.integer(2 ** 31)),
      strictMedia: false,
    });
    const final = await this.#inviteAlong(negotiation.offer());
    const { status } = final.response;
    if (status >= 300) {
      this.#tell('refused', final, whyRefused(final.response));
      return { answered: false, callId: this.#callId, spokenMs: 0, status };
    }
    this.#tell('answered', final);
    let spokenMs = 0;
    let fault: UmError | undefined;
    try {
      spokenMs = await this.#talk(final.response, negotiation);
    } finally {
      fault = await this.#hangUp(spokenMs);
    }
    if (fault) throw fault;
    return { answered: true, callId: this.#callId, spokenMs, status };
  }

  async close(): Promise<void> {
    await this.#audio.close();
    await this.#stack.close();
  }

  onRequest(transaction: IncomingTransaction): void {
    const { method } = transaction.request;
    transaction.respond({
      status: method === 'BYE' || method === 'OPTIONS' ? 200 : 405,
      headers: [['Allow', 'ACK, BYE']],
    });
    if (method === 'BYE') this.#ended.abort();
  }

  /** No INVITE is ever answered here. */
  readonly onAck = (): void => undefined;
  readonly onCancel = (): void => undefined;

  /** What the PBX dials: a pilot, or whom the call was for. */
  get #dialled(): string {
    return this.#options.pilot ?? this.#options.extension;
  }

  /** Calls the router and whomever it names (RFC 3261 §8.1.3.4), never the same place twice. */
  async #inviteAlong(offer: string): Promise<Final> {
    const { to } = this.#options;
    let uri: SipUri = sipUri(this.#dialled, to);
    const visited = new Set<string>();
    for (let redirects = 0; ; redirects += 1) {
      const text = formatUri(uri);
      if (visited.has(text)) throw new UmError('call-failed', `the redirect to ${text} leads in a circle`);
      visited.add(text);
      const final = await this.#invite(uri, offer);
      const { status } = final.response;
      if (status < 300 || status > 399) return final;
      if (redirects === LIMITS.sipRedirects)
        throw new UmError('call-failed', `more than ${String(redirects)} redirects`);
      const contact = parseNameAddress(final.response.list('contact')[0] ?? '').uri;
      this.#tell('redirected', final, { contact });
      const next = parseUri(contact);
      if (next.scheme === 'tel') throw new UmError('call-failed', `redirected to ${contact}, which is no SIP address`);
      uri = next;
    }
  }

  async #invite(uri: SipUri, offer: string): Promise<Final> {
    const address = uri.parameters.get('maddr') ?? uri.host;
    const destination = { address, port: uri.port ?? DEFAULT_PORT };
    const flow = await this.#connect(destination);
    this.#sequence += 1;
    const request = this.#inviteParts(uri, offer);
    const route = { preferredFlowId: flow.id, transport: 'tcp', destination } as const;
    return new Promise((resolve, reject) => {
      const patience = timers.start(ANSWER_PATIENCE_MS, () => {
        sent.cancel();
      });
      const sent = this.#stack.send(request, route, {
        final: (response, on) => {
          patience.stop();
          try {
            // Also for each repetition of the 2xx (RFC 3261 §13.2.2.4).
            if (response.status < 300) this.#acknowledge(response, on);
            resolve({ response, flow: on });
          } catch (error) {
            reject(new UmError('call-failed', `the answer makes no dialog: ${String(error)}`, { cause: error }));
          }
        },
        failed: (why) => {
          patience.stop();
          reject(new UmError('call-failed', `${hostPortText(destination)} did not answer the INVITE (${why})`));
        },
      });
    });
  }

  async #connect(destination: HostPort): Promise<Flow> {
    try {
      return await this.#stack.transport.connect(destination, this.#options.localAddress);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new UmError('call-failed', `no connection to ${hostPortText(destination)}: ${why}`, { cause: error });
    }
  }

  #inviteParts(uri: SipUri, offer: string): RequestParts {
    const { extension, from, localAddress, to } = this.#options;
    const caller = formatUri(sipUri(from, { address: localAddress, port: this.#ownPort }));
    const headers: readonly HeaderLine[] = [
      ['Max-Forwards', '70'],
      [
        'From',
        `"OpenUM test call" <${formatUri(sipUri(from, { address: localAddress, port: undefined }))}>;tag=${this.#fromTag}`,
      ],
      ['To', `<${formatUri(sipUri(this.#dialled, { address: to.address, port: undefined }))}>`],
      ['Call-ID', this.#callId],
      ['CSeq', `${String(this.#sequence)} INVITE`],
      ['Contact', `<${caller}>`],
      ['Diversion', `<${formatUri(sipUri(extension, { address: localAddress, port: undefined }))}>;reason=no-answer`],
      ['Allow', 'ACK, BYE, CANCEL, OPTIONS'],
      ['User-Agent', PRODUCT],
    ];
    return { method: 'INVITE', uri: formatUri(uri), headers, body: { type: 'application/sdp', content: offer } };
  }

  #acknowledge(response: SipResponse, flow: Flow): void {
    this.#dialog ??= Dialog.asClient(response);
    this.#flow = flow;
    this.#stack.sendAck(this.#dialog.ack(response.cseq.number), this.#dialog.route(flow.id));
  }

  /** @returns milliseconds of audio that were spoken before either side ended it */
  async #talk(response: SipResponse, negotiation: MediaNegotiation): Promise<number> {
    this.#audio.configure(negotiation.accept(readPeerDescription(response.body, this.#options.localAddress)));
    const { audio } = this.#options;
    const answeredAtMs = monotonicClock.nowMs();
    const heard = await this.#untilEnded(this.#audio.hearBeep(), BEEP_PATIENCE_MS);
    if (heard === 'ended') return 0;
    if (heard === 'done') this.#options.onHop({ kind: 'greeting-heard', seconds: secondsSince(answeredAtMs) });
    this.#options.onHop({ kind: 'speaking', seconds: audio.length / 8_000 });
    const begunAtMs = monotonicClock.nowMs();
    const lengthMs = audio.length / 8;
    const end = await this.#untilEnded(
      this.#audio.play([{ kind: 'audio', muLaw: audio }]),
      lengthMs + BEEP_PATIENCE_MS,
    );
    return end === 'done' ? lengthMs : Math.min(lengthMs, Math.round(1_000 * secondsSince(begunAtMs)));
  }

  /** Waits for `step`, as long as the call is up and patience lasts. */
  #untilEnded(step: Promise<void>, patienceMs: number): Promise<'done' | 'ended' | 'waited'> {
    const { signal } = this.#ended;
    return new Promise((resolve, reject) => {
      if (signal.aborted) resolve('ended');
      const patience = timers.start(patienceMs, () => {
        resolve('waited');
      });
      signal.addEventListener('abort', () => {
        patience.stop();
        resolve('ended');
      });
      step
        .then(() => {
          resolve('done');
        }, reject)
        .finally(() => {
          patience.stop();
        });
    });
  }

  /** BYE, unless the server was first. @returns what was wrong with the end of the call */
  async #hangUp(spokenMs: number): Promise<UmError | undefined> {
    const seconds = spokenMs / 1_000;
    const answer = this.#ended.signal.aborted ? 'ended' : await this.#bye();
    // Its BYE may have crossed ours, which then finds no call any more.
    if (this.#ended.signal.aborted) {
      this.#options.onHop({ kind: 'ended-by-server', seconds });
      return spokenMs > 0
        ? undefined
        : new UmError('call-failed', 'the server ended the call before anything was said');
    }
    if (answer === 'done') this.#options.onHop({ kind: 'hung-up', seconds });
    else return new UmError('call-failed', `after ${seconds.toFixed(1)} s of speech ${answer}`);
    return undefined;
  }

  /** @returns `done`, or why not: one clause */
  #bye(): Promise<string> {
    const dialog = this.#dialog;
    if (!dialog) return Promise.resolve('the call was no dialog');
    const bye = dialog.request('BYE', [['User-Agent', PRODUCT]]);
    return new Promise((resolve) => {
      this.#stack.send(bye, dialog.route(this.#flow?.id), {
        final: ({ status }) => {
          resolve(
            status < 300 ? 'done' : `the server knew nothing of the call: it answered BYE with ${String(status)}`,
          );
        },
        failed: (why) => {
          resolve(`the server did not answer BYE (${why}): did its worker process end? What it had recorded is kept`);
        },
      });
    });
  }

  #tell(
    kind: 'redirected' | 'answered' | 'refused',
    { response, flow }: Final,
    more: { readonly contact?: string; readonly detail?: string; readonly code?: ErrorCode } = {},
  ): void {
    this.#options.onHop({ kind, status: response.status, by: flow.peer, ...more });
  }
}

/** `sip:USER@HOST:PORT;transport=tcp`; without the rest when there is no port. Nothing in `user` can end the URI early. */
function sipUri(
  user: string,
  { address, port }: { readonly address: string; readonly port: number | undefined },
): SipUri {
  return {
    scheme: 'sip',
    user,
    rawUser: undefined,
    password: undefined,
    host: address,
    port,
    parameters: new Map(port === undefined ? [] : [['transport', 'tcp']]),
    headers: new Map(),
  };
}

/** The words of ms-diagnostics beside those of the response, and the code that its number stands for. */
function whyRefused(response: SipResponse): { readonly detail: string; readonly code?: ErrorCode } {
  const phrase = response.reasonPhrase === '' ? reasonPhrase(response.status) : response.reasonPhrase;
  const diagnostics = response.header('ms-diagnostics') ?? '';
  const reason = /reason="((?:[^"\\]|\\.)*)"/.exec(diagnostics)?.[1];
  const code = codeOfDiagnostics(Number.parseInt(diagnostics, 10));
  return {
    detail: reason === undefined ? phrase : `${phrase}; ${reason.replaceAll(/\\(.)/g, '$1')}`,
    ...(code === undefined ? {} : { code }),
  };
}

function secondsSince(startMs: number): number {
  return (monotonicClock.nowMs() - startMs) / 1_000;
}
