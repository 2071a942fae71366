/**
 * A database of its own for each test file, cloned from a template that is migrated once. What connects to it is a login
 * as in production: it owns the schema, has it as its search path, and is no superuser.
 */
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabase, migrate, type Database, type MigrationSet } from '@ballast/postgres';
import pg from 'pg';
import { partUrl } from './parts.ts';

export interface TestDatabase {
  /** With the login and password of the schema's owner. */
  url: string;
  schema: string;
  /** A pool on it, closed by `drop`. */
  database: Database;
  /** Runs one statement on it as a superuser. */
  administrate: (statement: string) => Promise<void>;
  /** Ends all sessions and lets nobody connect, as if the server were away. */
  cut: () => Promise<void>;
  /** Undoes `cut`. */
  restore: () => Promise<void>;
  /** Ends all sessions and removes the database. */
  drop: () => Promise<void>;
}

/** What a template is made of; all test files with the same share it. */
interface Content {
  schema: string;
  sets: readonly MigrationSet[];
}

/**
 * Makes a database with `schema` migrated by `sets`; without sets the schema is empty, for services that migrate it
 * themselves. Call `drop` in the file's `after`.
 */
export async function testDatabase(options: Content & { maxConnections?: number }): Promise<TestDatabase> {
  const content = fingerprint(options);
  const name = `test_${options.schema}_${randomBytes(6).toString('hex')}`;
  await withAdmin((admin) =>
    // One file at a time makes the template, the others wait and find it.
    locked(admin, async () => {
      const { rows } = await admin.query('SELECT 1 FROM pg_database WHERE datname = $1', [templateOf(content)]);
      if (rows.length === 0) await makeTemplate(admin, content, options);
      await admin.query(`CREATE DATABASE ${name} TEMPLATE ${templateOf(content)} OWNER ${loginOf(content)}`);
    }),
  );
  const url = urlOf(name, content);
  const database = createDatabase({
    url,
    applicationName: 'test',
    maxConnections: options.maxConnections ?? 5,
    // What a service gives up on in time, a test on a busy machine waits for.
    connectTimeoutMs: 20_000,
    statementTimeoutMs: 30_000,
  });
  return {
    url,
    schema: options.schema,
    database,
    administrate: (statement) =>
      withAdmin(async (admin) => {
        await admin.query(`SET search_path = ${options.schema}`);
        await admin.query(statement);
      }, urlOf(name)),
    cut: () =>
      withAdmin(async (admin) => {
        await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT 0`);
        await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name]);
      }),
    restore: () => withAdmin(async (admin) => void (await admin.query(`ALTER DATABASE ${name} CONNECTION LIMIT -1`))),
    drop: async () => {
      await database.close();
      await withAdmin(async (admin) => void (await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)));
    },
  };
}

const templateOf = (content: string): string => `template_${content}`;
const loginOf = (content: string): string => `login_${content}`;

/** The name appears only when the template is whole; what a killed run has left half made is made anew. */
async function makeTemplate(admin: pg.Client, content: string, { schema, sets }: Content): Promise<void> {
  const making = `making_${content}`;
  const login = loginOf(content);
  await admin.query(`DROP DATABASE IF EXISTS ${making} WITH (FORCE)`);
  await admin.query(`DROP ROLE IF EXISTS ${login}`);
  // Other files must be able to log in with it too: the password follows from the name.
  await admin.query(`CREATE ROLE ${login} LOGIN NOSUPERUSER PASSWORD '${login}'`);
  await admin.query(`ALTER ROLE ${login} SET search_path = ${schema}`);
  await admin.query(`CREATE DATABASE ${making} OWNER ${login}`);
  await withAdmin(
    async (inside) => void (await inside.query(`CREATE SCHEMA ${schema} AUTHORIZATION ${login}`)),
    urlOf(making),
  );
  await migrate({ url: urlOf(making, content), schema, sets });
  await admin.query(`ALTER DATABASE ${making} RENAME TO ${templateOf(content)}`);
}

async function locked(admin: pg.Client, work: () => Promise<void>): Promise<void> {
  await admin.query('SELECT pg_advisory_lock(7701)');
  try {
    await work();
  } finally {
    await admin.query('SELECT pg_advisory_unlock(7701)');
  }
}

async function withAdmin(work: (admin: pg.Client) => Promise<void>, url = partUrl('POSTGRES')): Promise<void> {
  const admin = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000, statement_timeout: 60_000 });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

/** A database's address: with the template's login, or the administrator's where none is given. */
function urlOf(database: string, content?: string): string {
  const url = new URL(partUrl('POSTGRES'));
  url.pathname = `/${database}`;
  if (content !== undefined) [url.username, url.password] = [loginOf(content), loginOf(content)];
  return url.href;
}

function fingerprint({ schema, sets }: Content): string {
  const hash = createHash('sha256').update(schema);
  for (const set of sets) {
    hash.update(`\n${set.name}\n`);
    for (const file of readdirSync(set.directory).toSorted()) hash.update(readFileSync(join(set.directory, file)));
  }
  return hash.digest('hex').slice(0, 16);
}
