/** A database of its own for each test file, cloned from a template that is migrated once. */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, migrate, type Database, type MigrationSet } from '@ballast/postgres';
import pg from 'pg';
import { partUrl } from './parts.ts';

export interface TestDatabase {
  url: string;
  schema: string;
  /** A pool on it, closed by `drop`. */
  database: Database;
  /** Ends all sessions and removes the database. */
  drop(): Promise<void>;
}

/** Makes a database with `schema` migrated by `sets`. Call `drop` in the file's `after`. */
export async function testDatabase(options: { schema: string; sets: readonly MigrationSet[] }): Promise<TestDatabase> {
  const template = `template_${fingerprint(options.sets)}`;
  const name = `test_${options.schema}_${randomBytes(6).toString('hex')}`;
  await withAdmin(async (admin) => {
    // One file at a time makes the template, the others wait and find it.
    await admin.query('SELECT pg_advisory_lock(7701)');
    try {
      const { rows } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [template]);
      if (rows.length === 0) await makeTemplate(admin, template, options);
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`);
      await admin.query(`ALTER DATABASE ${name} SET search_path = ${options.schema}`);
    } finally {
      await admin.query('SELECT pg_advisory_unlock(7701)');
    }
  });
  const url = urlOf(name);
  const database = createDatabase({ url, applicationName: 'test', maxConnections: 5 });
  return {
    url,
    schema: options.schema,
    database,
    drop: async () => {
      await database.close();
      await withAdmin((admin) => admin.query(`DROP DATABASE ${name} WITH (FORCE)`));
    },
  };
}

async function makeTemplate(
  admin: pg.Client,
  template: string,
  options: { schema: string; sets: readonly MigrationSet[] },
): Promise<void> {
  const making = `${template}_making`;
  await admin.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`);
  await admin.query(`CREATE DATABASE ${making}`);
  const client = new pg.Client({ connectionString: urlOf(making) });
  await client.connect();
  await client.query(`CREATE SCHEMA ${options.schema}; ALTER DATABASE ${making} SET search_path = ${options.schema}`);
  await client.end();
  await migrate({ url: urlOf(making), schema: options.schema, sets: options.sets });
  await admin.query(`ALTER DATABASE ${making} RENAME TO ${template}`);
}

async function withAdmin<Result>(work: (admin: pg.Client) => Promise<Result>): Promise<Result> {
  const admin = new pg.Client({ connectionString: partUrl('POSTGRES') });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

function urlOf(name: string): string {
  const url = new URL(partUrl('POSTGRES'));
  url.pathname = `/${name}`;
  return url.href;
}

function fingerprint(sets: readonly MigrationSet[]): string {
  const hash = createHash('sha256');
  for (const set of sets) {
    hash.update(set.name);
    for (const file of readdirSync(set.directory).toSorted()) hash.update(readFileSync(join(set.directory, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
