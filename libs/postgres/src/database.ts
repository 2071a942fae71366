/** The pool and its transactions. Everything that waits has a limit; a lost connection is an error, never a crash. */
import { failPoint } from '@ballast/faults';
import pg from 'pg';
import { DatabaseError, isRetryable, toDatabaseError } from './errors.ts';

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

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Most connections at a time. */
  maxConnections?: number;
  /** How long the server works on one statement, in ms. */
  statementTimeoutMs?: number;
  /** How long a caller waits for a connection, in ms. */
  connectTimeoutMs?: number;
  /** Told of connections lost while idle. */
  onIdleError?: (error: Error) => void;
}

/** Opens a pool; no connection is made before the first query. */
export function createDatabase(options: DatabaseOptions): Database {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // The server may be frozen and keep its own clock from running: the client has one too.
    query_timeout: statementTimeoutMs + 1_000,
    idle_in_transaction_session_timeout: 10_000,
    keepAlive: true,
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  // A client that is checked out has no listener of the pool's: without one of its own the loss of its connection
  // would end the process. The query in flight is rejected all the same.
  pool.on('connect', (client) => client.on('error', (error) => options.onIdleError?.(error)));

  // A statement on its own is a transaction of its own: one that lost a deadlock has done nothing and is tried again.
  const query: Database['query'] = (statement, values = []) =>
    withRetry(async () => {
      try {
        return (await pool.query(toQuery(statement, values))).rows;
      } catch (error) {
        throw toDatabaseError(error);
      }
    });

  return {
    query,
    transaction: (work) => withRetry(() => runTransaction(pool, work)),
    ping: async () => void (await query('SELECT 1')),
    close: () => pool.end(),
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
    await failPoint('after-commit');
    for (const callback of afterCommit) callback();
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

async function withRetry<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const again =
        tries < 4 && isRetryable(error) && error instanceof DatabaseError && transient.has(error.sqlstate ?? '');
      if (!again) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** tries));
    }
  }
}
