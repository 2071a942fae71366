/**
 * Prepares a Vault for the mesh: AppRole, the database secrets engine, and for every service a database role, a policy that
 * allows just that, and an AppRole to log in with. The lab's stand-in and a real Vault are prepared by the same calls, through
 * the real client. Safe to run again at any time. The lab calls {@link bootstrapVault}; Compose runs this file with VAULT_ADDR,
 * VAULT_TOKEN, VAULT_POSTGRES_URL (as Vault reaches the database), VAULT_ADMIN_PASSWORD (see infra/postgres) and
 * `<SERVICE>_VAULT_SECRET_ID` for each service that leases; optionally VAULT_LEASE_SECONDS and VAULT_ADMIN_USER.
 */
import nodeVault, { type client as VaultClient } from 'node-vault';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { ownerRole, schemaOwners, vaultAdministrator } from '../postgres/bootstrap.ts';

/** A service that leases its database login. */
export type LeasingService = {
  /** Names its database role, policy and AppRole. */
  name: string;
  /** The role without login that owns its schema; whoever logs in acts as it. */
  owner: string;
  /** Its search path. Default: its name. */
  schema?: string;
  /** Chosen by the caller where services are told before Vault is prepared. Default: Vault chooses. */
  roleId?: string;
  /** Likewise. Once registered it stays valid. Default: a new one each time. */
  secretId?: string;
};

/** Options of {@link bootstrapVault}. Lifetimes are seconds. */
export type VaultBootstrapOptions = {
  /** As in VAULT_ADDR. */
  address: string;
  /** May mount, write policies and roles: root's in a lab. */
  token: string;
  postgres: {
    /** Host, port and database as Vault reaches them; name and password in it are ignored. */
    url: string;
    /** The role Vault makes logins with (see infra/postgres). */
    username: string;
    password: string;
  };
  services: readonly LeasingService[];
  leaseSeconds: number;
  /** How long a lease can be renewed. Default: twice as long as one lease. */
  maxLeaseSeconds?: number;
  /** Lifetime of a service's token, renewable; its leases end with it. Default: twice `maxLeaseSeconds`. */
  tokenSeconds?: number;
  /** Name of the connection in Vault. Default `ballast`. */
  connectionName?: string;
};

/** What a service logs in with, and the database role it then asks for. */
export type VaultCredentials = { roleId: string; secretId: string; databaseRole: string };

const callTimeout = 10_000;
const databaseMount = 'database';
const appRoleMount = 'approle';

const Mounts = Compile(Type.Object({ data: Type.Record(Type.String(), Type.Object({ type: Type.String() })) }));
const RoleId = Compile(Type.Object({ data: Type.Object({ role_id: Type.String({ minLength: 1 }) }) }));
const SecretId = Compile(Type.Object({ data: Type.Object({ secret_id: Type.String({ minLength: 1 }) }) }));
const Health = Compile(Type.Object({ initialized: Type.Boolean(), sealed: Type.Boolean() }));

/**
 * Prepares Vault and answers each service's credentials by its name.
 * @throws Error that names the address and what Vault said, when it does not answer within 10 s, is sealed, or refuses.
 */
export async function bootstrapVault(options: VaultBootstrapOptions): Promise<Record<string, VaultCredentials>> {
  const client = nodeVault({
    endpoint: options.address.replace(/\/+$/, ''),
    token: options.token,
    // Node's HTTP parser has no LIST.
    noCustomHTTPVerbs: true,
    requestOptions: { timeout: callTimeout },
  });
  try {
    await requireReady(client);
    await enable(client, 'auth', appRoleMount, 'approle');
    await enable(client, 'mounts', databaseMount, 'database');
    await connect(client, options);
    const credentials: Record<string, VaultCredentials> = {};
    for (const service of options.services) credentials[service.name] = await prepareService(client, service, options);
    return credentials;
  } catch (error) {
    throw new Error(`Vault at ${options.address} could not be prepared: ${(error as Error).message}`, { cause: error });
  }
}

async function requireReady(client: VaultClient): Promise<void> {
  const health = expect(Health, await client.read('sys/health'));
  if (!health.initialized) throw new Error('it is not initialised');
  if (health.sealed) throw new Error('it is sealed');
}

/** Mounts what is not mounted yet; Vault refuses to do so twice. */
async function enable(client: VaultClient, where: 'auth' | 'mounts', path: string, type: string): Promise<void> {
  const { data } = expect(Mounts, await client.read(`sys/${where}`));
  const mounted = data[`${path}/`]?.type;
  if (mounted === type) return;
  if (mounted !== undefined) throw new Error(`${path}/ is in use for ${mounted}, not for ${type}`);
  await client.write(`sys/${where}/${path}`, { type });
}

