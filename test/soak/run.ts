import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Daemon, ownLoopbackAddress } from '../support/daemon.js';
import { type MessageFacts, payloadOf, Site } from '../support/site.js';
import { MailSink } from './mail-sink.js';
import { SoakCaller } from './soak-caller.js';

// `npm run soak -- --rounds N`: kills processes of the server with SIGKILL at a random instant around recording, commit and
// delivery, N times over the same data directory: in most rounds all of them at once, in the others one of them, and all of them
// when its calls are over. Then starts it once more and looks whether every message is there whose caller had been let go, whole,
// and each under one Message-ID.

const CALLERS = 3;

/** What no round and no end may take longer than; the machine may be slow. */
const PATIENCE_MS = 120_000;

const VICTIMS = ['all', 'all', 'worker', 'all', 'mailbox', 'all', 'supervisor', 'all', 'service', 'router'] as const;
type Victim = (typeof VICTIMS)[number];

/** From which event of a call to the kill, and for how long after it. */
const MOMENTS = [
  { event: 'answered', withinMs: 400 },
  { event: 'recording', withinMs: 1_500 },
  { event: 'hangingUp', withinMs: 60 },
  { event: 'hangingUp', withinMs: 600 },
  { event: 'letGo', withinMs: 100 },
  { event: 'letGo', withinMs: 1_500 },
] as const;

/** What the whole run has seen. */
interface Seen {
  readonly callers: SoakCaller[];
  readonly faults: string[];
  /** From the kill of a worker to the answer of the next call. */
  readonly answeredAfterMs: number[];
}

function after(ms: number): Promise<void> {
  return new Promise((done) => setTimeout(done, ms)); // the random instant of the kill
}

function pick<T>(choices: readonly T[]): T {
  const one = choices[Math.floor(Math.random() * choices.length)];
  if (one === undefined) throw new Error('nothing to choose from');
  return one;
}

/** Rejects when `work` takes too long: a soak that hangs finds nothing. */
async function inTime<T>(what: string, work: Promise<T>): Promise<T> {
  const stop = new AbortController();
  const late = new Promise<never>((_, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`${what}: not done after ${String(PATIENCE_MS / 1_000)} s`));
    }, PATIENCE_MS);
    stop.signal.addEventListener('abort', () => {
      clearTimeout(timer);
    });
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    stop.abort();
  }
}

/** Another caller, just after a worker died: how long until it was answered. */
async function nextCall(site: Site, seen: Seen): Promise<void> {
  const caller = new SoakCaller(site.listen);
  seen.callers.push(caller);
  const killedAt = performance.now();
  void caller.happened('answered').then(() => {
    if (caller.wasAnswered) seen.answeredAfterMs.push(performance.now() - killedAt);
  });
  await caller.leaveMessage();
}

async function killOne(site: Site, daemon: Daemon, victim: Exclude<Victim, 'all'>, seen: Seen): Promise<void> {
  daemon.signal('SIGKILL', victim === 'supervisor' ? daemon.pid : daemon.childOf(victim));
  if (victim === 'worker') await nextCall(site, seen);
}

async function round(site: Site, seen: Seen): Promise<string> {
  const daemon = await site.start();
  const callers = Array.from({ length: CALLERS }, () => new SoakCaller(site.listen));
  seen.callers.push(...callers);
  const calls = Promise.all(callers.map((caller) => caller.leaveMessage()));
  const moment = pick(MOMENTS);
  const afterMs = Math.random() * moment.withinMs;
  await Promise.race(callers.map((caller) => caller.happened(moment.event)));
  await after(afterMs);
  const victim = pick(VICTIMS);
  if (victim !== 'all') {
    await killOne(site, daemon, victim, seen);
    await calls;
    if (victim === 'supervisor') await daemon.abandoned();
    else await after(Math.random() * 500);
  }
  await daemon.dispose();
  await calls;
  return `${victim} killed ${afterMs.toFixed(0)} ms after ${moment.event}`;
}

