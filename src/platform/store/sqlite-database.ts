import { closeSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { Kysely } from 'kysely';
import Database from 'libsql';
import { UmError } from '../../base/errors.js';
import { makeDirectory } from '../durable-directory.js';
import { codeOf } from '../os-error.js';
import { libsqlDialect } from './libsql-dialect.js';
import { MIGRATIONS, type Schema } from './sql-schema.js';

/** How long a statement waits for another process that has the database locked (a backup, say). */
const BUSY_TIMEOUT_MS = 5_000;

/**
 * Opens the SQLite database of a data directory, makes it when there is none, and brings its schema up to date.
 *
 * @throws UmError 'database-newer', 'database-damaged' or 'data-unwritable'
 */
export async function openSqlite(path: string): Promise<Kysely<Schema>> {
  let database: Database.Database | undefined;
  try {
    await makeFile(path);
    database = new Database(path, { timeout: BUSY_TIMEOUT_MS });
    prepare(database, path);
    const db = new Kysely<Schema>({ dialect: libsqlDialect(database) });
    await migrate(db, database);
    return db;
  } catch (error) {
    database?.close();
    throw asStartFault(error, path);
  }
}

/** Readable by its owner only, from the first byte. */
async function makeFile(path: string): Promise<void> {
  await makeDirectory(dirname(path));
  closeSync(openSync(path, 'a', 0o600));
}

function prepare(database: Database.Database, path: string): void {
  const version = schemaVersion(database);
  if (version > MIGRATIONS.length) {
    throw new UmError(
      'database-newer',
      `${path} has schema ${String(version)}, this program knows ${String(MIGRATIONS.length)}`,
    );
  }
  const [first] = database.prepare('PRAGMA quick_check').all([]);
  const verdict = textOf(first, 'quick_check');
  if (verdict !== 'ok') throw new UmError('database-damaged', `${path}: ${verdict}`);
  database.exec('PRAGMA journal_mode = WAL');
  // A commit that was answered outlives a power failure, not only a crash of ours.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA foreign_keys = ON');
}

function schemaVersion(database: Database.Database): number {
  const [row] = database.prepare('PRAGMA user_version').all([]);
  return Number(textOf(row, 'user_version'));
}

function textOf(row: unknown, column: string): string {
  const entries = typeof row === 'object' && row !== null ? Object.entries(row) : [];
  const value: unknown = entries.find(([name]) => name === column)?.[1];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Each step and its version number are one transaction: a crash between them cannot be. */
async function migrate(db: Kysely<Schema>, database: Database.Database): Promise<void> {
  for (let version = schemaVersion(database); version < MIGRATIONS.length; version += 1) {
    await db.transaction().execute(async (tx) => {
      await MIGRATIONS[version]?.(tx);
      database.exec(`PRAGMA user_version = ${String(version + 1)}`);
    });
  }
}

function asStartFault(error: unknown, path: string): UmError {
  if (error instanceof UmError) return error;
  const code = sqliteCode(error);
  const isDamaged = code.startsWith('SQLITE_NOTADB') || code.startsWith('SQLITE_CORRUPT');
  return new UmError(isDamaged ? 'database-damaged' : 'data-unwritable', `${path}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** What a failed query is to the store's users; errors that are no fault of the database are bugs of ours. */
export function asQueryFault(error: unknown): UmError {
  if (error instanceof UmError) return error;
  const isDatabase = sqliteCode(error) !== '' || (error instanceof Error && error.message.includes('ConnectionFailed'));
  return new UmError(isDatabase ? 'store-unavailable' : 'internal-fault', messageOf(error), { cause: error });
}

/** SQLITE_FULL and the like; libsql has no names for some of the extended ones. */
function sqliteCode(error: unknown): string {
  const code = codeOf(error) ?? '';
  return code.includes('SQLITE') ? code : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