async function connect(
  client: VaultClient,
  { postgres, services, connectionName }: VaultBootstrapOptions,
): Promise<void> {
  const name = connectionName ?? 'ballast';
  await client.write(`${databaseMount}/config/${name}`, {
    plugin_name: 'postgresql-database-plugin',
    connection_url: connectionUrl(postgres.url),
    username: postgres.username,
    password: postgres.password,
    allowed_roles: services.map((service) => service.name),
  });
}

/** Vault fills name and password in by itself, so that they never stand in an address it shows. */
function connectionUrl(url: string): string {
  const { host, pathname, searchParams } = new URL(url);
  if (!searchParams.has('sslmode')) searchParams.set('sslmode', 'disable');
  return `postgresql://{{username}}:{{password}}@${host}${pathname}?${searchParams.toString()}`;
}

async function prepareService(
  client: VaultClient,
  service: LeasingService,
  options: VaultBootstrapOptions,
): Promise<VaultCredentials> {
  const { name } = service;
  const maxLeaseSeconds = options.maxLeaseSeconds ?? options.leaseSeconds * 2;
  await client.write(`${databaseMount}/roles/${name}`, {
    db_name: options.connectionName ?? 'ballast',
    creation_statements: creationStatements(service),
    revocation_statements: revocationStatements,
    default_ttl: options.leaseSeconds,
    max_ttl: maxLeaseSeconds,
  });
  await client.write(`sys/policies/acl/${name}`, { policy: JSON.stringify(policyFor(name)) });
  await client.write(`auth/${appRoleMount}/role/${name}`, {
    token_policies: [name],
    token_ttl: options.tokenSeconds ?? maxLeaseSeconds * 2,
    token_type: 'service',
  });
  const base = `auth/${appRoleMount}/role/${name}`;
  if (service.roleId !== undefined) await client.write(`${base}/role-id`, { role_id: service.roleId });
  const { data } = expect(RoleId, await client.read(`${base}/role-id`));
  return { roleId: data.role_id, secretId: await secretIdFor(client, base, service.secretId), databaseRole: name };
}

async function secretIdFor(client: VaultClient, base: string, chosen: string | undefined): Promise<string> {
  if (chosen === undefined) {
    return expect(SecretId, await client.write(`${base}/secret-id`, {})).data.secret_id;
  }
  // Vault answers 204, an empty text here, when it does not know it; registering one twice would be an error.
  const known: unknown = await client.write(`${base}/secret-id/lookup`, { secret_id: chosen });
  if (typeof known !== 'object' || known === null)
    await client.write(`${base}/custom-secret-id`, { secret_id: chosen });
  return chosen;
}

/** A login that acts as the owner, so that what it creates stays the owner's when the login is gone. */
function creationStatements({ name, owner, schema }: LeasingService): string[] {
  return [
    `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE "${owner}"`,
    `ALTER ROLE "{{name}}" SET role = '${owner}'`,
    `ALTER ROLE "{{name}}" SET search_path = "${schema ?? name}"`,
  ];
}

/**
 * Sessions end first: an expired or dropped login keeps those it has. The last condition finds a session that came in after
 * an earlier login's sessions were ended and before that login was gone.
 */
const revocationStatements = [
  `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
   WHERE usename = '{{name}}' OR (usename IS NULL AND usesysid IS NOT NULL AND datname = current_database())`,
  `DROP ROLE IF EXISTS "{{name}}"`,
];

function policyFor(databaseRole: string): unknown {
  const update = { capabilities: ['update'] };
  return {
    path: {
      [`${databaseMount}/creds/${databaseRole}`]: { capabilities: ['read'] },
      'sys/leases/renew': update,
      'sys/leases/revoke': update,
      'auth/token/lookup-self': { capabilities: ['read'] },
      'auth/token/renew-self': update,
      'auth/token/revoke-self': update,
    },
  };
}

/** What came over the network, as what it must be. */
function expect<Answer>(validator: { Check: (value: unknown) => value is Answer }, answer: unknown): Answer {
  if (validator.Check(answer)) return answer;
  throw new Error('its answer is not what its documentation says');
}

if (import.meta.main) {
  const services = schemaOwners.flatMap((name) => {
    const secretId = process.env[`${name.toUpperCase()}_VAULT_SECRET_ID`];
    return secretId === undefined ? [] : [{ name, owner: ownerRole(name), roleId: `ballast-${name}`, secretId }];
  });
  await bootstrapVault({
    address: required('VAULT_ADDR'),
    token: required('VAULT_TOKEN'),
    postgres: {
      url: required('VAULT_POSTGRES_URL'),
      username: process.env['VAULT_ADMIN_USER'] ?? vaultAdministrator,
      password: required('VAULT_ADMIN_PASSWORD'),
    },
    services,
    leaseSeconds: leaseSecondsFrom(process.env['VAULT_LEASE_SECONDS'] ?? '3600'),
  });
  console.log(`Vault is ready for ${services.map(({ name }) => name).join(', ')}.`);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} must be set.`);
  return value;
}

function leaseSecondsFrom(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new Error('VAULT_LEASE_SECONDS must be a number of seconds.');
}
