import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WallClock } from '../../src/base/clock.js';
import type { Random } from '../../src/base/random.js';
import type { UmConfig } from '../../src/config/um-config.js';
import { demonstrationDirectory } from '../../src/directory/demonstration.js';
import { Directory } from '../../src/directory/directory.js';
import type { DirectoryObject } from '../../src/directory/objects.js';
import type { OutboxJob } from '../../src/mailbox/message.js';
import { OutboxRunner } from '../../src/services/outbox-runner.js';
import { ownLoopbackAddress } from './daemon.js';
import { MemoryStore } from './memory-store.js';
import { RecordingLogger } from './recording-logger.js';
import { sampleJob, sampleMessage } from './sample-message.js';
import { type PeerScript, SmtpPeer } from './smtp-peer.js';
import { settled, VirtualTime } from './virtual-time.js';

/** Where the scripted relay listens. */
export const relayAddress = ownLoopbackAddress(4);
/** Jitter of nothing. */
export const steady: Random = { integer: (below) => Math.floor(below / 2), hex: () => '00' };
/** What the sample message's audio file holds. */
export const sampleAudio = Buffer.from('RIFF of a test: with G711 nobody looks inside');

/** The demonstration's directory with WAV attachments; its mailbox 1000 has the id that the sample message names. */
function directoryWith(voiceMailText: string): Directory {
  const objects = demonstrationDirectory('example.test', new Map(), { ...steady, hex: () => 'x' });
  return new Directory(
    1,
    objects.map((object): DirectoryObject => {
      if (object.kind === 'dial-plan') return { ...object, audioCodec: 'G711' };
      if (object.kind === 'mailbox-policy') return { ...object, voiceMailText };
      if (object.kind === 'mailbox' && object.address.startsWith('1000@')) {
        return { ...object, id: 'mailbox-1000', displayName: 'Bob' };
      }
      return object;
    }),
  );
}

/** A runner over a store in memory and a scripted relay, all on a virtual clock. */
export class OutboxScene {
  readonly data = mkdtempSync(join(tmpdir(), 'openum-outbox-'));
  readonly store = new MemoryStore();
  readonly time = new VirtualTime();
  readonly log = new RecordingLogger();
  wallClock: WallClock = this.time;
  directory: Directory | undefined = directoryWith('Have a nice day.');
  config = { smtpHost: undefined, smtpPort: 1, smtpTls: 'none', smtpProtocol: 'smtp', mailFrom: 'voicemail@example.test', mailRetryForHours: 120, serverName: 'example.test', smtpUser: undefined, smtpPasswordFile: undefined } as unknown as UmConfig; // prettier-ignore
  peer: SmtpPeer | undefined;
  runner: OutboxRunner | undefined;

  constructor() {
    mkdirSync(join(this.data, 'audio'));
    writeFileSync(join(this.data, 'audio/sample.wav'), sampleAudio);
  }

  async relay(
    script: PeerScript = {},
    options: { readonly lmtp?: boolean; readonly port?: number } = {},
  ): Promise<SmtpPeer> {
    this.peer = await SmtpPeer.listen(relayAddress, { ...options, script });
    const smtpProtocol = options.lmtp ? 'lmtp' : 'smtp';
    this.config = { ...this.config, smtpHost: relayAddress, smtpPort: this.peer.port, smtpProtocol };
    return this.peer;
  }

  async take(...jobs: readonly OutboxJob[]): Promise<void> {
    await this.store.takeMessage(sampleMessage(), jobs.length === 0 ? [sampleJob()] : jobs);
  }

  start(): OutboxRunner {
    this.runner = new OutboxRunner({
      store: this.store,
      config: () => this.config,
      directory: () => this.directory,
      dataDirectory: this.data,
      log: this.log,
      clock: this.time,
      wallClock: { epochMs: () => this.wallClock.epochMs() },
      timers: this.time,
      random: steady,
    });
    this.runner.start();
    return this.runner;
  }

  /** Waits for real sockets and files until the job has been attempted this often and the runner has gone on. */
  async attempted(times: number, id = 'job-1'): Promise<OutboxJob> {
    await this.store.until(() => this.store.job(id).attempts >= times);
    await settled();
    return this.store.job(id);
  }

  async dispose(): Promise<void> {
    await this.peer?.close();
    const closed = this.runner?.close();
    await this.time.pass(5_000);
    await closed;
    rmSync(this.data, { recursive: true, force: true });
  }
}
