/**
 * What the auditor and the chaos controller may do in a database that the bootstrap has prepared and whose tables the
 * services' own migrations have made since.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { auditedColumns } from '../../postgres/observers.ts';
import {
  auditorRole,
  bootstrapDatabase,
  chaosRole,
  databaseName,
  loginRole,
  roleUrl,
  schemaOwners,
} from '../../postgres/bootstrap.ts';
import { startMesh } from '../src/index.ts';
import { repositoryRoot } from '../src/paths.ts';
import { findPortBase, fixtureTopology, temporaryFolder } from './support.ts';

const passwords = Object.fromEntries(
  [...schemaOwners.map(loginRole), auditorRole, chaosRole].map((role) => [role, `password-of-${role}`]),
);

/** Every column that the auditor must not see. */
const secrets: readonly (readonly [table: string, column: string])[] = [
  ['identity.users', 'password_hash'],
  ['identity.refresh_tokens', 'token_hash'],
  ['identity.signing_keys', 'sealed_private_key'],
  ['bff.sessions', 'session_hash'],
  ['bff.sessions', 'sealed_access_token'],
  ['bff.sessions', 'sealed_refresh_token'],
];

/** The hash of a request, and the answer to it. */
const bytesThatAreNoSecret = ['bff.idempotency_keys.fingerprint', 'bff.idempotency_keys.body'];

let adminUrl = '';
let stop = async (): Promise<void> => undefined;

before(async () => {
  const mesh = await startMesh({
    dataDirectory: temporaryFolder(),
    portBase: await findPortBase(),
    parts: 'native',
    disposable: true,
    topology: fixtureTopology(['postgres']),
  });
  stop = mesh.stop;
  adminUrl = mesh.partUrls.postgres;
  await bootstrapDatabase(adminUrl, passwords);
  // As each service does at its first start, with its own login.
  for (const service of ['identity', 'bff', 'checkout']) {
    await as(loginRole(service), async (client) => {
      for (const statements of migrations(service)) await client.query(statements);
    });
  }
});

after(async () => await stop());

/** The upward half of each migration of a service and of the libraries whose tables it keeps. */
function migrations(service: string): string[] {
  const libraries = { bff: ['idempotency'], checkout: ['outbox', 'saga'] }[service] ?? [];
  return [...libraries.map((name) => `libs/${name}`), `apps/${service}`].flatMap((folder) => {
    const directory = join(repositoryRoot, folder, 'migrations');
    return readdirSync(directory)
      .filter((file) => file.endsWith('.sql'))
      .toSorted()
      .map((file) => readFileSync(join(directory, file), 'utf8').split('-- Down Migration')[0] ?? '');
  });
}

async function as<T>(role: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: roleUrl(adminUrl, role, passwords[role] ?? '') });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function refused(client: Client, statement: string, code = '42501'): Promise<void> {
  await assert.rejects(client.query(statement), { code }, statement);
}

test('the auditor reads every row that is no secret, in tables that did not exist when it was admitted', async () => {
  await as(auditorRole, async (client) => {
    await client.query('SELECT * FROM checkout.orders, checkout.sagas, checkout.outbox, checkout.inbox');
    for (const [schema, tables] of Object.entries(auditedColumns)) {
      for (const [table, columns] of Object.entries(tables)) {
        await client.query(`SELECT ${columns.join(', ')} FROM ${schema}.${table}`);
      }
    }
    const { rows } = await client.query(
      "SELECT count(*) FROM pg_stat_activity WHERE query <> '<insufficient privilege>'",
    );
    assert.equal(rows.length, 1);
  });
});

test('the auditor sees no hash, no sealed token and no key', async () => {
  await as(auditorRole, async (client) => {
    for (const [table, column] of secrets) {
      await refused(client, `SELECT ${column} FROM ${table}`);
      await refused(client, `SELECT * FROM ${table}`);
    }
  });
});

test('every secret column of those schemas is known here', async () => {
  // A new column is not shown to the auditor until somebody lists it; whether it is a secret is decided here as well.
  for (const schema of Object.keys(auditedColumns))
    await as(loginRole(schema), async (client) => {
      const { rows } = await client.query<{ name: string }>(`
      SELECT table_schema || '.' || table_name || '.' || column_name AS name FROM information_schema.columns
       WHERE table_schema = '${schema}' AND (data_type = 'bytea' OR column_name ~ 'hash|secret|sealed|token$')`);
      const known = [...secrets.map(([table, column]) => `${table}.${column}`), ...bytesThatAreNoSecret];
      assert.deepEqual(
        rows.map(({ name }) => name).filter((name) => !known.includes(name)),
        [],
      );
    });
});

test('the auditor writes nothing, even when it asks to', async () => {
  await as(auditorRole, async (client) => {
    await refused(
      client,
      "DELETE FROM checkout.orders WHERE order_id = '01a1feed-fb87-7b2e-85e2-3752679080fb'",
      '25006',
    );
    await client.query('SET default_transaction_read_only = off');
    for (const statement of [
      'DELETE FROM checkout.orders',
      'TRUNCATE checkout.outbox',
      "UPDATE identity.users SET roles = '{operator}'",
      'UPDATE identity.refresh_tokens SET used_at = now()',
      'CREATE TABLE checkout.mine (id int)',
      'CREATE TABLE public.mine (id int)',
      'CREATE TEMP TABLE mine (id int)',
      'CREATE SCHEMA mine',
      'SET ROLE svc_identity',
      'CREATE ROLE mine',
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'ballast_admin'",
    ]) {
      await refused(client, statement);
    }
  });
});

test('the controller ends the sessions of services and reads no data', async () => {
  await as(chaosRole, async (client) => {
    const service = new Client({
      connectionString: roleUrl(adminUrl, loginRole('checkout'), passwords['checkout_app'] ?? ''),
    });
    const ended = new Promise((resolve) => service.on('error', resolve));
    await service.connect();
    const { rows } = await client.query<{ ended: boolean }>(
      `SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity WHERE usename = 'checkout_app' AND datname = '${databaseName}'`,
    );
    assert.deepEqual(rows, [{ ended: true }]);
    assert.match(String(await ended), /terminat/);
    for (const schema of schemaOwners) await refused(client, `SELECT * FROM ${schema}.anything`);
    await refused(client, 'CREATE TABLE public.mine (id int)');
  });
});

test('preparing again changes nothing, and opens tables that were made without the trigger', async () => {
  await as(loginRole('identity'), async (client) => {
    await client.query(`REVOKE ALL ON identity.users FROM ${auditorRole}`);
  });
  await as(auditorRole, async (client) => await refused(client, 'SELECT user_id FROM identity.users'));
  await bootstrapDatabase(adminUrl, passwords);
  await as(auditorRole, async (client) => {
    await client.query('SELECT user_id, roles FROM identity.users');
    await refused(client, 'SELECT password_hash FROM identity.users');
  });
});
