import type { Kysely } from 'kysely';

/** Truth values are 0 and 1: what both SQLite and PostgreSQL keep in an integer. */
type Flag = 0 | 1;

/** A row of `messages`; times are milliseconds UTC. */
export interface MessageRow {
  id: string;
  kind: 'voice' | 'missed-call';
  message_id: string;
  mailbox: string;
  mailbox_address: string;
  caller_number: string;
  caller_name: string;
  called_extension: string;
  call_id: string;
  started_at_ms: number;
  duration_ms: number;
  codec: 'PCMU' | 'PCMA' | null;
  audio_file: string | null;
  is_read: Flag;
  is_urgent: Flag;
  is_private: Flag;
  is_partial: Flag;
}

/** A row of `outbox_jobs`. */
export interface JobRow {
  id: string;
  kind: 'email';
  message: string;
  recipient: string;
  state: 'waiting' | 'done' | 'dead';
  attempts: number;
  created_at_ms: number;
  next_attempt_at_ms: number;
  last_error: string | null;
}

/** A directory object as JSON, its id beside it. */
export interface DirectoryRow {
  id: string;
  kind: string;
  document: string;
}

/** All tables, as kysely wants them. */
export interface Schema {
  messages: MessageRow;
  outbox_jobs: JobRow;
  /** Ids that were deleted: such a message is never taken a second time. */
  deleted_messages: { id: string };
  directory_objects: DirectoryRow;
  /** One row. */
  directory_version: { version: number };
}

/** Steps from each schema version to the next; the version of a database is the number of steps it has taken. */
export const MIGRATIONS: readonly ((db: Kysely<Schema>) => Promise<void>)[] = [createTables];

async function createTables(db: Kysely<Schema>): Promise<void> {
  await createMessages(db);
  await createOutbox(db);
  await db.schema
    .createTable('directory_objects')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('document', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('directory_version')
    .addColumn('version', 'integer', (column) => column.notNull())
    .execute();
  await db.insertInto('directory_version').values({ version: 0 }).execute();
}

async function createMessages(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('messages')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('message_id', 'text', (column) => column.notNull().unique())
    .addColumn('mailbox', 'text', (column) => column.notNull())
    .addColumn('mailbox_address', 'text', (column) => column.notNull())
    .addColumn('caller_number', 'text', (column) => column.notNull())
    .addColumn('caller_name', 'text', (column) => column.notNull())
    .addColumn('called_extension', 'text', (column) => column.notNull())
    .addColumn('call_id', 'text', (column) => column.notNull())
    .addColumn('started_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('duration_ms', 'integer', (column) => column.notNull())
    .addColumn('codec', 'text')
    .addColumn('audio_file', 'text')
    .addColumn('is_read', 'integer', (column) => column.notNull())
    .addColumn('is_urgent', 'integer', (column) => column.notNull())
    .addColumn('is_private', 'integer', (column) => column.notNull())
    .addColumn('is_partial', 'integer', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('messages_by_mailbox').on('messages').columns(['mailbox', 'started_at_ms']).execute();
  await db.schema.createIndex('messages_by_time').on('messages').column('started_at_ms').execute();
  await db.schema
    .createTable('deleted_messages')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .execute();
}

async function createOutbox(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('outbox_jobs')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('kind', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull().references('messages.id').onDelete('cascade'))
    .addColumn('recipient', 'text', (column) => column.notNull())
    .addColumn('state', 'text', (column) => column.notNull())
    .addColumn('attempts', 'integer', (column) => column.notNull())
    .addColumn('created_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('next_attempt_at_ms', 'bigint', (column) => column.notNull())
    .addColumn('last_error', 'text')
    .execute();
  await db.schema.createIndex('jobs_by_message').on('outbox_jobs').column('message').execute();
  await db.schema.createIndex('jobs_due').on('outbox_jobs').columns(['state', 'next_attempt_at_ms']).execute();
}
