/**
 * Two logins that own nothing: the auditor, which reads what it judges and writes nothing, and the chaos controller, which
 * ends other people's sessions and reads no data.
 */
import { type Client, escapeIdentifier, escapeLiteral } from 'pg';
import { roleExists } from './roles.ts';

/** Reads every service's rows, secrets left out. */
export const auditorRole = 'ballast_auditor';

/** May end the backends of services (`pg_terminate_backend`); has no right to any table. Lab only. */
export const chaosRole = 'ballast_chaos';

/**
 * Schemas with secrets in them, and what the auditor may read there: these columns and nothing that is not named. Left out
 * are hashes of passwords, of tokens and of cookies, and sealed tokens and keys.
 */
export const auditedColumns: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  identity: {
    users: ['user_id', 'email', 'roles', 'created_at'],
    refresh_families: ['family_id', 'user_id', 'created_at', 'expires_at', 'ended_at'],
    refresh_tokens: ['family_id', 'created_at', 'used_at'],
    revocations: ['seq', 'id', 'revoked_at', 'expires_at'],
    signing_keys: ['key_id', 'algorithm', 'active', 'created_at'],
  },
  bff: {
    sessions: [
      'access_expires_at',
      'refresh_due_at',
      'generation',
      'lease_holder',
      'lease_until',
      'created_at',
      'expires_at',
      'ended_at',
    ],
    idempotency_keys: [
      'principal',
      'route',
      'key',
      'fingerprint',
      'holder',
      'held_until',
      'status',
      // Names the order that was answered for; what else is in it is in checkout's rows as well.
      'body',
      'created_at',
    ],
  },
};

const trigger = 'ballast_grant_to_auditor';

/**
 * Makes the login that reads, on a server whose database is prepared. `client` is an administrator's.
 * @throws DatabaseError when the administrator lacks rights.
 */
export async function prepareAuditor(client: Client, password: string): Promise<void> {
  await prepareObserver(client, auditorRole, password, {
    default_transaction_read_only: 'on',
    statement_timeout: '5s',
    lock_timeout: '1s',
    idle_in_transaction_session_timeout: '5s',
  });
  // Whose sessions are open, and since when: everybody's.
  await client.query(`GRANT pg_read_all_stats TO ${escapeIdentifier(auditorRole)}`);
}

/** Makes the login that ends sessions. @throws DatabaseError when the administrator lacks rights. */
export async function prepareChaos(client: Client, password: string): Promise<void> {
  await prepareObserver(client, chaosRole, password, { statement_timeout: '10s' });
  await client.query(`GRANT pg_signal_backend, pg_read_all_stats TO ${escapeIdentifier(chaosRole)}`);
}

/**
 * Lets the auditor read what there is in the schemas and what their owners will yet create: whole tables where nothing is
 * secret, the columns above where something is. `client` is an administrator's, in the mesh's own database.
 */
export async function admitAuditor(
  client: Client,
  schemas: readonly string[],
  ownerOf: (schema: string) => string,
): Promise<void> {
  const auditor = escapeIdentifier(auditorRole);
  for (const schema of schemas) {
    const name = escapeIdentifier(schema);
    await client.query(`GRANT USAGE ON SCHEMA ${name} TO ${auditor}`);
    if (auditedColumns[schema] !== undefined) continue;
    await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${name} TO ${auditor}`);
    await client.query(
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${escapeIdentifier(ownerOf(schema))} IN SCHEMA ${name} GRANT SELECT ON TABLES TO ${auditor}`,
    );
  }
  for (const { schema, table, columns } of auditedTables()) {
    const { rows } = await client.query<{ attname: string }>(presentColumns, [schema, table, columns]);
    if (rows.length === 0) continue;
    const present = rows.map(({ attname }) => escapeIdentifier(attname)).join(', ');
    const name = `${escapeIdentifier(schema)}.${escapeIdentifier(table)}`;
    await client.query(`REVOKE ALL ON ${name} FROM ${auditor}`);
    await client.query(`GRANT SELECT (${present}) ON ${name} TO ${auditor}`);
  }
  await watchNewTables(client);
}

const presentColumns = `
  SELECT a.attname
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname = $1 AND c.relname = $2 AND a.attname = ANY ($3) AND NOT a.attisdropped`;

/**
 * Default privileges know no columns. So a trigger grants them when a service's migration makes one of those tables; it acts
 * as that service, which owns the table. Only a superuser can make such a trigger: where the administrator is none, new tables
 * are opened when this is run again.
 */
async function watchNewTables(client: Client): Promise<void> {
  const { rows } = await client.query<{ rolsuper: boolean }>(
    'SELECT rolsuper FROM pg_roles WHERE rolname = current_user',
  );
  if (rows[0]?.rolsuper !== true) return;
  const audited = auditedTables().flatMap(({ schema, table, columns }) =>
    columns.map((column) => `(${[schema, table, column].map((name) => escapeLiteral(name)).join(', ')})`),
  );
  await client.query(`
    CREATE OR REPLACE FUNCTION public.${trigger}() RETURNS event_trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE
      made record;
      columns text;
    BEGIN
      IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${escapeLiteral(auditorRole)}) THEN RETURN; END IF;
      FOR made IN
        SELECT DISTINCT c.oid, n.nspname, c.relname
          FROM pg_event_trigger_ddl_commands() d
          JOIN pg_class c ON c.oid = d.objid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE d.classid = 'pg_class'::regclass AND c.relkind = 'r'
      LOOP
        SELECT string_agg(quote_ident(a.attname), ', ') INTO columns
          FROM (VALUES ${audited.join(', ')}) AS audited (schema_name, table_name, column_name)
          JOIN pg_attribute a ON a.attrelid = made.oid AND a.attname = audited.column_name AND NOT a.attisdropped
         WHERE audited.schema_name = made.nspname AND audited.table_name = made.relname;
        IF columns IS NOT NULL THEN
          EXECUTE format('GRANT SELECT (%s) ON %I.%I TO ${auditorRole}', columns, made.nspname, made.relname);
        END IF;
      END LOOP;
    END $$`);
  await client.query(`DROP EVENT TRIGGER IF EXISTS ${trigger}`);
  await client.query(`
    CREATE EVENT TRIGGER ${trigger} ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE')
    EXECUTE FUNCTION public.${trigger}()`);
}

function auditedTables(): { schema: string; table: string; columns: readonly string[] }[] {
  return Object.entries(auditedColumns).flatMap(([schema, tables]) =>
    Object.entries(tables).map(([table, columns]) => ({ schema, table, columns })),
  );
}

async function prepareObserver(
  client: Client,
  role: string,
  password: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const name = escapeIdentifier(role);
  if (!(await roleExists(client, role))) await client.query(`CREATE ROLE ${name}`);
  await client.query(
    `ALTER ROLE ${name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE CONNECTION LIMIT 20 PASSWORD ${escapeLiteral(password)}`,
  );
  for (const [setting, value] of Object.entries(settings)) {
    await client.query(`ALTER ROLE ${name} SET ${setting} = ${escapeLiteral(value)}`);
  }
}
