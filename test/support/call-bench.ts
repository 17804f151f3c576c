import { CallLimit } from '../../src/call/call-limit.js';
import { type Admission, UserAgent } from '../../src/call/user-agent.js';
import { Directory } from '../../src/directory/directory.js';
import type { DirectoryObject, UMDialPlan, UMMailbox } from '../../src/directory/objects.js';
import { answerCall, type CallAnsweringOptions } from '../../src/menus/call-answering.js';
import type { Call } from '../../src/menus/call.js';
import { RecordingLogger } from './recording-logger.js';
import { ScriptedMedia, type ScriptedMediaSession } from './scripted-media.js';
import { flowOf, requestOf, type RequestText, ScriptedSignalling, ScriptedTransaction } from './scripted-signalling.js';
import { ScriptedSpool } from './scripted-spool.js';
import { settled, VirtualTime } from './virtual-time.js';

/** An offer, or an answer, of a gateway at 192.0.2.10. */
export function gatewaySdp(...lines: readonly string[]): string {
  const media = lines.some((line) => line.startsWith('m=')) ? [] : ['m=audio 4000 RTP/AVP 0 8 101'];
  const map = 'a=rtpmap:101 telephone-event/8000';
  return ['v=0', 'o=- 1 1 IN IP4 192.0.2.10', 's=-', 'c=IN IP4 192.0.2.10', 't=0 0', ...media, ...lines, map, ''].join(
    '\r\n',
  );
}

export interface BenchOptions {
  readonly maxCallsAllowed?: number;
  readonly dialPlan?: Partial<UMDialPlan>;
  readonly mailbox?: Partial<UMMailbox>;
  readonly strictMedia?: boolean;
  /** Addresses of the one gateway. */
  readonly gateway?: readonly string[];
  readonly advertisedAddress?: string;
  /** In place of call answering. */
  readonly menu?: (call: Call, options: CallAnsweringOptions) => Promise<void>;
}

/** A worker's calls between scripted ports, on a clock that stands still. */
export class CallBench {
  readonly time = new VirtualTime();
  readonly signalling = new ScriptedSignalling();
  readonly media = new ScriptedMedia();
  readonly spool = new ScriptedSpool();
  readonly log = new RecordingLogger();
  readonly counts: number[] = [];
  readonly limit = new CallLimit((own) => this.counts.push(own));
  readonly agent: UserAgent;
  directory: Directory | undefined;

  constructor(options: BenchOptions = {}) {
    this.directory = new Directory(1, objectsOf(options));
    this.agent = new UserAgent({
      signalling: this.signalling,
      media: this.media,
      spool: this.spool,
      limit: this.limit,
      log: this.log,
      timers: this.time,
      clock: this.time,
      wallClock: this.time,
      random: { integer: () => 7, hex: (bytes) => 'ab'.repeat(bytes) },
      config: () => ({
        serverName: 'um.example.test',
        advertisedAddress: options.advertisedAddress,
        dataDirectory: '/data',
      }),
      directory: () => this.directory,
      answer: options.menu ?? answerCall,
      onCallsChanged: () => undefined,
    });
  }

  set admission(admission: Admission) {
    this.agent.admission = admission;
  }

  /** Hands a request to the calls and lets everything run that waits for nothing else. */
  async request(text: RequestText, flowId?: string): Promise<ScriptedTransaction> {
    const transaction = new ScriptedTransaction(requestOf(text), flowOf(flowId));
    this.agent.onRequest(transaction);
    await settled();
    return transaction;
  }

  /** An INVITE that was diverted from extension 1000. */
  invite(text: Partial<RequestText> = {}): Promise<ScriptedTransaction> {
    return this.request({
      method: 'INVITE',
      body: gatewaySdp(),
      ...text,
      headers: ['Diversion: <sip:1000@pbx>', ...(text.headers ?? [])],
    });
  }

  /** ACK of the 2xx that `invite` got. */
  async ack(invite: ScriptedTransaction, body = '', flowId?: string): Promise<void> {
    const { request } = invite;
    const { number } = request.cseq;
    this.agent.onAck(requestOf({ ...dialogOf(invite), method: 'ACK', cseq: number, body }), flowOf(flowId));
    await settled();
  }

