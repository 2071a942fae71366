import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import nodeVault from 'node-vault';
import { Client } from 'pg';
import {
  type LabEvent,
  LabProblem,
  type Mesh,
  type MeshOptions,
  startMesh,
  type TopologyContext,
} from '../src/index.ts';
import { httpProbe, localUrl } from '../src/component.ts';
import { repositoryRoot } from '../src/paths.ts';
import { findFreePorts } from '../src/ports.ts';
import type { Topology } from '../src/topology.ts';
import { planVault, vaultEnvironment } from '../src/vault.ts';
import { environmentAt, findPortBase, fixtureComponent, fixtureTopology, temporaryFolder } from './support.ts';

const standInMain = join(repositoryRoot, 'infra/stand-ins/vault/src/main.ts');

/** Fixture services of which `first` leases as identity does. */
function leasingTopology(context: TopologyContext): Topology {
  const database = new URL(context.partUrls.postgres);
  database.pathname = '/ballast';
  const vault = planVault(context, database.href);
  const { services, ...rest } = fixtureTopology(['postgres'])(context);
  const isFirst = ({ name }: { name: string }): boolean => name === 'first';
  return {
    ...rest,
    ...(vault === undefined ? {} : { vault }),
    services: services.map((service) =>
      isFirst(service) && vault !== undefined
        ? {
            ...service,
            dependsOn: [...service.dependsOn, 'vault'],
            environment: { ...service.environment, ...vaultEnvironment(vault, 'identity') },
          }
        : service,
    ),
  };
}

async function leasingMesh(
  context: TestContext,
  environment: NodeJS.ProcessEnv = {},
  changes: Partial<MeshOptions> = {},
): Promise<{ mesh: Mesh; events: LabEvent[] }> {
  const events: LabEvent[] = [];
  const mesh = await startMesh({
    dataDirectory: temporaryFolder(),
    portBase: await findPortBase(),
    parts: 'native',
    disposable: true,
    environment: { PATH: process.env['PATH'], ...environment },
    topology: leasingTopology,
    onEvent: (event) => events.push(event),
    ...changes,
  });
  context.after(async () => await mesh.stop());
  return { mesh, events };
}

type Lent = { lease_id: string; lease_duration: number; data: { username: string; password: string } };

/** Logs in to Vault and PostgreSQL with nothing but what the service called `first` was told. */
async function leaseAs(mesh: Mesh): Promise<{ lent: Lent; user: unknown }> {
  const told = await environmentAt(mesh.urls['first'] ?? '');
  const vault = nodeVault({ endpoint: told['VAULT_ADDR'] ?? '', token: '-', requestOptions: { timeout: 30_000 } });
  await vault.approleLogin({ role_id: told['VAULT_ROLE_ID'] ?? '', secret_id: told['VAULT_SECRET_ID'] ?? '' });
  const lent = (await vault.read(`database/creds/${told['VAULT_DATABASE_ROLE']}`)) as Lent;
  const url = new URL(mesh.databaseUrl);
  [url.username, url.password] = [lent.data.username, lent.data.password];
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: 30_000, query_timeout: 30_000 });
  await client.connect();
  const { rows } = await client.query('SELECT current_user, current_schema');
  await client.end();
  return { lent, user: rows[0] };
}

