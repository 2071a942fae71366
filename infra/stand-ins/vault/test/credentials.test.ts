import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '@ballast/testing';
import { cutShort, exists, lend, logIn, refusal, secondsLeft, world } from './support.ts';

test('credentials are a real login that acts as the owner of the schema', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const lent = await lend(client);
  assert.match(lent.leaseId, /^database\/creds\/shop\/[A-Za-z0-9]{24}$/);
  assert.match(lent.username, /^v-approle-shop-[A-Za-z0-9]{20}-\d{10}$/);
  assert.equal(lent.seconds, 600);
  assert.deepEqual(await here.logins(), [lent.username]);

  const session = await logIn(context, here, lent);
  await session.query('CREATE TABLE goods (id int)');
  const { rows } = await session.query(
    'SELECT session_user, current_user, current_schema, (SELECT tableowner FROM pg_tables WHERE tablename = $1) AS owner',
    ['goods'],
  );
  const owner = new URL(here.database.url).username;
  assert.deepEqual(rows, [{ session_user: lent.username, current_user: owner, current_schema: 'shop', owner }]);
  await assert.rejects(logIn(context, here, { ...lent, password: 'wrong' }), /password authentication failed/);
  const left = await secondsLeft(here, lent.username);
  assert.ok(left > 500 && left < 607, `${left} s until the role expires`);
});

test('revoking in step ends the sessions of a login and the login, and what it made stays', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const [lent, other] = [await lend(client), await lend(client)];
  const session = await logIn(context, here, lent);
  const kept = await logIn(context, here, other);
  await session.query('CREATE TABLE goods (id int)');
  await client.write('sys/leases/revoke', { lease_id: lent.leaseId, sync: true });
  assert.equal(await exists(here, lent.username), false);
  await assert.rejects(session.query('SELECT 1'));
  await assert.rejects(logIn(context, here, lent), /password authentication failed/);
  assert.deepEqual((await kept.query('SELECT count(*)::int FROM goods')).rows, [{ count: 0 }]);
  // Revoking what is gone is fine, as with Vault.
  await client.write('sys/leases/revoke', { lease_id: lent.leaseId, sync: true });
});

test('revoking without waiting answers 202 and happens a moment later', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const lent = await lend(client);
  const { status } = await refusal(client.write('sys/leases/revoke', { lease_id: lent.leaseId }));
  assert.equal(status, 202);
  assert.equal((await refusal(client.write('sys/leases/renew', { lease_id: lent.leaseId }))).status, 400);
  await until('the role to leave', async () => !(await exists(here, lent.username)));
  await until('the lease to leave', () => here.vault.standIn.leases().length === 0);
});

test('a lease that runs out takes its login and its sessions along', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const lent = await lend(client);
  const session = await logIn(context, here, lent);
  await session.query('SELECT 1');
  await cutShort(client, lent);
  await until('the role to leave', async () => !(await exists(here, lent.username)));
  await until('the lease to leave', () => here.vault.standIn.leases().length === 0);
  await assert.rejects(session.query('SELECT 1'));
  assert.deepEqual(await refusal(client.write('sys/leases/renew', { lease_id: lent.leaseId })), {
    status: 400,
    said: 'lease not found',
  });
});

test('a renewal prolongs lease and login, up to the maximum and with a warning there', async (context) => {
  const here = await world(context, { leaseSeconds: 100, maxLeaseSeconds: 1000 });
  const client = await here.service();
  const { leaseId, username } = await lend(client);
  const renewed = (await client.write('sys/leases/renew', { lease_id: leaseId, increment: 500 })) as Record<
    string,
    unknown
  >;
  assert.deepEqual(
    [renewed['lease_id'], renewed['lease_duration'], renewed['renewable'], renewed['warnings']],
    [leaseId, 500, true, null],
  );
  assert.ok((await secondsLeft(here, username)) > 400);
  const capped = (await client.write('sys/leases/renew', { lease_id: leaseId, increment: 5000 })) as {
    lease_duration: number;
    warnings: string[];
  };
  assert.ok(capped.lease_duration > 900 && capped.lease_duration <= 1000, String(capped.lease_duration));
  assert.match(capped.warnings[0] ?? '', /exceeded the effective max_ttl/);
  const byDefault = (await client.write('sys/leases/renew', { lease_id: leaseId })) as { lease_duration: number };
  assert.equal(byDefault.lease_duration, 100);
  const looked = (await client.write('sys/leases/lookup', { lease_id: leaseId })) as { data: Record<string, unknown> };
  assert.equal(looked.data['id'], leaseId);
  assert.ok(Number(looked.data['ttl']) <= 100 && Number(looked.data['ttl']) > 50);
});

test('a token takes every lease it made along, however it ends, and no others', async (context) => {
  const here = await world(context);
  const [first, second, third] = [await here.service(), await here.service(), await here.service()];
  const [gone, alsoGone] = [await lend(first), await lend(first)];
  const ofSecond = await lend(second);
  const ofRoot = await lend(here.vault.root);
  const { data } = (await second.tokenLookupSelf()) as { data: { accessor: string } };
  await first.tokenRevokeSelf();
  assert.deepEqual(await here.logins(), [ofSecond.username, ofRoot.username].toSorted());
  assert.equal((await exists(here, gone.username)) || (await exists(here, alsoGone.username)), false);
  assert.deepEqual(await refusal(first.read('database/creds/shop')), { status: 403, said: 'permission denied' });

  await here.vault.root.write('auth/token/revoke-accessor', { accessor: data.accessor });
  assert.equal(await exists(here, ofSecond.username), false);

  const ofThird = await lend(third);
  await third.tokenRenewSelf({ increment: 1 });
  await until('the token to run out', async () => !(await exists(here, ofThird.username)));
  assert.equal((await refusal(third.tokenRenewSelf())).status, 403);
  assert.equal(await exists(here, ofRoot.username), true);
});

test('a database that is away keeps its leases until they can be revoked', async (context) => {
  const here = await world(context);
  const client = await here.service();
  const lent = await lend(client);
  await here.database.cut();
  const { status, said } = await refusal(client.write('sys/leases/revoke', { lease_id: lent.leaseId, sync: true }));
  assert.equal(status, 400);
  assert.match(said, /^failed to revoke entry/);
  assert.equal((await refusal(client.read('database/creds/shop'))).status, 500);
  assert.equal(await exists(here, lent.username), true);
  await here.database.restore();
  await until('the role to leave by itself', async () => !(await exists(here, lent.username)));
  await until('nothing to be left to do', () => here.vault.standIn.leases().length === 0);
});
