/** A pool whose connections cannot hang or crash the process, and its end, which waits for what has begun. */
import pg from 'pg';
import { pause, promiseWithin } from './time.ts';

export interface DatabaseOptions {
  /** `postgres://user:password@host:port/database` */
  url: string;
  /** Shown in `pg_stat_activity`. */
  applicationName: string;
  /** Most connections at a time. */
  maxConnections?: number;
  /** How long the server works on one statement, in ms. */
  statementTimeoutMs?: number;
  /**
   * How long a caller waits for the answer to a statement, in ms; by default a second more than the server may work on it.
   * Only this ends the wait for a server that is frozen, and its own clock with it.
   */
  queryTimeoutMs?: number;
  /** How long a caller waits for a connection, in ms. */
  connectTimeoutMs?: number;
  /** Told of connections lost while idle, or between the statements of a transaction. */
  onIdleError?: (error: Error) => void;
}

/** How long a pool's end waits for what has begun where nothing else is said, in ms. */
export const closeWithinMs = 6_000;

export interface PoolHandle {
  readonly pool: pg.Pool;
  /** Counts `work` as a user of the pool: its end waits for it, too. */
  keep<Result>(work: () => Promise<Result>): Promise<Result>;
  /**
   * Lets everything that has begun finish, what waits for a connection included, then closes the connections. Nothing may
   * begin on it any more. What is left after `withinMs` loses its connection; resolves to how many did. A second call can
   * only shorten the time.
   */
  close(withinMs: number): Promise<number>;
}

/** Opens a pool; no connection is made before the first query. */
export function openPool(options: DatabaseOptions): PoolHandle {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    // The server may be frozen and keep its own clock from running: the client has one too.
    query_timeout: options.queryTimeoutMs ?? statementTimeoutMs + 1_000,
    // A process that stands still must not hold its locks for longer (invariant 14 allows five seconds).
    idle_in_transaction_session_timeout: 4_000,
    keepAlive: true,
  });
  const clients = new Set<pg.PoolClient>();
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', (client) => {
    clients.add(client);
    // A client that is checked out has no listener of the pool's: without one of its own the loss of its connection
    // would end the process. The query in flight is rejected all the same.
    client.on('error', (error) => options.onIdleError?.(error));
  });
  pool.on('remove', (client) => clients.delete(client));

  const users = new Set<Promise<unknown>>();
  let deadline = Number.POSITIVE_INFINITY;
  const left = (): number => deadline - performance.now();
  const end = async (): Promise<number> => {
    // A pool that is told to end forgets who waits for a connection: they go first.
    while ((pool.waitingCount > 0 || users.size > 0) && left() > 0) await pause(5);
    const ended = pool.end();
    while (left() > 0) if (await promiseWithin(ended, Math.min(left(), 50))) return 0;
    const cut = clients.size;
    // The pool knows no end but a patient one. Its clients are whole ones, whatever their type says, and end at once when
    // there is a query in flight, which is rejected.
    for (const client of clients) void (client as unknown as pg.Client).end();
    await promiseWithin(ended, 1_000);
    return cut;
  };
  let ending: Promise<number> | undefined;
  return {
    pool,
    keep: async (work) => {
      const using = work();
      users.add(using);
      try {
        return await using;
      } finally {
        users.delete(using);
      }
    },
    close: (withinMs) => {
      deadline = Math.min(deadline, performance.now() + withinMs);
      return (ending ??= end());
    },
  };
}
