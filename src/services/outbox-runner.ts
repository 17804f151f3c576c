import type { MonotonicClock, StartedTimer, Timers, WallClock } from '../base/clock.js';
import { UmError } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import type { Random } from '../base/random.js';
import type { UmConfig } from '../config/um-config.js';
import type { Directory } from '../directory/directory.js';
import { afterFailure, LONGEST_WAIT_MS } from '../mailbox/mail-retry.js';
import { singleLine } from '../mailbox/mail-text.js';
import type { JobOutcome, MessageStore } from '../mailbox/message-store.js';
import type { OutboxJob } from '../mailbox/message.js';
import { MailDelivery } from '../platform/mail/mail-delivery.js';
import { pause } from '../platform/pause.js';

/** Attempts at once: enough to hide a relay's latency, few enough for the smallest relay's limit of connections a client. */
const MOST_AT_ONCE = 4;

/** Looked for again after this though nothing called `wake`, so that no fault of ours makes a message wait for ever. */
const LOOK_AGAIN_MS = 60_000;

/** Tried again after this while the store or the directory is away. */
const STORE_AWAY_MS = 2_000;

/** What attempts in progress are given when the runner is closed. */
const CLOSE_GRACE_MS = 5_000;

/** Kept of a fault in the outbox and in the log. */
const LAST_ERROR_CHARACTERS = 500;

const HOUR_MS = 3_600_000;

export interface OutboxRunnerOptions {
  readonly store: MessageStore;
  /** The configuration in effect; asked anew for each attempt. */
  readonly config: () => UmConfig;
  /** Undefined while the directory has not been read: nothing is attempted then. */
  readonly directory: () => Directory | undefined;
  /** Absolute; audio files of messages are named relative to it. */
  readonly dataDirectory: string;
  readonly log: Logger;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly timers: Timers;
  readonly random: Random;
}

/**
 * Delivers the outbox: whatever is due, oldest first, a few jobs at once, each until it is delivered, refused or given up.
 *
 * An attempt whose outcome could not be stored is not made again by this process: its outcome is offered to the store until
 * it takes it. A process that dies in between makes the attempt once more after it has started again, with the same Message-ID.
 */
export class OutboxRunner {
  readonly #options: OutboxRunnerOptions;
  readonly #delivery: MailDelivery;
  readonly #inProgress = new Map<string, Promise<void>>();
  /** When jobs that wait are due, by id, in time that never goes back; jobs not in here are found by looking. */
  readonly #dueAtMs = new Map<string, number>();
  readonly #abort = new AbortController();
  readonly #time: UnreturningTime;
  #phase: 'new' | 'running' | 'closing' = 'new';
  #looking: Promise<void> | undefined;
  #lookAgain = false;
  #surveyed = false;
  #timer: StartedTimer | undefined;

  constructor(options: OutboxRunnerOptions) {
    this.#options = options;
    this.#time = new UnreturningTime(options.clock, options.wallClock);
    this.#delivery = new MailDelivery(options);
  }

  /** Begins to deliver what waits. */
  start(): void {
    if (this.#phase !== 'new') return;
    this.#phase = 'running';
    this.wake();
  }

  /** Looks for due jobs now: new ones are there, or an admin retried some. */
  wake(): void {
    if (this.#phase !== 'running') return;
    this.#lookAgain = true;
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      if (this.#lookAgain) this.wake();
    });
  }

  /** Takes no further job, and lets attempts in progress finish for a few seconds before it aborts them. */
  async close(): Promise<void> {
    this.#phase = 'closing';
    this.#timer?.stop();
    const grace = this.#options.timers.start(CLOSE_GRACE_MS, () => {
      this.#abort.abort();
      void this.#delivery.close();
    });
    await this.#looking;
    await Promise.all(this.#inProgress.values());
    grace.stop();
    this.#abort.abort();
    await this.#delivery.close();
  }

