import type { Kysely, Transaction } from 'kysely';
import type { DirectoryDelta, DirectoryObject } from '../../directory/objects.js';
import type { JobState, OutboxJob, StoredMessage } from '../../mailbox/message.js';
import type { JobOutcome, MessageFilter, MessageMarks, MessageStore } from '../../mailbox/message-store.js';
import { canonicalText, directoryDifference } from './directory-difference.js';
import { toJob, toJobRow, toMessage, toMessageRow } from './row-mapping.js';
import type { MessageRow, Schema } from './sql-schema.js';

/** SQLite binds at most 32,766 values to a statement. */
const ROWS_A_STATEMENT = 1_000;

/** The first text above every text that begins with `prefix`, when those go on with hexadecimal digits. */
const above = (prefix: string): string => `${prefix}g`;

/** The store as queries; the same for every database that kysely speaks to. */
export class SqlStore implements MessageStore {
  readonly #db: Kysely<Schema>;

  constructor(db: Kysely<Schema>) {
    this.#db = db;
  }

  takeMessage(message: StoredMessage, jobs: readonly OutboxJob[]): Promise<boolean> {
    return this.#db.transaction().execute(async (tx) => {
      const deleted = await tx.selectFrom('deleted_messages').select('id').where('id', '=', message.id).execute();
      if (deleted.length > 0) return false;
      const inserted = await tx
        .insertInto('messages')
        .values(toMessageRow(message))
        .onConflict((conflict) => conflict.column('id').doNothing())
        .executeTakeFirst();
      if (inserted.numInsertedOrUpdatedRows !== 1n) return false;
      if (jobs.length > 0) await tx.insertInto('outbox_jobs').values(jobs.map(toJobRow)).execute();
      return true;
    });
  }

  async messages(filter: MessageFilter): Promise<readonly StoredMessage[]> {
    let query = this.#db.selectFrom('messages').selectAll();
    if (filter.kind !== undefined) query = query.where('kind', '=', filter.kind);
    if (filter.mailbox !== undefined) query = query.where('mailbox', '=', filter.mailbox);
    if (filter.id !== undefined) query = query.where('id', '>=', filter.id).where('id', '<', above(filter.id));
    return (await query.orderBy('started_at_ms', 'desc').orderBy('id', 'desc').execute()).map(toMessage);
  }

  async markMessage(id: string, marks: MessageMarks): Promise<boolean> {
    const changes: Partial<MessageRow> = {
      ...(marks.read === undefined ? {} : { is_read: marks.read ? 1 : 0 }),
      ...(marks.urgent === undefined ? {} : { is_urgent: marks.urgent ? 1 : 0 }),
      ...(marks.private === undefined ? {} : { is_private: marks.private ? 1 : 0 }),
    };
    // Sets the id to itself when there is nothing else to set: what is asked is still whether it is there.
    const result = await this.#db
      .updateTable('messages')
      .set({ id, ...changes })
      .where('id', '=', id)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  deleteMessage(id: string): Promise<StoredMessage | undefined> {
    return this.#db.transaction().execute(async (tx) => {
      const row = await tx.selectFrom('messages').selectAll().where('id', '=', id).executeTakeFirst();
      if (!row) return undefined;
      await tx.insertInto('deleted_messages').values({ id }).execute();
      await tx.deleteFrom('outbox_jobs').where('message', '=', id).execute();
      await tx.deleteFrom('messages').where('id', '=', id).execute();
      return toMessage(row);
    });
  }

  async jobs(filter: {
    readonly message?: string;
    readonly state?: JobState;
    readonly id?: string;
  }): Promise<readonly OutboxJob[]> {
    let query = this.#db.selectFrom('outbox_jobs').selectAll();
    if (filter.message !== undefined) query = query.where('message', '=', filter.message);
    if (filter.state !== undefined) query = query.where('state', '=', filter.state);
    if (filter.id !== undefined) query = query.where('id', '>=', filter.id).where('id', '<', above(filter.id));
    return (await query.orderBy('created_at_ms').orderBy('id').execute()).map(toJob);
  }

  async dueJobs(nowMs: number, atMost: number): Promise<readonly OutboxJob[]> {
    const rows = await this.#db
      .selectFrom('outbox_jobs')
      .selectAll()
      .where('state', '=', 'waiting')
      .where('next_attempt_at_ms', '<=', nowMs)
      .orderBy('next_attempt_at_ms')
      .orderBy('id')
      .limit(atMost)
      .execute();
    return rows.map(toJob);
  }

  async jobAttempted(id: string, outcome: JobOutcome): Promise<void> {
    await this.#db
      .updateTable('outbox_jobs')
      .set((column) => ({
        state: outcome.state,
        attempts: column('attempts', '+', 1),
        next_attempt_at_ms: outcome.nextAttemptAtMs,
        last_error: outcome.lastError ?? null,
      }))
      .where('id', '=', id)
      .execute();
  }

  async retryJob(id: string, nowMs: number): Promise<boolean> {
    const result = await this.#db
      .updateTable('outbox_jobs')
      .set({ state: 'waiting', attempts: 0, created_at_ms: nowMs, next_attempt_at_ms: nowMs, last_error: null })
      .where('id', '=', id)
      .executeTakeFirst();
    return result.numUpdatedRows === 1n;
  }

  async discardJob(id: string): Promise<boolean> {
    const result = await this.#db.deleteFrom('outbox_jobs').where('id', '=', id).executeTakeFirst();
    return result.numDeletedRows === 1n;
  }

  async jobCounts(): Promise<{ readonly waiting: number; readonly dead: number }> {
    const rows = await this.#db
      .selectFrom('outbox_jobs')
      .select(['state', (column) => column.fn.countAll<number | string>().as('jobs')])
      .where('state', 'in', ['waiting', 'dead'])
      .groupBy('state')
      .execute();
    const of = (state: JobState): number => Number(rows.find((row) => row.state === state)?.jobs ?? 0);
    return { waiting: of('waiting'), dead: of('dead') };
  }

  readDirectory(): Promise<{ readonly version: number; readonly objects: readonly DirectoryObject[] }> {
    return this.#db.transaction().execute(async (tx) => {
      const { version } = await tx.selectFrom('directory_version').select('version').executeTakeFirstOrThrow();
      const rows = await tx.selectFrom('directory_objects').select('document').orderBy('id').execute();
      // Written by replaceDirectory and by nobody else.
      return { version, objects: rows.map((row) => JSON.parse(row.document) as DirectoryObject) };
    });
  }

  replaceDirectory(objects: readonly DirectoryObject[]): Promise<DirectoryDelta> {
    return this.#db.transaction().execute(async (tx) => {
      const before = await tx.selectFrom('directory_version').select('version').executeTakeFirstOrThrow();
      const version = before.version + 1;
      const rows = await tx.selectFrom('directory_objects').selectAll().execute();
      const delta = { version, ...directoryDifference(rows, objects) };
      await applyDelta(tx, delta);
      await tx.updateTable('directory_version').set({ version }).execute();
      return delta;
    });
  }

  close(): Promise<void> {
    return this.#db.destroy();
  }
}

async function applyDelta(tx: Transaction<Schema>, delta: DirectoryDelta): Promise<void> {
  const goes = [...delta.removed, ...delta.put.map((object) => object.id)];
  for (const ids of portions(goes)) await tx.deleteFrom('directory_objects').where('id', 'in', ids).execute();
  for (const objects of portions(delta.put)) {
    const rows = objects.map((object) => ({ id: object.id, kind: object.kind, document: canonicalText(object) }));
    await tx.insertInto('directory_objects').values(rows).execute();
  }
}

function* portions<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += ROWS_A_STATEMENT) yield all.slice(from, from + ROWS_A_STATEMENT);
}
