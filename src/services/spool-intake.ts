import type { StartedTimer, Timers, WallClock } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { Directory } from '../directory/directory.js';
import type { OutboxJob, StoredMessage } from '../mailbox/message.js';
import type { MessageStore } from '../mailbox/message-store.js';
import { concludeSpoolEntry, type SpoolConclusion, type SpoolHeader } from '../mailbox/spool-entry.js';
import { SHORTEST_MESSAGE_MS } from '../menus/call-answering.js';
import type { FoundEntry, IntakeFiles, SpoolScan } from '../platform/spool/spool-files.js';

/** G.711: a byte a sample, 8,000 a second. */
const BYTES_A_MS = 8;

/** A look is taken this long after the last one, whatever the workers and the file system say. */
const RESCAN_MS = 5_000;

export interface SpoolIntakeOptions {
  readonly store: MessageStore;
  readonly files: IntakeFiles;
  readonly directory: () => Directory;
  readonly serverName: () => string;
  readonly log: Logger;
  readonly timers: Timers;
  readonly wallClock: WallClock;
  readonly random: Random;
  /** Called after each message that was moved in: it has jobs to be done. */
  onMessage?(): void;
  /** Called after each look with the directories of living workers: those are worth watching. */
  onScan?(living: readonly string[]): void;
}

/**
 * Moves what the workers took from the spool into the mailboxes, one after the other, oldest first.
 *
 * Each entry goes through the same steps, and after a crash between any two of them through all of them again:
 * ```text
 *   audio file under its final name --> message and jobs in one transaction --> spool entry removed
 *   (same name, same bytes)             (refused when the id is known)          (may be gone)
 * ```
 */
export class SpoolIntake {
  readonly #options: SpoolIntakeOptions;
  /** What was last said about an entry or the store, so that waiting does not fill the log. */
  readonly #said = new Map<string, string>();
  /** Messages that were announced, and whose entries could not be removed yet. */
  readonly #announced = new Set<string>();
  #running: Promise<void> | undefined;
  #isWanted = false;
  #isClosed = false;
  #timer: StartedTimer | undefined;

  constructor(options: SpoolIntakeOptions) {
    this.#options = options;
  }

  /** Something may have come to the spool. Resolves when it has been looked through, faults and all. */
  look(): Promise<void> {
    this.#isWanted = true;
    this.#running ??= this.#run();
    return this.#running;
  }

