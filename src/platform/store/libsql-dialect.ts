import { SqliteDialect, type SqliteDatabase, type SqliteStatement } from 'kysely';
import type Database from 'libsql';

/** Statements kept prepared; the store has about thirty. */
const MOST_PREPARED = 128;

/**
 * kysely's SQLite dialect over libsql, with what libsql needs of its callers.
 *
 * - `begin` becomes `begin immediate`: a transaction that reads first and writes later fails when another process wrote
 *   meanwhile, whatever the busy time-out.
 * - Values that libsql cannot bind (a truth value, for one) end the whole process; here they throw.
 * - `rollback` after SQLite has rolled back by itself (disk full) is no second error.
 */
export function libsqlDialect(database: Database.Database): SqliteDialect {
  return new SqliteDialect({ database: new LibsqlDatabase(database) });
}

class LibsqlDatabase implements SqliteDatabase {
  readonly #database: Database.Database;
  readonly #prepared = new Map<string, SqliteStatement>();

  constructor(database: Database.Database) {
    this.#database = database;
  }

  prepare(sql: string): SqliteStatement {
    const known = this.#prepared.get(sql);
    if (known) return known;
    const statement = this.#prepareNew(sql);
    if (this.#prepared.size < MOST_PREPARED) this.#prepared.set(sql, statement);
    return statement;
  }

  close(): void {
    this.#prepared.clear();
    this.#database.close();
  }

  #prepareNew(sql: string): SqliteStatement {
    const database = this.#database;
    if (sql === 'rollback') return action(() => database.inTransaction && database.exec('rollback'));
    if (sql === 'begin') return action(() => database.exec('begin immediate'));
    const statement = database.prepare(sql);
    return {
      reader: statement.reader,
      all: (parameters) => statement.all(bindable(parameters)),
      run: (parameters) => {
        const { changes, lastInsertRowid } = statement.run(bindable(parameters));
        return { changes, lastInsertRowid };
      },
      iterate: (parameters) => statement.iterate(bindable(parameters)),
    };
  }
}

function action(perform: () => unknown): SqliteStatement {
  return {
    reader: false,
    all: () => [],
    run: () => {
      perform();
      return { changes: 0, lastInsertRowid: 0 };
    },
    iterate: () => [].values(),
  };
}

function bindable(parameters: readonly unknown[]): unknown[] {
  return parameters.map((value) => {
    if (value === null || typeof value === 'string' || typeof value === 'number') return value;
    throw new TypeError(`cannot be bound to an SQL statement: ${typeof value}`);
  });
}
