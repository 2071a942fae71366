/** Queries and transactions on a pool. Everything that waits has a limit; a lost connection is an error, never a crash. */
import { defect, failPoint } from '@ballast/faults';
import type pg from 'pg';
import { DatabaseError, isRefusedLogin, isRetryable, toDatabaseError } from './errors.ts';
import { leakTransaction } from './leak.ts';
import { closeWithinMs, openPool, type DatabaseOptions } from './pool.ts';

/** SQL with a name is prepared once per connection; use it for what runs often. */
export type Statement = string | { name: string; text: string };

export interface Queryable {
  /** Runs one statement; rows come back as the driver parses them (bigint as text, jsonb as values). */
  query<Row extends object = Record<string, unknown>>(
    statement: Statement,
    values?: readonly unknown[],
  ): Promise<Row[]>;
}

export interface Transaction extends Queryable {
  /** Runs `work` once the commit is durable; not at all after a rollback. */
  afterCommit(work: () => void): void;
}

export interface Database extends Queryable {
  /**
   * BEGIN … COMMIT around `work`, which must only use what it is handed. Deadlocks and serialization failures are
   * tried again up to three times with jitter, so `work` may run more than once. Other errors roll back and are thrown.
   */
  transaction<Result>(work: (transaction: Transaction) => Promise<Result>): Promise<Result>;
  /** One round trip; rejects when the database cannot be used. */
  ping(): Promise<void>;
  /** Lets running queries finish, then closes all connections. */
  close(): Promise<void>;
}

/** Where the pool comes from. It is asked anew for everything that begins. */
export interface PoolSource {
  /** For what begins now; undefined while another is about to take over. */
  readonly pool: pg.Pool | undefined;
  /** The pool that takes over or, after a bounded wait, the one there is. */
  next(): Promise<pg.Pool>;
  /** Told of every failure that may be the login's. */
  failed(pool: pg.Pool, error: unknown): void;
}

/** Opens a pool; no connection is made before the first query. */
export function createDatabase(options: DatabaseOptions): Database {
  const handle = openPool(options);
  const { pool } = handle;
  return databaseOn(
    { pool, next: async () => pool, failed: () => {} },
    async () => void (await handle.close(closeWithinMs)),
  );
}

/** A database whose pool may be another one each time. `close` ends the last of them. */
export function databaseOn(source: PoolSource, close: () => Promise<void>): Database {
  // A statement on its own is a transaction of its own: one that lost a deadlock has done nothing and is tried again.
  const query: Database['query'] = (statement, values = []) =>
    withRetry(source, async (pool) => (await pool.query(toQuery(statement, values))).rows);
  return {
    query,
    transaction: (work) => withRetry(source, (pool) => runTransaction(pool, work)),
    ping: async () => void (await query('SELECT 1')),
    close,
  };
}

const toQuery = (statement: Statement, values: readonly unknown[]): pg.QueryConfig =>
  typeof statement === 'string' ? { text: statement, values: [...values] } : { ...statement, values: [...values] };

async function runTransaction<Result>(
  pool: pg.Pool,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const afterCommit: (() => void)[] = [];
  let client: pg.PoolClient | undefined;
  let broken: Error | undefined;
  try {
    client = await pool.connect();
    const checkedOut = client;
    await client.query('BEGIN');
    const result = await work({
      query: async (statement, values = []) => {
        try {
          return (await checkedOut.query(toQuery(statement, values))).rows;
        } catch (error) {
          throw toDatabaseError(error);
        }
      },
      afterCommit: (callback) => afterCommit.push(callback),
    });
    await failPoint('before-commit');
    const { command } = await client.query('COMMIT');
    // The server's answer to COMMIT where a statement has failed before and `work` went on regardless.
    if (command !== 'COMMIT') throw new Error('the transaction was rolled back: one of its statements had failed');
    await passCommitted();
    for (const callback of afterCommit) callback();
    if (defect('postgres.leaks-transaction')) leakTransaction(pool);
    return result;
  } catch (error) {
    const failure = toDatabaseError(error);
    if (client !== undefined) broken = await rollBack(client, failure);
    throw failure;
  } finally {
    // A connection whose state is not known is closed instead of being handed to the next caller.
    client?.release(broken);
  }
}

/** What goes wrong from here on has committed: for whoever asked, it is the answer that is lost. */
async function passCommitted(): Promise<void> {
  try {
    await failPoint('after-commit');
  } catch (error) {
    throw new DatabaseError('the answer to COMMIT was lost', { cause: error, retryable: true });
  }
}

async function rollBack(client: pg.PoolClient, failure: unknown): Promise<Error | undefined> {
  if (failure instanceof DatabaseError && failure.sqlstate === undefined) return failure;
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

const transient = new Set(['40001', '40P01']);

async function withRetry<Result>(source: PoolSource, attempt: (pool: pg.Pool) => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    const pool = source.pool ?? (await source.next());
    try {
      return await attempt(pool);
    } catch (thrown) {
      const error = toDatabaseError(thrown);
      if (!(error instanceof DatabaseError) || !isRetryable(error)) throw error;
      source.failed(pool, error);
      if (tries >= 4 || !(await mayTryAgain(source, pool, error, tries))) throw error;
    }
  }
}

/** Waits where that helps. Who was not let in has begun nothing, and another pool has another login. */
async function mayTryAgain(source: PoolSource, pool: pg.Pool, error: DatabaseError, tries: number): Promise<boolean> {
  if (isRefusedLogin(error)) return (await source.next()) !== pool;
  if (!transient.has(error.sqlstate ?? '')) return false;
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** tries));
  return true;
}
