import { readdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import type { Timers } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { UmConfig } from '../config/um-config.js';
import type { MessageReport } from '../mailbox/control-protocol.js';
import type { ControlClient } from '../platform/control/control-client.js';
import { maildirName } from '../platform/mail/maildir.js';
import { pause } from '../platform/pause.js';
import { formatHost } from '../protocol/sip/uri.js';
import { spokenAudio } from './spoken-audio.js';
import { describeHop } from './test-call-words.js';
import { testCall } from './test-caller.js';

const EXTENSION = '1000';
const CALLER = '5551234';
/** Taking a message in and mailing it take a second; on a busy machine MP3 takes its time. */
const MESSAGE_PATIENCE_MS = 15_000;
const MAIL_PATIENCE_MS = 30_000;
const ASK_EVERY_MS = 250;

export interface DemonstrationOptions {
  readonly control: Pick<ControlClient, 'request'>;
  readonly config: UmConfig;
  readonly routerPort: number;
  readonly log: Logger;
  readonly timers: Timers;
  /** The caller; a real one when omitted. */
  readonly call?: typeof testCall;
  /** Aborted when the daemon is being stopped: nothing more is shown. */
  readonly stopped: AbortSignal;
  /** Words for people. */
  readonly say: (text: string) => void;
}

/** Shows a person who starts OpenUM for the first time what it does: one real call, and where its message is. */
export async function demonstrate(options: DemonstrationOptions): Promise<void> {
  try {
    await showCall(options);
  } catch (error) {
    if (options.stopped.aborted) return;
    const why = error instanceof UmError || error instanceof Error ? error.message : String(error);
    options.log.warn({ event: 'test-call-failed', why }, 'the test call failed');
    options.say(`The test call failed: ${why}\n`);
  }
  showWayIn(options);
}

async function showCall(options: DemonstrationOptions): Promise<void> {
  const { config, say } = options;
  const address = config.listenAddress ?? '127.0.0.1';
  say(`\nA test call for extension ${EXTENSION}, as a gateway on this machine would make it:\n`);
  const call = await (options.call ?? testCall)({
    extension: EXTENSION,
    to: { address, port: options.routerPort },
    localAddress: address,
    from: CALLER,
    audio: spokenAudio(),
    log: options.log,
    onHop: (hop) => {
      say(`${describeHop(hop)}\n`);
    },
  });
  if (!call.answered) throw new UmError('call-failed', `it ended with status ${String(call.status)}`);
  const message = await messageOf(call.callId, options, { patienceMs: MESSAGE_PATIENCE_MS, isThere: () => true });
  if (message === undefined)
    throw new UmError('call-failed', 'no message of it is in the mailbox yet; look in the log');
  if (message.kind !== 'voice')
    throw new UmError('call-failed', 'nothing was heard of it, so it left a missed call only');
  say(`  ${(message.durationMs / 1_000).toFixed(1)} s were recorded: ${message.audioFile ?? 'no audio'}\n`);
  await showMail(call.callId, options);
  say(`  To hear it:  ./bin/openum messages save ${message.id.slice(0, 8)}${dataFlag(config)}\n`);
}

async function showMail(callId: string, options: DemonstrationOptions): Promise<void> {
  const mailed = await messageOf(callId, options, {
    patienceMs: MAIL_PATIENCE_MS,
    isThere: ({ delivery }) => delivery.every(({ state }) => state !== 'waiting'),
  });
  options.say(`  ${mailWords(mailed, options.config)}\n`);
}

function mailWords(message: MessageReport | undefined, config: UmConfig): string {
  if (message?.delivery.length === 0) return 'Its e-mail was discarded.';
  if (message?.delivery.every(({ state }) => state === 'done') !== true)
    return `Its e-mail is not delivered yet: see ./bin/openum outbox${dataFlag(config)}`;
  const file = mailFile(config, message);
  return file === undefined ? 'Its e-mail was delivered.' : `Its e-mail:  ${file}`;
}

/** The message of a call once it is there and as wanted; asked for again and again, for the store tells nobody of itself. */
async function messageOf(
  callId: string,
  { control, timers, stopped }: DemonstrationOptions,
  wanted: { readonly patienceMs: number; isThere(message: MessageReport): boolean },
): Promise<MessageReport | undefined> {
  for (let waitedMs = 0; ; waitedMs += ASK_EVERY_MS) {
    const messages = await control.request('messages', { mailbox: EXTENSION }).catch((): MessageReport[] => []);
    const message = messages.find((one) => one.callId === callId);
    if (message !== undefined && (wanted.isThere(message) || waitedMs >= wanted.patienceMs)) return message;
    if (stopped.aborted || waitedMs >= wanted.patienceMs) return undefined;
    await pause(timers, ASK_EVERY_MS);
  }
}

/** Without a relay the mail lies in a Maildir. */
function mailFile(config: UmConfig, message: MessageReport): string | undefined {
  if (config.smtpHost !== undefined) return undefined;
  const folder = join(config.dataDirectory, 'mail', maildirName(message.mailbox), 'new');
  try {
    const name = readdirSync(folder).find((entry) => entry.includes(message.id));
    return name === undefined ? undefined : join(folder, name);
  } catch {
    return undefined;
  }
}

function showWayIn({ config, routerPort, say }: DemonstrationOptions): void {
  const host = config.advertisedAddress ?? config.listenAddress ?? outwardAddress();
  say(
    [
      '',
      `Point a gateway, SBC or IP PBX at  ${formatHost(host)}:${String(routerPort)}  (SIP over TCP).`,
      'Only this machine is trusted yet, by its loopback addresses. To trust a gateway, add its address:',
      `  ./bin/openum directory export directory.json${dataFlag(config)}    (edit the gateway in it)`,
      `  ./bin/openum directory import directory.json${dataFlag(config)}`,
      '',
    ].join('\n'),
  );
}

/** What a command needs to find this data directory, when it is not the one that it looks for by itself. */
function dataFlag({ dataDirectory }: UmConfig): string {
  if (dataDirectory === resolve('data')) return '';
  const isPlain = /^[\w/.+@-]+$/.test(dataDirectory);
  return ` --data ${isPlain ? dataDirectory : `'${dataDirectory.replaceAll("'", `'\\''`)}'`}`;
}

function outwardAddress(): string {
  const all = Object.values(interfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

/** None where the system refuses to say, as some containers do. */
function interfaces(): ReturnType<typeof networkInterfaces> {
  try {
    return networkInterfaces();
  } catch {
    return {};
  }
}
