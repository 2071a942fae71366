/**
 * Prepares a PostgreSQL server for the mesh: the database, and for every service a schema that only it can see.
 * Safe to run again at any time. The lab calls {@link bootstrapDatabase}; Compose runs this file with
 * POSTGRES_URL (an administrator's) and `<SERVICE>_DATABASE_PASSWORD` for each service in the environment, and
 * VAULT_ADMIN_PASSWORD for the role that Vault makes logins with, AUDITOR_DATABASE_PASSWORD and CHAOS_DATABASE_PASSWORD for
 * those that look on (observers.ts).
 */
import { Client, escapeIdentifier, escapeLiteral } from 'pg';
import { admitAuditor, auditorRole, chaosRole, prepareAuditor, prepareChaos } from './observers.ts';
import { roleExists } from './roles.ts';

export { auditorRole, chaosRole } from './observers.ts';

/** The database of the mesh. */
export const databaseName = 'ballast';

/** Services that own a schema of their own name. */
export const schemaOwners = ['identity', 'catalog', 'payments', 'checkout', 'bff', 'claims', 'analytics'] as const;

/** The role a service logs in with; it acts as the schema's owner, which has no login. */
export function loginRole(service: string): string {
  return `${service}_app`;
}

/** The role that owns a service's schema and everything in it. */
export function ownerRole(service: string): string {
  return `svc_${service}`;
}

/** The role Vault makes and removes logins with. It is no superuser and cannot read any service's data. */
export const vaultAdministrator = 'vault_admin';

/** The URL a service connects with, from the administrator's. */
export function serviceUrl(adminUrl: string, service: string, password: string): string {
  return roleUrl(adminUrl, loginRole(service), password);
}

/** The URL by which a role gets to the mesh's database, from the administrator's. */
export function roleUrl(adminUrl: string, role: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = role;
  url.password = password;
  url.pathname = `/${databaseName}`;
  return url.href;
}

/**
 * Creates what is missing: database, roles, schemas, rights. Login roles get the passwords given, by role name; Vault's
 * administrator, the auditor and the chaos controller are made when there is one for them.
 * @throws Error when a password is missing, the server does not answer within 10 s or the administrator lacks rights.
 */
export async function bootstrapDatabase(adminUrl: string, passwords: Readonly<Record<string, string>>): Promise<void> {
  await connected(adminUrl, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [databaseName]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${escapeIdentifier(databaseName)}`);
    for (const service of schemaOwners) await prepareRoles(client, service, passwords);
    const password = passwords[vaultAdministrator];
    if (password !== undefined) await prepareVaultAdministrator(client, password, schemaOwners.map(ownerRole));
    if (passwords[auditorRole] !== undefined) await prepareAuditor(client, passwords[auditorRole]);
    if (passwords[chaosRole] !== undefined) await prepareChaos(client, passwords[chaosRole]);
  });
  const inDatabase = new URL(adminUrl);
  inDatabase.pathname = `/${databaseName}`;
  await connected(inDatabase.href, async (client) => {
    await client.query(`REVOKE ALL ON DATABASE ${escapeIdentifier(databaseName)} FROM PUBLIC`);
    for (const role of [vaultAdministrator, auditorRole, chaosRole].filter((name) => passwords[name] !== undefined)) {
      await client.query(`GRANT CONNECT ON DATABASE ${escapeIdentifier(databaseName)} TO ${escapeIdentifier(role)}`);
    }
    await client.query('REVOKE ALL ON SCHEMA public FROM PUBLIC');
    for (const service of schemaOwners) await prepareSchema(client, service);
    if (passwords[auditorRole] !== undefined) await admitAuditor(client, schemaOwners, ownerRole);
  });
}

/**
 * Makes the role that Vault makes logins with, as a member of each owner in the one way that lets it admit others and do
 * nothing else (PostgreSQL 16 and later). `client` is an administrator's; `role` is another name for tests.
 * @throws DatabaseError when an owner does not exist or the administrator lacks rights.
 */
export async function prepareVaultAdministrator(
  client: Client,
  password: string,
  owners: readonly string[],
  role: string = vaultAdministrator,
): Promise<void> {
  const name = escapeIdentifier(role);
  if (!(await roleExists(client, role))) await client.query(`CREATE ROLE ${name}`);
  await client.query(`ALTER ROLE ${name} LOGIN CREATEROLE PASSWORD ${escapeLiteral(password)}`);
  for (const owner of owners) {
    await client.query(`GRANT ${escapeIdentifier(owner)} TO ${name} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
  }
  // An expired VALID UNTIL keeps nobody out who is in: revoking has to end sessions.
  await client.query(`GRANT pg_signal_backend TO ${name}`);
}

async function prepareRoles(
  client: Client,
  service: string,
  passwords: Readonly<Record<string, string>>,
): Promise<void> {
  const password = passwords[loginRole(service)];
  if (password === undefined) throw new Error(`No password was given for ${loginRole(service)}.`);
  const owner = escapeIdentifier(ownerRole(service));
  const login = escapeIdentifier(loginRole(service));
  if (!(await roleExists(client, ownerRole(service)))) await client.query(`CREATE ROLE ${owner} NOLOGIN`);
  if (!(await roleExists(client, loginRole(service)))) {
    await client.query(`CREATE ROLE ${login} LOGIN IN ROLE ${owner}`);
  }
  // Statements about roles take no parameters, so the password is quoted here.
  await client.query(`ALTER ROLE ${login} LOGIN PASSWORD ${escapeLiteral(password)}`);
  // Whoever logs in acts as the owner: what it creates stays the owner's when the login role goes.
  await client.query(`ALTER ROLE ${login} SET role = ${escapeLiteral(ownerRole(service))}`);
  await client.query(`ALTER ROLE ${login} SET search_path = ${escapeIdentifier(service)}`);
}

async function prepareSchema(client: Client, service: string): Promise<void> {
  const owner = escapeIdentifier(ownerRole(service));
  const schema = escapeIdentifier(service);
  await client.query(`GRANT CONNECT ON DATABASE ${escapeIdentifier(databaseName)} TO ${owner}`);
  await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${owner}`);
  await client.query(`REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC`);
}

async function connected(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
    application_name: 'ballast-bootstrap',
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

if (import.meta.main) {
  const adminUrl = process.env['POSTGRES_URL'];
  if (adminUrl === undefined) throw new Error('POSTGRES_URL must be an administrator’s URL.');
  const passwords = schemaOwners.flatMap((service) => {
    const password = process.env[`${service.toUpperCase()}_DATABASE_PASSWORD`];
    return password === undefined ? [] : [[loginRole(service), password] as const];
  });
  const others = { VAULT_ADMIN: vaultAdministrator, AUDITOR_DATABASE: auditorRole, CHAOS_DATABASE: chaosRole };
  const otherPasswords = Object.entries(others).flatMap(([name, role]) => {
    const password = process.env[`${name}_PASSWORD`];
    return password === undefined ? [] : [[role, password] as const];
  });
  await bootstrapDatabase(adminUrl, Object.fromEntries([...passwords, ...otherPasswords]));
  console.log(`Database ${databaseName} is ready for ${schemaOwners.join(', ')}.`);
}
