/** A stand-in for a test file: on a test's database, prepared as the lab prepares it, everything gone at the end. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import nodeVault, { type client as VaultClient } from 'node-vault';
import pg from 'pg';
import { prepareVaultAdministrator } from '../../../postgres/bootstrap.ts';
import { bootstrapVault } from '../../../vault/bootstrap.ts';
import { startVaultStandIn, type VaultStandIn } from './app.ts';

/** Options of {@link startTestVault}. Lifetimes are seconds. */
export type TestVaultOptions = {
  /** A superuser's URL of the server, such as TEST_POSTGRES_URL. */
  adminUrl: string;
  /** The database, its name and password being the schema owner's: `testDatabase().url`. */
  databaseUrl: string;
  schema: string;
  /** Name of database role, policy and AppRole. Default: the schema. */
  service?: string;
  leaseSeconds: number;
  /** Default: twice `leaseSeconds`. */
  maxLeaseSeconds?: number;
  /** Default: twice `maxLeaseSeconds`. */
  tokenSeconds?: number;
};

/** A prepared stand-in with one service. */
export type TestVault = {
  /** The one running now; {@link TestVault.restart} makes another. */
  readonly standIn: VaultStandIn;
  address: string;
  rootToken: string;
  roleId: string;
  secretId: string;
  databaseRole: string;
  /** VAULT_ADDR, VAULT_ROLE_ID, VAULT_SECRET_ID and VAULT_DATABASE_ROLE. */
  environment: Record<string, string>;
  /** The real client, with the root token. */
  root: VaultClient;
  /** Ends it and starts another on the same port and data. */
  restart: () => Promise<void>;
  /** Ends every lease, then the stand-in, then its administrator in PostgreSQL. */
  close: () => Promise<void>;
};

/** Starts a stand-in and prepares it. Call `close` before the database is dropped. */
export async function startTestVault(options: TestVaultOptions): Promise<TestVault> {
  const service = options.service ?? options.schema;
  const owner = decodeURIComponent(new URL(options.databaseUrl).username);
  const administrator = `vault_admin_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(16).toString('hex');
  await asAdministrator(options.adminUrl, async (client) => {
    await prepareVaultAdministrator(client, password, [owner], administrator);
    // Membership gives no rights here, not even to connect.
    const database = pg.escapeIdentifier(new URL(options.databaseUrl).pathname.slice(1));
    await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${pg.escapeIdentifier(administrator)}`);
  });
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-vault-'));
  const rootToken = `root-${randomBytes(12).toString('hex')}`;
  let standIn = await startVaultStandIn({ dataDirectory, rootToken });
  const address = standIn.url;
  const root = nodeVault({
    endpoint: address,
    token: rootToken,
    noCustomHTTPVerbs: true,
    requestOptions: { timeout: 10_000 },
  });
  const close = async (): Promise<void> => {
    standIn.hang(0);
    standIn.mode('active');
    standIn.unseal();
    await root.write('sys/leases/revoke-prefix/database', {});
    await standIn.close();
    await rm(dataDirectory, { recursive: true, force: true });
    await asAdministrator(
      options.adminUrl,
      async (client) => {
        await client.query(`DROP OWNED BY ${pg.escapeIdentifier(administrator)}`);
        await client.query(`DROP ROLE ${pg.escapeIdentifier(administrator)}`);
      },
      new URL(options.databaseUrl).pathname,
    );
  };
  const credentials = await bootstrapVault({
    address,
    token: rootToken,
    postgres: { url: options.databaseUrl, username: administrator, password },
    services: [{ name: service, owner, schema: options.schema }],
    leaseSeconds: options.leaseSeconds,
    ...(options.maxLeaseSeconds === undefined ? {} : { maxLeaseSeconds: options.maxLeaseSeconds }),
    ...(options.tokenSeconds === undefined ? {} : { tokenSeconds: options.tokenSeconds }),
  });
  const own = credentials[service];
  if (own === undefined) throw new Error(`${service} was not prepared`);
  return {
    get standIn() {
      return standIn;
    },
    address,
    rootToken,
    ...own,
    environment: {
      VAULT_ADDR: address,
      VAULT_ROLE_ID: own.roleId,
      VAULT_SECRET_ID: own.secretId,
      VAULT_DATABASE_ROLE: own.databaseRole,
    },
    root,
    restart: async () => {
      await standIn.close();
      standIn = await startVaultStandIn({ dataDirectory, rootToken, port: Number(new URL(address).port) });
    },
    close,
  };
}

async function asAdministrator(url: string, work: (client: pg.Client) => Promise<void>, path?: string): Promise<void> {
  const address = new URL(url);
  if (path !== undefined) address.pathname = path;
  const client = new pg.Client({
    connectionString: address.href,
    connectionTimeoutMillis: 10_000,
    query_timeout: 30_000,
  });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