  async #look(): Promise<void> {
    while (this.#lookAgain && this.#phase === 'running') {
      this.#lookAgain = false;
      this.#timer?.stop();
      this.#lookIn(await this.#beginDueJobs());
    }
  }

  #lookIn(afterMs: number): void {
    if (this.#phase !== 'running') return;
    this.#timer = this.#options.timers.start(afterMs, () => {
      this.wake();
    });
  }

  /** Begins what is due while there is room; returns after how long to look again. */
  async #beginDueJobs(): Promise<number> {
    if (this.#options.directory() === undefined) return STORE_AWAY_MS;
    try {
      if (!this.#surveyed) await this.#survey();
      const room = MOST_AT_ONCE - this.#inProgress.size;
      if (room <= 0) return LOOK_AGAIN_MS;
      for (const job of await this.#dueJobs(room)) this.#begin(job);
    } catch (fault) {
      this.#options.log.warn({ event: 'outbox-store-away', reason: reasonOf(fault) }, 'The outbox cannot be read now');
      return STORE_AWAY_MS;
    }
    const nowMs = this.#time.nowMs();
    let afterMs = LOOK_AGAIN_MS;
    if (this.#inProgress.size >= MOST_AT_ONCE) return afterMs;
    for (const dueAtMs of this.#dueAtMs.values()) afterMs = Math.min(afterMs, dueAtMs - nowMs);
    return Math.max(afterMs, 1);
  }

  /**
   * Once after the start: when is each waiting job due? One that lies further ahead than any wait reaches was stored before the
   * calendar was set back: it is made due now.
   */
  async #survey(): Promise<void> {
    const { store } = this.#options;
    const nowMs = this.#time.nowMs();
    for (const job of await store.jobs({ state: 'waiting' })) {
      const aheadMs = job.nextAttemptAtMs - nowMs;
      if (aheadMs > LONGEST_WAIT_MS) await store.retryJob(job.id, nowMs);
      else if (aheadMs > 0) this.#dueAtMs.set(job.id, job.nextAttemptAtMs);
    }
    this.#surveyed = true;
  }

  /** At most `room` due jobs that are not being attempted; those that are still count as due in the store. */
  async #dueJobs(room: number): Promise<readonly OutboxJob[]> {
    const nowMs = this.#time.nowMs();
    const due = await this.#options.store.dueJobs(nowMs, room + this.#inProgress.size);
    for (const [id, dueAtMs] of this.#dueAtMs) if (dueAtMs <= nowMs) this.#dueAtMs.delete(id);
    if (this.#phase !== 'running') return [];
    return due.filter((job) => !this.#inProgress.has(job.id)).slice(0, room);
  }

  #begin(job: OutboxJob): void {
    this.#dueAtMs.delete(job.id);
    const attempt = this.#attempt(job)
      .catch((fault: unknown) => {
        const { log, timers } = this.#options;
        log.warn(
          { event: 'outbox-store-away', job: job.id, reason: reasonOf(fault) },
          'A job of the outbox cannot be read now',
        );
        return pause(timers, STORE_AWAY_MS, this.#abort.signal);
      })
      .finally(() => {
        this.#inProgress.delete(job.id);
        this.wake();
      });
    this.#inProgress.set(job.id, attempt);
  }

  async #attempt(job: OutboxJob): Promise<void> {
    const { store, config, directory } = this.#options;
    const [message] = await store.messages({ id: job.message });
    if (message === undefined) {
      // Its message was deleted a moment ago, and the job with it.
      await store.discardJob(job.id);
      return;
    }
    let outcome: JobOutcome;
    try {
      const by = await this.#delivery.deliver(
        { job, message, config: config(), directory: directory() },
        this.#abort.signal,
      );
      outcome = this.#delivered(job, message.messageId, by);
    } catch (fault) {
      if (this.#abort.signal.aborted) return;
      outcome = this.#failed(job, message.messageId, fault);
    }
    await this.#keep(job.id, outcome);
  }

  #delivered(job: OutboxJob, messageId: string, by: string): JobOutcome {
    const facts = { event: 'mail-delivered', job: job.id, message: job.message, messageId, recipient: job.recipient };
    this.#options.log.info(
      { ...facts, attempts: job.attempts + 1, by },
      `Mail for ${job.recipient} was delivered: ${by}`,
    );
    return { state: 'done', nextAttemptAtMs: this.#time.nowMs(), lastError: undefined };
  }

  #failed(job: OutboxJob, messageId: string, fault: unknown): JobOutcome {
    const { log, config, random } = this.#options;
    const nowMs = this.#time.nowMs();
    const attempts = job.attempts + 1;
    const reason = reasonOf(fault);
    const facts = { job: job.id, message: job.message, messageId, recipient: job.recipient, attempts, reason };
    const isRefused = fault instanceof UmError && fault.code === 'mail-refused';
    const next = isRefused ? 'refused' : afterFailure(attempts, config().mailRetryForHours * HOUR_MS, random);
    if (next !== 'refused' && next.kind === 'wait') {
      const nextAttemptAtMs = nowMs + next.afterMs;
      this.#dueAtMs.set(job.id, nextAttemptAtMs);
      const retryInSeconds = Math.round(next.afterMs / 1_000);
      const sentence = `Mail for ${job.recipient} waits and is tried again in ${String(retryInSeconds)} s`;
      log.warn({ event: 'mail-deferred', ...facts, retryInSeconds }, sentence);
      return { state: 'waiting', nextAttemptAtMs, lastError: reason };
    }
    const lastError = next === 'refused' ? reason : reasonOf(new UmError('mail-gave-up', `the last time: ${reason}`));
    const advice = `mend the cause, then ./bin/openum outbox retry ${job.id}`;
    log.error({ event: 'mail-dead', ...facts, reason: lastError }, `Mail for ${job.recipient} is given up; ${advice}`);
    return { state: 'dead', nextAttemptAtMs: nowMs, lastError };
  }

  /**
   * Stores an outcome, however long the store is away; given up only when the runner is closed and its grace is over. To let
   * go of it sooner would mean to send the same mail again.
   */
  async #keep(id: string, outcome: JobOutcome): Promise<void> {
    const { store, log, timers } = this.#options;
    const { signal } = this.#abort;
    while (!signal.aborted) {
      try {
        await store.jobAttempted(id, outcome);
        return;
      } catch (fault) {
        log.warn({ event: 'outbox-store-away', job: id, reason: reasonOf(fault) }, 'An outcome waits for the store');
        await pause(timers, STORE_AWAY_MS, signal);
      }
    }
  }
}

/** The calendar, but never going back within this process: a wait that was stored before it was set back still ends in time. */
class UnreturningTime {
  readonly #clock: MonotonicClock;
  readonly #wallClock: WallClock;
  #lastMs: number;
  #readAtMs: number;

  constructor(clock: MonotonicClock, wallClock: WallClock) {
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#lastMs = wallClock.epochMs();
    this.#readAtMs = clock.nowMs();
  }

  nowMs(): number {
    const readAtMs = this.#clock.nowMs();
    this.#lastMs = Math.round(Math.max(this.#wallClock.epochMs(), this.#lastMs + readAtMs - this.#readAtMs));
    this.#readAtMs = readAtMs;
    return this.#lastMs;
  }
}

/** One bounded line: the stable code, if there is one, and what was found. */
function reasonOf(fault: unknown): string {
  const found =
    fault instanceof UmError
      ? `${fault.code}: ${fault.detail}`
      : fault instanceof Error
        ? fault.message
        : String(fault);
  return singleLine(found, LAST_ERROR_CHARACTERS);
}
