import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { freePort, partUrl, spawnService } from '@ballast/testing';
import pg from 'pg';
import { prepareVaultAdministrator } from '../../../postgres/bootstrap.ts';
import { bootstrapVault, type VaultBootstrapOptions } from '../../../vault/bootstrap.ts';
import { anonymous, exists, lend, logIn, refusal, world, type World } from './support.ts';

/** What a second bootstrap of the same Vault is given: the administrator of the first one, with a password of its own. */
async function options(here: World): Promise<VaultBootstrapOptions> {
  const { data } = (await here.vault.root.read('database/config/ballast')) as {
    data: { connection_details: { username: string } };
  };
  const { username } = data.connection_details;
  const password = randomBytes(16).toString('hex');
  const owner = new URL(here.database.url).username;
  const admin = new pg.Client({ connectionString: partUrl('POSTGRES'), connectionTimeoutMillis: 10_000 });
  await admin.connect();
  await prepareVaultAdministrator(admin, password, [owner], username);
  await admin.end();
  return {
    address: here.vault.address,
    token: here.vault.rootToken,
    postgres: { url: here.database.url, username, password },
    services: [{ name: 'shop', owner }],
    leaseSeconds: 60,
  };
}

async function prepared(context: TestContext): Promise<{ here: World; given: VaultBootstrapOptions }> {
  const here = await world(context);
  return { here, given: await options(here) };
}

test('a second bootstrap changes what it was told to, and what was lent and known before stays good', async (context) => {
  const { here, given } = await prepared(context);
  const client = await here.service();
  const before = await lend(client);
  const first = await bootstrapVault(given);
  const second = await bootstrapVault(given);
  assert.equal(first['shop']?.roleId, here.vault.roleId);
  assert.equal(second['shop']?.roleId, here.vault.roleId);
  assert.notEqual(second['shop']?.secretId, first['shop']?.secretId);
  await (await logIn(context, here, before)).query('SELECT 1');
  const lent = await lend(await here.service());
  assert.equal(lent.seconds, 60);
  // With the new password of its administrator it can still remove what it made with the old one.
  await client.write('sys/leases/revoke', { lease_id: before.leaseId, sync: true });
  assert.equal(await exists(here, before.username), false);
});

test('ids chosen by the caller hold from one bootstrap to the next', async (context) => {
  const { here, given } = await prepared(context);
  const [service] = given.services;
  assert.ok(service !== undefined);
  const chosen = { ...given, services: [{ ...service, roleId: 'role-of-shop', secretId: 'secret-of-shop' }] };
  for (let times = 0; times < 2; times += 1) {
    const { shop } = await bootstrapVault(chosen);
    assert.deepEqual(shop, { roleId: 'role-of-shop', secretId: 'secret-of-shop', databaseRole: 'shop' });
    await anonymous(here.vault).approleLogin({ role_id: 'role-of-shop', secret_id: 'secret-of-shop' });
  }
});

test('a service prepared beside others gets its own login and not theirs', async (context) => {
  const { here, given } = await prepared(context);
  const owner = new URL(here.database.url).username;
  const { other } = await bootstrapVault({ ...given, services: [...given.services, { name: 'other', owner }] });
  assert.ok(other !== undefined);
  const client = anonymous(here.vault);
  await client.approleLogin({ role_id: other.roleId, secret_id: other.secretId });
  const answer = (await client.read('database/creds/other')) as { data: { username: string } };
  assert.match(answer.data.username, /^v-approle-other-/);
  assert.equal((await refusal(client.read('database/creds/shop'))).status, 403);
});

test('a Vault that cannot be prepared is named with the reason', async (context) => {
  const { here, given } = await prepared(context);
  here.vault.standIn.seal();
  await assert.rejects(bootstrapVault(given), new RegExp(`Vault at ${given.address} could not .*: it is sealed`));
  here.vault.standIn.unseal();
  await assert.rejects(bootstrapVault({ ...given, token: 'wrong' }), /could not be prepared: permission denied/);
  await assert.rejects(bootstrapVault({ ...given, address: `http://127.0.0.1:${await freePort()}` }), /ECONNREFUSED/);
  const stranger = { ...given.postgres, username: 'nobody_here' };
  await assert.rejects(bootstrapVault({ ...given, postgres: stranger }), /password authentication failed/);
  await here.vault.root.delete('sys/mounts/database');
  await here.vault.root.write('sys/mounts/database', { type: 'kv' });
  await assert.rejects(bootstrapVault(given), /database\/ is in use for kv, not for database/);
  await here.vault.root.delete('sys/mounts/database');
  assert.ok((await bootstrapVault(given))['shop'] !== undefined);
});

test('run as a program, as Compose does, it prepares the services that have a secret id', async (context) => {
  const { here, given } = await prepared(context);
  const program = join(import.meta.dirname, '../../../vault/bootstrap.ts');
  const environment = {
    VAULT_ADDR: given.address,
    VAULT_TOKEN: given.token,
    VAULT_POSTGRES_URL: given.postgres.url,
    VAULT_ADMIN_USER: given.postgres.username,
    VAULT_ADMIN_PASSWORD: given.postgres.password,
    IDENTITY_VAULT_SECRET_ID: 'secret-of-identity',
  };
  const { lines, ended } = await spawnService(program, environment);
  assert.equal((await ended).code, 0, lines.join('\n'));
  assert.deepEqual(lines, ['Vault is ready for identity.']);
  const identity = anonymous(here.vault);
  await identity.approleLogin({ role_id: 'ballast-identity', secret_id: 'secret-of-identity' });
  const { auth } = (await identity.tokenRenewSelf()) as { auth: { policies: string[] } };
  assert.deepEqual(auth.policies, ['default', 'identity']);
  const forgetful = await spawnService(program, { ...environment, VAULT_ADDR: '' });
  assert.equal((await forgetful.ended).code, 1);
  assert.match(forgetful.lines.join('\n'), /VAULT_ADDR must be set/);
});