  /** A call that is up, its menu playing the greeting. */
  async answered(text: Partial<RequestText> = {}): Promise<ScriptedTransaction> {
    const invite = await this.invite(text);
    await this.ack(invite);
    return invite;
  }

  /** A call that is recording. */
  async recording(): Promise<ScriptedTransaction> {
    const invite = await this.answered();
    this.session.played();
    await settled();
    this.session.played();
    await settled();
    return invite;
  }

  /** A request of the caller within the call. */
  inside(
    invite: ScriptedTransaction,
    method: string,
    rest: Partial<RequestText> & { readonly cseq: number },
    flowId?: string,
  ): Promise<ScriptedTransaction> {
    // prettier-ignore
    return this.request({ ...dialogOf(invite), method, ...rest }, flowId);
  }

  get session(): ScriptedMediaSession {
    const session = this.media.sessions.at(-1);
    if (!session) throw new Error('no media session was opened');
    return session;
  }

  /** Events of the log that say so. */
  events(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.log.lines.filter(({ event }) => event === name);
  }

  /** The one line about the end of the one call. */
  get ending(): Readonly<Record<string, unknown>> {
    const [line, ...more] = this.events('call-ended');
    if (!line || more.length > 0) throw new Error(`there are ${String(more.length)} lines call-ended, not one`);
    return line;
  }

  /** The Reason header of our BYE. */
  get byeReason(): string {
    return new Map(this.signalling.lastOf('BYE').parts.headers).get('Reason') ?? '';
  }

  /** True when nothing of any call is left: no port, no place, no timer, no held connection. */
  get isEmpty(): boolean {
    return (
      this.media.pairsInUse === 0 &&
      this.limit.own === 0 &&
      this.time.waiting === 0 &&
      this.signalling.heldFlows.length === 0 &&
      this.agent.reports.length === 0
    );
  }
}

function dialogOf({ request, responses }: ScriptedTransaction): Pick<RequestText, 'callId' | 'fromTag' | 'toTag'> {
  const toTag = responses.at(-1)?.toTag;
  return {
    callId: request.callId,
    ...(request.fromTag === undefined ? {} : { fromTag: request.fromTag }),
    ...(toTag === undefined ? {} : { toTag }),
  };
}

/** A directory of one of each: dial plan, policy, gateway, hunt group for every number, mailbox 1000. */
export function objectsOf(options: BenchOptions): readonly DirectoryObject[] {
  return [
    {
      kind: 'dial-plan',
      id: 'plan',
      name: 'HQ',
      numberOfDigitsInExtension: 4,
      uriType: 'TelExtn',
      voipSecurity: 'Unsecured',
      audioCodec: 'Mp3',
      maxCallDurationMinutes: 30,
      maxRecordingDurationMinutes: 20,
      recordingIdleTimeoutSeconds: 5,
      accessTelephoneNumbers: [],
      diversionPreference: 'OriginalCalled',
      defaultLanguage: 'en-US',
      ...options.dialPlan,
    },
    {
      kind: 'mailbox-policy',
      id: 'policy',
      name: 'Default',
      dialPlan: 'plan',
      allowMissedCallNotifications: true,
      minPinLength: 6,
      voiceMailText: '',
    },
    {
      kind: 'ip-gateway',
      id: 'gateway',
      name: 'PBX',
      addresses: options.gateway ?? ['192.0.2.0/24'],
      port: 5_060,
      status: 'Enabled',
      strictMedia: options.strictMedia ?? false,
    },
    { kind: 'hunt-group', id: 'group', name: 'All', pilotIdentifier: '', dialPlan: 'plan', gateway: 'gateway' },
    {
      kind: 'mailbox',
      id: 'box',
      address: '1000@example.test',
      displayName: 'Ann',
      extensions: ['1000'],
      mailboxPolicy: 'policy',
      emailAddresses: [],
      ...options.mailbox,
    },
    { kind: 'settings', id: 'settings', maxCallsAllowed: options.maxCallsAllowed ?? 100 },
  ];
}
