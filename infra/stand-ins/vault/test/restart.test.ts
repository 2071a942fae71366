import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort, partUrl, spawnService, testDatabase, until } from '@ballast/testing';
import pg from 'pg';
import { prepareVaultAdministrator } from '../../../postgres/bootstrap.ts';
import { bootstrapVault } from '../../../vault/bootstrap.ts';
import { startVaultStandIn } from '../src/index.ts';
import { Leases } from '../src/leases.ts';
import { Store } from '../src/store.ts';
import { anonymous, cutShort, exists, lend, logIn, world, type Lent } from './support.ts';

const main = join(import.meta.dirname, '..', 'src', 'main.ts');

test('a restart forgets nothing: tokens go on, leases can be renewed and still run out', async (context) => {
  const here = await world(context, { leaseSeconds: 200, maxLeaseSeconds: 600 });
  const client = await here.service();
  const [short, renewed] = [await lend(client), await lend(client)];
  const ends = async ({ leaseId }: Lent): Promise<unknown> =>
    ((await client.write('sys/leases/lookup', { lease_id: leaseId })) as { data: Record<string, unknown> }).data[
      'expire_time'
    ];
  const before = await ends(short);
  await here.vault.restart();
  assert.equal(await ends(short), before);
  await client.write('sys/leases/renew', { lease_id: renewed.leaseId, increment: 400 });
  await (await logIn(context, here, short)).query('SELECT 1');
  await cutShort(client, short);
  await until('the short one to leave', async () => !(await exists(here, short.username)));
  assert.equal(await exists(here, renewed.username), true);
  assert.equal((await lend(client)).seconds, 200);
  await cutShort(client, renewed);
  await until('the other one to leave', async () => !(await exists(here, renewed.username)));
});

test('a lease that runs out while nobody is there is revoked at the next start', async (context) => {
  const here = await world(context);
  const lent = await lend(await here.service());
  await here.vault.standIn.close();
  assert.equal(await exists(here, lent.username), true);
  // It works in this process, and by this clock.
  const { now } = Date;
  context.mock.method(Date, 'now', () => now() + 700_000);
  await here.vault.restart();
  await until('the role to leave', async () => !(await exists(here, lent.username)));
});

test('a process killed again and again while it lends leaves no login that it will not remove', async (context) => {
  const database = await testDatabase({ schema: 'shop', sets: [] });
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-vault-kill-'));
  const admin = new pg.Client({ connectionString: partUrl('POSTGRES'), connectionTimeoutMillis: 10_000 });
  await admin.connect();
  const administrator = `vault_admin_${database.url.split('_').at(-1)}`;
  const owner = new URL(database.url).username;
  await prepareVaultAdministrator(admin, 'secret-of-this-test', [owner], administrator);
  await admin.query(`GRANT CONNECT ON DATABASE ${new URL(database.url).pathname.slice(1)} TO ${administrator}`);
  const environment = {
    PORT: String(await freePort()),
    DATA_DIR: dataDirectory,
    VAULT_ROOT_TOKEN: 'root-of-this-test',
  };
  const start = async () => {
    const started = await spawnService(main, environment);
    await until(
      'it to answer',
      async () => (await fetch(`${started.url}/v1/sys/health`, { signal: AbortSignal.timeout(30_000) })).ok,
    );
    return started;
  };
  // Logins are told from others' by who let them in.
  const logins = async (): Promise<number> => {
    const { rows } = await admin.query(
      `SELECT count(*)::int AS n FROM pg_auth_members
       WHERE grantor = $1::regrole AND roleid = $2::regrole`,
      [administrator, owner],
    );
    return (rows[0] as { n: number }).n;
  };
  let running = await start();
  context.after(async () => {
    await running.end('SIGKILL');
    await admin.query(`REVOKE CONNECT ON DATABASE ${new URL(database.url).pathname.slice(1)} FROM ${administrator}`);
    await admin.query(`DROP ROLE ${administrator}`);
    await admin.end();
    await database.drop();
    await rm(dataDirectory, { recursive: true, force: true });
  });
  const { shop } = await bootstrapVault({
    address: running.url,
    token: 'root-of-this-test',
    postgres: { url: database.url, username: administrator, password: 'secret-of-this-test' },
    services: [{ name: 'shop', owner }],
    leaseSeconds: 600,
  });
  assert.ok(shop !== undefined);
  let handedOut = 0;
  for (let round = 0; round < 5; round += 1) {
    const client = anonymous({ address: running.url });
    await client.approleLogin({ role_id: shop.roleId, secret_id: shop.secretId });
    let answered = 0;
    const lending = Array.from({ length: 6 }, async () => {
      while (!running.gone) {
        // The kill cuts calls off; whatever those had begun is what this test is about.
        await lend(client).then(
          () => (answered += 1),
          () => undefined,
        );
      }
    });
    await until('some to be lent', () => answered > 4);
    await running.end('SIGKILL');
    await Promise.all(lending);
    handedOut += answered;
    running = await start();
  }
  assert.ok(handedOut >= 25);
  assert.ok((await logins()) >= handedOut);
  const root = anonymous({ address: running.url });
  root.token = 'root-of-this-test';
  await root.write('sys/leases/revoke-prefix/database/creds', {});
  await until('the last to leave', async () => (await logins()) === 0);
  const { code } = await running.end('SIGTERM');
  assert.equal(code, 0);
});

test('a lease is in the file before its login is created and until after it is gone', async (context) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-vault-order-'));
  context.after(async () => await rm(dataDirectory, { recursive: true, force: true }));
  const written = async (): Promise<string[]> => {
    const state = JSON.parse(await readFile(join(dataDirectory, 'state.json'), 'utf8')) as { leases: object };
    return Object.keys(state.leases);
  };
  const seen: string[][] = [];
  const look = async (): Promise<void> => void seen.push(await written());
  const leases = new Leases(await Store.open(dataDirectory), { end: look, prolong: look }, () => undefined);
  const now = Date.now();
  const lease = {
    tokenAccessor: 'token',
    issuedAt: now,
    renewedAt: null,
    expiresAt: now + 60_000,
    maximumAt: now + 60_000,
    seconds: 60,
    revoking: false,
    mount: 'database',
    databaseName: 'ballast',
    username: 'v-test',
    revocationStatements: [],
    renewStatements: [],
  };
  const id = await leases.issue('database/creds/shop', lease, look);
  await leases.revoke(id);
  assert.deepEqual(seen, [[id], [id]]);
  assert.deepEqual(await written(), []);
});

test('a damaged state stops the start, as leases nobody knows of are worse than none', async (context) => {
  const dataDirectory = await mkdtemp(join(tmpdir(), 'ballast-vault-damaged-'));
  context.after(async () => await rm(dataDirectory, { recursive: true, force: true }));
  for (const text of ['{', '{"version":1}']) {
    await writeFile(join(dataDirectory, 'state.json'), text);
    await assert.rejects(startVaultStandIn({ dataDirectory, rootToken: 'root-token' }), /is damaged/);
  }
});

test('a process that is told nothing says what is missing and ends with 1', async () => {
  const started = await spawnService(main, {});
  const { code } = await started.ended;
  assert.equal(code, 1);
  assert.match(started.errors.join('\n'), /DATA_DIR is missing; VAULT_ROOT_TOKEN is missing/);
});
