import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { failingFor, steadily, until, world } from './support.ts';

/** Promised is a second. A busy machine may add some; who does not find out fails until the lease ends, ten minutes later. */
const farTooLongMs = 20_000;

// Each has a world of its own, and most of them wait for most of the time.
describe('a leased login', { concurrency: 4 }, () => {
  it('changes again and again under queries, some longer than what is left of it, and none fails', async (context) => {
    // The next login is fetched four seconds before this one ends, and a machine may be held up for some of them.
    const { open, logins, vault } = await world(context, { leaseSeconds: 12 });
    const database = await open({ maxConnections: 20, statementTimeoutMs: 15_000 });
    let most = 0;
    const stopShort = steadily(50, () => database.query('SELECT 1'));
    const stopLong = steadily(1, () => database.query('SELECT pg_sleep(6)'));
    const stopLooking = steadily(5, async () => {
      const leases = vault.standIn.leases().length;
      most = Math.max(most, (await logins()).length - leases);
    });
    await until('two rotations', () => database.credentials.status().rotations >= 2, 60_000);
    const [short, long] = await Promise.all([stopShort(), stopLong(), stopLooking()]);
    assert.deepEqual(short.failures, []);
    assert.deepEqual(long.failures, []);
    assert.ok(short.done > 200 && long.done > 5, `${short.done} short ones and ${long.done} long ones`);
    assert.ok(most <= 1, `${most} logins more than leases`);
    await until('the old logins to leave', async () => (await logins()).length === 1);
    await database.close();
    assert.deepEqual(await logins(), []);
  });

  it('is replaced at once when it is revoked, and what had not begun waits', async (context) => {
    const { open, vault } = await world(context);
    const database = await open();
    const stop = steadily(100, () => database.query('SELECT pg_sleep(0.005)'));
    const before = database.credentials.status().username;
    await until('some queries', async () => (await database.query('SELECT 1')).length === 1);
    await vault.root.write('sys/leases/revoke', { lease_id: vault.standIn.leases()[0]!.leaseId, sync: true });
    await until('another login', () => database.credentials.status().username !== before);
    await database.query('SELECT 1');
    const outcome = await stop();
    assert.ok(failingFor(outcome) < farTooLongMs, `failures for ${failingFor(outcome)} ms`);
    // Only what was in flight when its session was ended.
    assert.ok(outcome.failures.length <= 10, `${outcome.failures.length} failures`);
  });

  it('is replaced at the first query after it was revoked while nobody used it, and that query does not fail', async (context) => {
    const { open, sessions, vault } = await world(context);
    const database = await open();
    const { username } = database.credentials.status();
    await vault.root.write('sys/leases/revoke', { lease_id: vault.standIn.leases()[0]!.leaseId, sync: true });
    // A session whose end has not been heard of yet would be asked once more, in vain.
    await until('its sessions to end', async () => (await sessions()) === 0);
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
    assert.notEqual(database.credentials.status().username, username);
    assert.equal(database.credentials.status().rotations, 1);
  });

  it('is replaced when somebody drops it behind the back of Vault', async (context) => {
    const { open, test, logins } = await world(context);
    const database = await open();
    const { username } = database.credentials.status();
    const stop = steadily(50, () => database.query('SELECT 1'));
    await test.administrate(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '${username}'`);
    await test.administrate(`DROP ROLE IF EXISTS "${username}"`);
    await until('another login', () => database.credentials.status().username !== username);
    await database.query('SELECT 1');
    assert.ok(failingFor(await stop()) < farTooLongMs);
    await until('one login', async () => (await logins()).length === 1);
  });

  it('lets a transaction that is under way finish under the login it began with', async (context) => {
    const { open } = await world(context);
    const database = await open();
    const { username: old } = database.credentials.status();
    const who = 'SELECT session_user AS me';
    const seen = await database.transaction(async (transaction) => {
      await database.credentials.rotate();
      const [[inside], [outside]] = await Promise.all([
        transaction.query<{ me: string }>(who),
        database.query<{ me: string }>(who),
      ]);
      return { inside: inside!.me, outside: outside!.me };
    });
    assert.equal(seen.inside, old);
    assert.equal(seen.outside, database.credentials.status().username);
    assert.notEqual(seen.outside, old);
  });

  it('cuts what has not finished when the time for it is over', async (context) => {
    const { open, logins } = await world(context);
    const database = await open({ statementTimeoutMs: 20_000 }, { CREDENTIAL_GRACE_SECONDS: 1 });
    const endless = assert.rejects(database.query('SELECT pg_sleep(15)'), { retryable: true });
    await until('the query', async () => (await logins()).length === 1);
    await database.credentials.rotate();
    await endless;
    const stages = () => database.credentials.status().stages;
    await until('the old login to leave', () => stages().some(({ stage }) => stage === 'revoked-old'));
    assert.equal((await logins()).length, 1);
    assert.match(stages().at(-1)!.detail ?? '', /1 connections had not finished/);
  });

  it('makes nobody wait long when it is the database that is away', async (context) => {
    const { open, test, logins } = await world(context);
    const database = await open();
    await database.query('SELECT 1');
    await test.cut();
    try {
      const startedAt = performance.now();
      await assert.rejects(database.query('SELECT 1'), { retryable: true });
      // A second is what a query waits for a new login; a statement may take five.
      assert.ok(performance.now() - startedAt < 4_500);
    } finally {
      await test.restore();
    }
    await until('the database to be back', () => database.ping().then(() => true));
    await until('one login', async () => (await logins()).length === 1);
  });

  it('waits at its start for a Vault that is not there yet', async (context) => {
    const { open, vault, entries } = await world(context);
    await vault.standIn.close();
    const opening = open();
    await until('an attempt in vain', () => entries.some(({ level }) => level === 'warn'));
    await vault.restart();
    const database = await opening;
    assert.deepEqual(await database.query('SELECT 1 AS one'), [{ one: 1 }]);
  });

  it('is not rotated twice for what many find out at once', async (context) => {
    const { open, vault } = await world(context);
    const database = await open({ maxConnections: 20 });
    await Promise.all(Array.from({ length: 20 }, () => database.query('SELECT pg_sleep(0.05)')));
    await vault.root.write('sys/leases/revoke', { lease_id: vault.standIn.leases()[0]!.leaseId, sync: true });
    await Promise.allSettled(Array.from({ length: 200 }, () => database.query('SELECT 1')));
    await until('the old pool to be gone', () => database.credentials.status().pools.draining === 0);
    assert.equal(database.credentials.status().rotations, 1);
    assert.equal(vault.standIn.leases().length, 1);
  });
});