  /** Looks once more, then never again. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.look();
  }

  async #run(): Promise<void> {
    this.#timer?.stop();
    while (this.#isWanted) {
      this.#isWanted = false;
      await this.#lookOnce();
    }
    this.#running = undefined;
    if (this.#isClosed) return;
    this.#timer = this.#options.timers.start(RESCAN_MS, () => void this.look());
  }

  async #lookOnce(): Promise<void> {
    let scan: SpoolScan;
    try {
      scan = await this.#options.files.scan();
    } catch (error) {
      this.#say('spool', error, 'the spool cannot be looked through; what was taken waits in it');
      return;
    }
    this.#said.delete('spool');
    this.#options.onScan?.(scan.living);
    for (const entry of scan.entries) if (!(await this.#moveIn(entry))) break;
    await scan.release();
  }

  /** False when it makes no sense to go on with the next entry now. */
  async #moveIn(entry: FoundEntry): Promise<boolean> {
    try {
      if (entry.header) await this.#takeMessage(entry, entry.header);
      else await this.#setAside(entry);
      this.#said.delete(entry.id);
      this.#said.delete('store');
      return true;
    } catch (error) {
      if (error instanceof UmError && error.code === 'store-unavailable') {
        this.#say('store', error, 'the store takes no messages now; they wait in the spool');
        return false;
      }
      this.#say(entry.id, error, 'a message cannot be moved into its mailbox yet; it waits in the spool');
      return true;
    }
  }

  async #takeMessage(entry: FoundEntry, header: SpoolHeader): Promise<void> {
    // Stored already: by a store that committed and died before it said so, or by a process that died before it removed the entry.
    const message = (await this.#stored(entry.id)) ?? (await this.#store(entry, header));
    if (message) this.#announce(message);
    await this.#options.files.removeEntry(entry);
    this.#announced.delete(entry.id);
  }

  async #stored(id: string): Promise<StoredMessage | undefined> {
    const [message] = await this.#options.store.messages({ id });
    return message;
  }

  /** Undefined when it was deleted since: an earlier run had stored it and died before it removed the entry. */
  async #store(entry: FoundEntry, header: SpoolHeader): Promise<StoredMessage | undefined> {
    const { store, files } = this.#options;
    const conclusion = concludeSpoolEntry(header, entry.audioBytes, SHORTEST_MESSAGE_MS * BYTES_A_MS);
    const audioFile = conclusion.kind === 'voice' ? await files.storeAudio(entry, conclusion) : undefined;
    const message = this.#messageOf(header, conclusion, audioFile);
    if (await store.takeMessage(message, this.#jobsOf(message))) return message;
    const stored = await this.#stored(entry.id);
    if (!stored && audioFile !== undefined) await files.removeAudio(audioFile);
    return stored;
  }

  #messageOf(header: SpoolHeader, conclusion: SpoolConclusion, audioFile: string | undefined): StoredMessage {
    const isVoice = conclusion.kind === 'voice';
    return {
      ...header.facts,
      kind: conclusion.kind,
      messageId: `<${header.facts.id}@${this.#options.serverName()}>`,
      durationMs: isVoice ? Math.round(conclusion.audioBytes / BYTES_A_MS) : 0,
      codec: isVoice ? conclusion.law : undefined,
      audioFile,
      read: false,
      urgent: false,
      private: false,
      partial: isVoice && conclusion.partial,
    };
  }

  /** One e-mail for each recipient; the address that the mailbox had, when it is gone meanwhile. */
  #jobsOf(message: StoredMessage): readonly OutboxJob[] {
    const directory = this.#options.directory();
    const mailbox = directory.mailboxById(message.mailbox);
    if (message.kind === 'missed-call') {
      const isWanted = mailbox !== undefined && directory.policyOf(mailbox).allowMissedCallNotifications;
      if (!isWanted) return [];
    }
    const recipients = mailbox?.emailAddresses ?? [];
    const nowMs = this.#options.wallClock.epochMs();
    return (recipients.length > 0 ? recipients : [mailbox?.address ?? message.mailboxAddress]).map((recipient) => ({
      id: this.#options.random.hex(8),
      kind: 'email',
      message: message.id,
      recipient,
      state: 'waiting',
      attempts: 0,
      createdAtMs: nowMs,
      nextAttemptAtMs: nowMs,
      lastError: undefined,
    }));
  }

  #announce(message: StoredMessage): void {
    if (this.#announced.has(message.id)) return;
    this.#announced.add(message.id);
    const { id, kind, mailboxAddress: mailbox, durationMs, partial, callId } = message;
    this.#options.log.info(
      { event: 'message-stored', message: id, kind, mailbox, durationMs, partial, callId },
      kind === 'voice' ? 'a voice message lies in its mailbox' : 'a missed call was written down',
    );
    this.#options.onMessage?.();
  }

  async #setAside(entry: FoundEntry): Promise<void> {
    const path = await this.#options.files.setAside(entry);
    this.#options.log.error(
      { event: 'spool-file-damaged', path },
      'a file of the spool cannot be read as a message; it was moved aside, nothing of it was deleted',
    );
  }

  #say(about: string, error: unknown, sentence: string): void {
    const fault = error instanceof Error ? error.message : String(error);
    if (this.#said.get(about) === fault) return;
    this.#said.set(about, fault);
    this.#options.log.error({ event: 'intake-waits', about, fault }, sentence);
  }
}