/** Waits until nothing is left to move in or to deliver. */
async function settle(daemon: Daemon, data: string): Promise<void> {
  for (;;) {
    const { outbox } = (await daemon.json('status')) as {
      readonly outbox: { readonly waiting: number; readonly dead: number };
    };
    const spooled = readdirSync(join(data, 'spool'), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.(rec|done)$/.test(name),
    );
    if (outbox.waiting === 0 && spooled.length === 0) return;
    await after(200);
  }
}

function faultsOf(
  { callId, wasLetGo, audio }: SoakCaller,
  messages: readonly MessageFacts[],
  sink: MailSink,
): string[] {
  const faults: string[] = [];
  const stored = messages.filter((message) => message.callId === callId);
  const messageIds = sink.deliveries.get(callId) ?? [];
  if (stored.length > 1) faults.push(`${String(stored.length)} messages`);
  if (new Set(messageIds).size > 1) faults.push(messageIds.join(' and '));
  if (!wasLetGo) return faults;
  const [message] = stored;
  if (!message) faults.push('let go, no message');
  else if (message.partial) faults.push('let go, but marked as partial');
  else if (!payloadOf(message.audioFile ?? '').includes(Buffer.from(audio)))
    faults.push('let go, but not the audio that was sent');
  if (messageIds.length === 0) faults.push('let go, no e-mail');
  return faults;
}

async function judge(site: Site, sink: MailSink, seen: Seen): Promise<readonly MessageFacts[]> {
  const daemon = await site.start();
  try {
    await inTime('intake and delivery', settle(daemon, site.data));
    const messages = (await daemon.json('messages')) as readonly MessageFacts[];
    for (const caller of seen.callers) {
      for (const fault of faultsOf(caller, messages, sink)) seen.faults.push(`${caller.callId}: ${fault}`);
    }
    return messages;
  } catch (error) {
    process.stdout.write(`${daemon.transcript()}\n`);
    throw error;
  } finally {
    await daemon.dispose();
  }
}

function report(rounds: number, messages: readonly MessageFacts[], sink: MailSink, seen: Seen): void {
  const twice = [...sink.deliveries.values()].filter((ids) => ids.length > 1).length;
  const answered = seen.answeredAfterMs.map((ms) => ms.toFixed(0)).sort((a, b) => Number(a) - Number(b));
  for (const fault of seen.faults) process.stdout.write(`FAILED  ${fault}\n`);
  if (answered.length > 0)
    process.stdout.write(`after the kill of a worker the next call was answered in ${answered.join(', ')} ms\n`);
  process.stdout.write(
    `${String(rounds)} rounds, ${String(seen.callers.length)} calls, ` +
      `${String(seen.callers.filter((caller) => caller.wasLetGo).length)} let go, ` +
      `${String(messages.length)} messages (${String(messages.filter(({ partial }) => partial).length)} partial), ` +
      `${String(twice)} mailed twice under one Message-ID, ${String(seen.faults.length)} faults\n`,
  );
}

async function main(rounds: number): Promise<number> {
  const sink = await MailSink.open(ownLoopbackAddress(1));
  const site = await Site.make({
    config: { SmtpHost: ownLoopbackAddress(1), SmtpPort: String(sink.port), SmtpTls: 'none' },
  });
  const seen: Seen = { callers: [], faults: [], answeredAfterMs: [] };
  for (let number = 1; number <= rounds; number += 1) {
    const story = await inTime('a round', round(site, seen));
    const letGo = seen.callers.filter((caller) => caller.wasLetGo).length;
    process.stdout.write(`round ${String(number)} of ${String(rounds)}: ${story}; ${String(letGo)} let go so far\n`);
  }
  const messages = await judge(site, sink, seen);
  sink.close();
  if (seen.faults.length === 0) site.remove();
  else process.stdout.write(`the data directory is kept: ${site.data}\n`);
  report(rounds, messages, sink, seen);
  return seen.faults.length === 0 ? 0 : 1;
}

const at = process.argv.indexOf('--rounds');
process.exit(await main(at < 0 ? 100 : Number(process.argv[at + 1])));
