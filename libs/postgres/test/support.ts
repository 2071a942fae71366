/** What the tests of leased logins share: a database, a prepared Vault stand-in, and a look at PostgreSQL from outside. */
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { partUrl, recordingLogger, testDatabase, until, type LogEntry, type TestDatabase } from '@ballast/testing';
import { startTestVault, type TestVault } from '@ballast/vault-stand-in/testing';
import pg from 'pg';
import { openDatabase, type LeasedDatabase, type OpenDatabaseOptions, type PostgresConfig } from '../src/index.ts';

export interface World {
  vault: TestVault;
  test: TestDatabase;
  config: PostgresConfig;
  /** Opens a leased database, closed with the test. */
  open: (options?: Partial<OpenDatabaseOptions>, changes?: Partial<PostgresConfig>) => Promise<LeasedDatabase>;
  /** Leased logins that exist in PostgreSQL now. */
  logins: () => Promise<string[]>;
  /** How many sessions such logins have, whether they still exist or not. */
  sessions: () => Promise<number>;
  entries: LogEntry[];
}

/** A world of its own for one test, gone with it. */
export async function world(
  context: TestContext,
  lifetimes: { leaseSeconds?: number; maxLeaseSeconds?: number; tokenSeconds?: number } = {},
): Promise<World> {
  const test = await testDatabase({ schema: 'shop', sets: [] });
  // Its logins are named after it, of which Vault takes eight letters: the server is shared with other tests.
  const service = randomBytes(4).toString('hex');
  const vault = await startTestVault({
    adminUrl: partUrl('POSTGRES'),
    databaseUrl: test.url,
    schema: 'shop',
    service,
    leaseSeconds: 600,
    ...lifetimes,
  });
  const admin = new pg.Pool({ connectionString: partUrl('POSTGRES'), max: 2, connectionTimeoutMillis: 10_000 });
  const opened: LeasedDatabase[] = [];
  context.after(async () => {
    for (const database of opened) await database.close();
    await vault.close();
    await admin.end();
    await test.drop();
  });
  const { logger, entries } = recordingLogger();
  const config = { POSTGRES_URL: test.url, ...vault.environment } as PostgresConfig;
  return {
    vault,
    test,
    config,
    open: async (options = {}, changes = {}) => {
      const database = await openDatabase({ ...config, ...changes }, { applicationName: 'leased', logger, ...options });
      opened.push(database);
      return database;
    },
    logins: async () => {
      const { rows } = await admin.query<{ rolname: string }>(
        'SELECT rolname FROM pg_roles WHERE starts_with(rolname, $1) ORDER BY 1',
        [`v-approle-${service}-`],
      );
      return rows.map(({ rolname }) => rolname);
    },
    sessions: async () => {
      const { rowCount } = await admin.query('SELECT FROM pg_stat_activity WHERE starts_with(usename, $1)', [
        `v-approle-${service}-`,
      ]);
      return rowCount ?? 0;
    },
    entries,
  };
}

/** Runs `work` again and again, so many a second, until it is stopped; then tells what became of it. */
export function steadily(perSecond: number, work: () => Promise<unknown>): () => Promise<Outcome> {
  const outcome: Outcome = { done: 0, failures: [] };
  const running = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const one = work().then(
      () => void (outcome.done += 1),
      (error: unknown) => void outcome.failures.push({ at: performance.now(), error: error as Error }),
    );
    running.add(one);
    void one.then(() => running.delete(one));
  }, 1_000 / perSecond).unref();
  return async () => {
    clearInterval(timer);
    await Promise.all(running);
    return outcome;
  };
}

export interface Outcome {
  done: number;
  failures: { at: number; error: Error }[];
}

/** From the first to the last failure, in ms. */
export function failingFor({ failures }: Outcome): number {
  return failures.length === 0 ? 0 : failures.at(-1)!.at - failures[0]!.at;
}

export { until };
