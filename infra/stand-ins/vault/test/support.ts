/** What the stand-in's tests share: a database, a prepared stand-in on it, and looking at PostgreSQL from outside. */
import type { TestContext } from 'node:test';
import { partUrl, testDatabase, type TestDatabase } from '@ballast/testing';
import nodeVault, { type client as VaultClient } from 'node-vault';
import pg from 'pg';
import { startTestVault, type TestVault } from '../src/testing.ts';

export type World = {
  vault: TestVault;
  database: TestDatabase;
  /** Rows as an administrator of the server sees them. */
  rows: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
  /** Names of the logins the stand-in has made in PostgreSQL that are members of this test's owner. */
  logins: () => Promise<string[]>;
  /** A client that has logged in by AppRole. */
  service: () => Promise<VaultClient>;
};

/** A stand-in with one service called `shop`; everything ends with the test. */
export async function world(
  context: TestContext,
  lifetimes: { leaseSeconds?: number; maxLeaseSeconds?: number; tokenSeconds?: number } = {},
): Promise<World> {
  const database = await testDatabase({ schema: 'shop', sets: [] });
  const vault = await startTestVault({
    adminUrl: partUrl('POSTGRES'),
    databaseUrl: database.url,
    schema: 'shop',
    leaseSeconds: 600,
    ...lifetimes,
  });
  const admin = new pg.Pool({ connectionString: partUrl('POSTGRES'), max: 2, connectionTimeoutMillis: 30_000 });
  context.after(async () => {
    await vault.close();
    await admin.end();
    await database.drop();
  });
  const rows: World['rows'] = async (sql, values = []) =>
    (await admin.query(sql, values)).rows as Record<string, unknown>[];
  return {
    vault,
    database,
    rows,
    logins: async () => {
      const names = vault.standIn.leases().map(({ username }) => username);
      const found = await rows('SELECT rolname FROM pg_roles WHERE rolname = ANY($1) ORDER BY 1', [names]);
      return found.map(({ rolname }) => String(rolname));
    },
    service: async () => {
      const client = anonymous(vault);
      await client.approleLogin({ role_id: vault.roleId, secret_id: vault.secretId });
      return client;
    },
  };
}

/** A client without a token. */
export function anonymous({ address }: { address: string }): VaultClient {
  return nodeVault({ endpoint: address, token: '-', noCustomHTTPVerbs: true, requestOptions: { timeout: 30_000 } });
}

export type Lent = { leaseId: string; seconds: number; username: string; password: string };

/** Credentials for the database role `shop`. */
export async function lend(client: VaultClient): Promise<Lent> {
  const answer = (await client.read('database/creds/shop')) as {
    lease_id: string;
    lease_duration: number;
    renewable: boolean;
    data: { username: string; password: string };
  };
  return { leaseId: answer.lease_id, seconds: answer.lease_duration, ...answer.data };
}

/** Lets a lease end within a second from now: those that run out in a test are lent for long, and are cut when all is ready. */
export async function cutShort(client: VaultClient, { leaseId }: Lent): Promise<void> {
  await client.write('sys/leases/renew', { lease_id: leaseId, increment: 1 });
}

/** A connection with lent credentials; it ends with the test if not before. */
export async function logIn(
  context: TestContext,
  { database }: World,
  { username, password }: Lent,
): Promise<pg.Client> {
  const url = new URL(database.url);
  [url.username, url.password] = [username, password];
  const client = new pg.Client({ connectionString: url.href, connectionTimeoutMillis: 30_000, query_timeout: 30_000 });
  // A session that is ended reports it here; the test sees it in the next query's rejection.
  client.on('error', () => undefined);
  await client.connect();
  context.after(async () => await client.end().catch(() => undefined));
  return client;
}

/** The status and the first sentence of a refusal. */
export async function refusal(work: Promise<unknown>): Promise<{ status: number; said: string }> {
  try {
    await work;
  } catch (error) {
    const { response, message } = error as { response?: { statusCode: number }; message: string };
    if (response === undefined) throw error;
    return { status: response.statusCode, said: message };
  }
  throw new Error('it was not refused');
}

/** Whether a role exists. */
export async function exists({ rows }: World, role: string): Promise<boolean> {
  return (await rows('SELECT 1 FROM pg_roles WHERE rolname = $1', [role])).length === 1;
}

/** How long PostgreSQL would still let an ordinary login in; fails for one that is more than ordinary. */
export async function secondsLeft({ rows }: World, role: string): Promise<number> {
  const [found] = await rows(
    `SELECT extract(epoch FROM rolvaliduntil - now())::float AS seconds FROM pg_roles
     WHERE rolname = $1 AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolbypassrls`,
    [role],
  );
  if (found === undefined) throw new Error(`there is no ordinary role ${role}`);
  return Number(found['seconds']);
}
