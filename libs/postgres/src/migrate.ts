/** Schema migrations: plain SQL files, numbered, applied in order, safe when several replicas start at once. */
import { createHash } from 'node:crypto';
import { runner } from 'node-pg-migrate';
import pg from 'pg';

/** A folder of migrations with a history of its own, so that a library can bring its tables along. */
export interface MigrationSet {
  /** Names the history table: `<name>_migrations`. */
  name: string;
  /** Absolute path of a folder of `.sql` files in node-pg-migrate's format. */
  directory: string;
}

/**
 * Applies what is missing of each set, in the given order, to the schema that is first in the login's search path.
 * Returns the names applied. Replicas that start together wait for one another on an advisory lock.
 */
export async function migrate(options: {
  url: string;
  schema: string;
  sets: readonly MigrationSet[];
}): Promise<string[]> {
  const client = new pg.Client({
    connectionString: options.url,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 60_000,
    // The server may be frozen and keep its own clock from running.
    query_timeout: 65_000,
  });
  client.on('error', () => {
    // The statement in flight is rejected with the same cause; without a listener the process would end.
  });
  const applied: string[] = [];
  await client.connect();
  try {
    for (const set of options.sets) {
      const done = await runner({
        dbClient: client,
        dir: set.directory,
        migrationsTable: `${set.name}_migrations`,
        schema: options.schema,
        migrationsSchema: options.schema,
        direction: 'up',
        singleTransaction: true,
        advisoryLockMode: 'wait',
        lockValue: lockFor(options.schema),
        // It logs every file and statement; what was applied is returned instead.
        logger: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
      });
      applied.push(...done.map((migration) => `${set.name}/${migration.name}`));
    }
  } finally {
    await client.end();
  }
  return applied;
}

/** Each schema has a lock of its own, so that services need not wait for each other. */
function lockFor(schema: string): number {
  return createHash('sha256').update(schema).digest().readUInt32BE(0);
}
