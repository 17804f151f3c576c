import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MessageFacts } from '../../src/mailbox/message.js';
import type { SpoolEntry } from '../../src/mailbox/spool.js';
import { WorkerSpool } from '../../src/platform/spool/worker-spool.js';
import { RecordingLogger } from './recording-logger.js';

/** A data directory of its own, and workers that spool into it. */
export class SpoolSite {
  readonly data = mkdtempSync(join(tmpdir(), 'openum-spool-'));

  worker(name = 'A', reserveBytes = 0): Promise<WorkerSpool> {
    return WorkerSpool.open(this.data, name, { log: new RecordingLogger(), reserveBytes });
  }

  /** Everything below `spool/` but locks, as `directory/file` without the directories' random suffixes. */
  spooled(): readonly string[] {
    return this.#files('spool').map((name) => name.replace(/-[\da-f]{8}\//, '/'));
  }

  /** Audio files. */
  audio(): readonly string[] {
    return this.#files('messages');
  }

  /** Directories below `spool/`. */
  directories(): readonly string[] {
    return readdirSync(join(this.data, 'spool')).sort();
  }

  remove(): void {
    rmSync(this.data, { recursive: true, force: true });
  }

  #files(folder: string): readonly string[] {
    const path = join(this.data, folder);
    if (!existsSync(path)) return [];
    return readdirSync(path, { recursive: true, encoding: 'utf8', withFileTypes: true })
      .filter((item) => item.isFile() && !item.name.endsWith('.lock'))
      .map((item) => join(item.parentPath, item.name).slice(path.length + 1))
      .sort();
  }
}

/** Appends audio behind the header, as the media engine does. */
export function append(entry: SpoolEntry, audio: Uint8Array): void {
  appendFileSync(entry.path, audio);
}

/** Audio in which each byte tells where it was. */
export function audioOf(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => (at * 7 + (at >> 8)) & 255));
}

/** A whole recording, ended by a hang-up: taken when this resolves. */
export async function record(spool: WorkerSpool, facts: MessageFacts, audio: Uint8Array): Promise<void> {
  const entry = await spool.begin(facts, 'PCMU');
  append(entry, audio);
  await entry.finish({ audioBytes: audio.length, endedBy: 'hang-up', law: 'PCMU' });
}

/** The payload of a WAV file of ours. */
export function wavPayload(path: string): Buffer {
  return readFileSync(path).subarray(58);
}