async function query(mesh: Mesh, sql: string): Promise<unknown[]> {
  const client = new Client({
    connectionString: mesh.databaseUrl,
    connectionTimeoutMillis: 30_000,
    query_timeout: 30_000,
  });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

test('a service that leases is told how, after the stand-in was prepared, and gets a login of its own', async (context) => {
  const { mesh, events } = await leasingMesh(context, { VAULT_LEASE_SECONDS: '40' });
  const ready = events.flatMap((event) => (event.type === 'state' && event.state === 'ready' ? [event.component] : []));
  assert.deepEqual(ready, ['postgres', 'vault', 'first', 'second']);
  assert.equal(mesh.status().find(({ name }) => name === 'vault')?.kind, 'stand-in');
  assert.equal(mesh.vault?.isStandIn, true);
  const { lent, user } = await leaseAs(mesh);
  assert.equal(lent.lease_duration, 40);
  assert.deepEqual(user, { current_user: 'svc_identity', current_schema: 'identity' });
  assert.equal((await environmentAt(mesh.urls['second'] ?? ''))['VAULT_ADDR'], undefined);
  // Killed, it comes back and knows what it lent.
  await mesh.kill('vault');
  await mesh.waitUntilReady(['vault']);
  const root = nodeVault({
    endpoint: mesh.vault.address,
    token: mesh.vault.token,
    requestOptions: { timeout: 30_000 },
  });
  await root.write('sys/leases/revoke', { lease_id: lent.lease_id, sync: true });
  assert.deepEqual(await query(mesh, `SELECT 1 FROM pg_roles WHERE rolname = '${lent.data.username}'`), []);
});

test('PostgreSQL lets nobody in without a password, or with one that has expired', async (context) => {
  const { mesh } = await leasingMesh(context);
  const methods = await query(mesh, 'SELECT DISTINCT auth_method FROM pg_hba_file_rules');
  assert.deepEqual(methods, [{ auth_method: 'scram-sha-256' }]);
  await query(mesh, `CREATE ROLE late LOGIN PASSWORD 'late' VALID UNTIL '2001-01-01' IN ROLE svc_identity`);
  const url = new URL(mesh.databaseUrl);
  [url.username, url.password] = ['late', 'late'];
  const client = new Client({ connectionString: url.href, connectionTimeoutMillis: 30_000 });
  await assert.rejects(client.connect(), /password authentication failed/);
});

test('a Vault of the user’s own is prepared and used, and is no stand-in', async (context) => {
  const port = await findFreePorts(1);
  const folder = temporaryFolder();
  const own = { VAULT_ROOT_TOKEN: 'token-of-the-user', DATA_DIR: folder, PORT: String(port), LOG_LEVEL: 'warn' };
  const { component } = await fixtureComponent(context, own, {
    port,
    arguments: [standInMain],
    probe: httpProbe(`${localUrl(port)}/v1/sys/health`),
  });
  await component.start();
  const given = { VAULT_ADDR: localUrl(port), VAULT_TOKEN: 'token-of-the-user' };
  const { mesh, events } = await leasingMesh(context, given, { parts: 'auto' });
  assert.deepEqual(mesh.vault, { address: localUrl(port), token: 'token-of-the-user', isStandIn: false });
  assert.ok(events.some((event) => event.type === 'state' && event.address === `${localUrl(port)} (external)`));
  assert.equal((await leaseAs(mesh)).lent.lease_duration, 3600);
  await mesh.stop();
  await assert.rejects(
    leasingMesh(context, { ...given, VAULT_TOKEN: 'another-token' }, { parts: 'auto' }),
    /^LabProblem: Vault at http:.* could not be prepared: permission denied; see that VAULT_ADDR and VAULT_TOKEN are right/,
  );
});

test('with nobody to lease there is no Vault, and settings that make no sense are refused in one sentence', async (context) => {
  const { mesh } = await leasingMesh(context, { LEASED_SERVICES: 'none' });
  assert.equal(mesh.vault, undefined);
  assert.deepEqual(
    mesh.status().map(({ name }) => name),
    ['postgres', 'first', 'second'],
  );
  await mesh.stop();
  for (const [environment, said] of [
    [{ LEASED_SERVICES: 'identity,nobody' }, /LEASED_SERVICES names "nobody"/],
    [{ VAULT_LEASE_SECONDS: 'soon' }, /VAULT_LEASE_SECONDS is "soon"/],
  ] as const) {
    await assert.rejects(
      leasingMesh(context, environment),
      (error) => error instanceof LabProblem && said.test(error.message),
    );
  }
});

test('a service can be told something of its own, at every start', async (context) => {
  const serviceEnvironment = { second: { RATE: 'low', EVERYWHERE: 'not here' } };
  const { mesh } = await leasingMesh(context, {}, { env: { EVERYWHERE: 'yes' }, serviceEnvironment });
  await mesh.kill('second');
  await mesh.waitUntilReady(['second']);
  const second = await environmentAt(mesh.urls['second'] ?? '');
  assert.deepEqual([second['RATE'], second['EVERYWHERE']], ['low', 'not here']);
  const first = await environmentAt(mesh.urls['first'] ?? '');
  assert.deepEqual([first['RATE'], first['EVERYWHERE']], [undefined, 'yes']);
  await assert.rejects(
    leasingMesh(context, {}, { serviceEnvironment: { third: {} } }),
    /runs no service called "third"/,
  );
});
