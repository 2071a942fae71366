import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { configureFaults, plantDefect, removeDefect } from '@ballast/faults';
import { failingFor, steadily, until, world, type World } from './support.ts';

async function rotatesAgain({ credentials }: Awaited<ReturnType<World['open']>>): Promise<void> {
  const { username } = credentials.status();
  await until('another login', () => credentials.status().username !== username);
}

// Each has a world of its own, and most of them wait for most of the time.
describe('when Vault is in trouble', { concurrency: 4 }, () => {
  // A sealed Vault and one that is away end no leases; one that hangs does, and so does each once it is well again. The next
  // login is fetched when a third of the lease is left, and a machine may be held up for some of that.
  for (const [trouble, leaseSeconds, failures, cause] of [
    [
      'sealed',
      12,
      3,
      async ({ vault }: World) => {
        vault.standIn.seal();
        return async () => vault.standIn.unseal();
      },
    ],
    [
      'hanging',
      18,
      1,
      async ({ vault }: World) => {
        vault.standIn.hang(60_000);
        return async () => vault.standIn.hang(0);
      },
    ],
    [
      'gone and back',
      12,
      3,
      async ({ vault }: World) => {
        await vault.standIn.close();
        return async () => vault.restart();
      },
    ],
  ] as const) {
    it(`goes on with the login it has while Vault is ${trouble}, and has another within seconds after`, async (context) => {
      const it = await world(context, { leaseSeconds, maxLeaseSeconds: 60, tokenSeconds: 120 });
      // Connections are held: a login whose time is over lets nobody in any more, who is in stays.
      const database = await it.open({ maxConnections: 4 });
      const stop = steadily(20, () => database.query('SELECT 1'));
      await database.credentials.rotate();
      const heal = await cause(it);
      const attempts = (): number => {
        const { stages, username: current } = database.credentials.status();
        return stages.filter(({ stage, username }) => stage === 'failed' && username === current).length;
      };
      await until('failed attempts', () => attempts() >= failures);
      await heal();
      await rotatesAgain(database);
      const outcome = await stop();
      assert.deepEqual(outcome.failures, []);
      await until('old logins to leave', async () => (await it.logins()).length === 1);
    });
  }

  it('logs in again when its token was revoked, whose logins go with it', async (context) => {
    const { open, vault } = await world(context);
    const database = await open();
    const stop = steadily(100, () => database.query('SELECT 1'));
    const [lease] = vault.standIn.leases();
    await until('a query', async () => (await database.query('SELECT 1')).length === 1);
    await vault.root.write('auth/token/revoke-accessor', { accessor: lease!.tokenAccessor });
    await until('another login', () => database.credentials.status().username !== lease!.username);
    await database.query('SELECT 1');
    const outcome = await stop();
    // Promised is a second, to which a busy machine may add; who does not find out fails until the lease ends, in ten minutes.
    assert.ok(failingFor(outcome) < 20_000, `failures for ${failingFor(outcome)} ms`);
    assert.notEqual(vault.standIn.leases()[0]!.tokenAccessor, lease!.tokenAccessor);
  });

  it('outlives tokens that cannot be renewed for ever', async (context) => {
    const { open, vault, logins } = await world(context, { leaseSeconds: 6, maxLeaseSeconds: 30, tokenSeconds: 9 });
    const path = `auth/approle/role/${vault.databaseRole}`;
    await vault.root.write(path, { token_policies: [vault.databaseRole], token_ttl: 9, token_max_ttl: 12 });
    const database = await open({}, { CREDENTIAL_GRACE_SECONDS: 3 });
    const first = vault.standIn.leases()[0]!.tokenAccessor;
    const stop = steadily(20, () => database.query('SELECT 1'));
    const stopLong = steadily(2, () => database.query('SELECT pg_sleep(1)'));
    const accessors = new Set([first]);
    await until(
      'a third token',
      () => {
        for (const { tokenAccessor } of vault.standIn.leases()) accessors.add(tokenAccessor);
        return accessors.size >= 3;
      },
      60_000,
    );
    const [outcome, long] = [await stop(), await stopLong()];
    assert.deepEqual(outcome.failures, []);
    assert.deepEqual(long.failures, []);
    await until('old logins to leave', async () => (await logins()).length <= 2);
  });

  it('revokes later what it could not revoke at once', async (context) => {
    const { open, vault, logins } = await world(context);
    const database = await open();
    const blocker = database.query('SELECT pg_sleep(1.5)');
    await database.credentials.rotate();
    vault.standIn.seal();
    await blocker;
    await until('a login that could not be revoked', () => database.credentials.status().notRevoked === 1);
    assert.equal((await logins()).length, 2);
    vault.standIn.unseal();
    await until('nothing to be owed', () => database.credentials.status().notRevoked === 0);
    assert.equal((await logins()).length, 1);
    assert.equal(database.credentials.status().stages.at(-1)!.stage, 'revoked-old');
  });

  it('ends a login it has never heard of, because the answer did not come, with the token it was made under', async (context) => {
    const { open, vault, logins } = await world(context);
    const database = await open();
    const [first] = vault.standIn.leases();
    vault.standIn.hang(2_500);
    await assert.rejects(database.credentials.rotate(), /no answer within 2 s/);
    await until('the next login', () => database.credentials.rotate().then(() => true));
    await until('everything of the first token to end', async () => (await logins()).length === 1);
    const leases = vault.standIn.leases();
    assert.equal(leases.length, 1);
    assert.notEqual(leases[0]!.tokenAccessor, first!.tokenAccessor);
  });

  it('gives its login and its token back at the end, and does not wait long where Vault hangs', async (context) => {
    const { open, vault, logins } = await world(context);
    const database = await open();
    assert.equal((await logins()).length, 1);
    await database.close();
    assert.deepEqual(await logins(), []);

    const other = await open();
    vault.standIn.hang(60_000);
    const startedAt = performance.now();
    await other.close();
    // Vault hangs for a minute.
    assert.ok(performance.now() - startedAt < 20_000);
  });

  it('owes the end of a login that Vault could not remove, until it is removed', async (context) => {
    const { open, logins, test } = await world(context);
    const database = await open();
    const [first] = await logins();
    const blocker = assert.rejects(database.query('SELECT pg_sleep(10)'), { retryable: true });
    await database.credentials.rotate();
    // Vault answers then, and its administrator is not let in.
    await test.cut();
    await blocker;
    await until('a revocation that failed', () => database.credentials.status().notRevoked === 1);
    assert.ok((await logins()).includes(first!));
    await until('it to be said', () => {
      const { stages } = database.credentials.status();
      return stages.some(({ detail }) => /failed to revoke entry.* \(400\)/s.test(detail ?? ''));
    });
    await test.restore();
    await until('nothing to be owed', () => database.credentials.status().notRevoked === 0);
    assert.ok(!(await logins()).includes(first!));
  });
});

describe('when a defect is planted', () => {
  before(() => configureFaults({ labMode: true, faults: '' }));
  after(() => configureFaults({ labMode: false, faults: '' }));

  it('old logins stay', async (context) => {
    const { open, logins } = await world(context);
    const database = await open();
    plantDefect('postgres.no-revoke');
    context.after(() => removeDefect('postgres.no-revoke'));
    await database.credentials.rotate();
    await until('the old pool to be gone', () => database.credentials.status().pools.draining === 0);
    assert.equal((await logins()).length, 2);
  });
});
