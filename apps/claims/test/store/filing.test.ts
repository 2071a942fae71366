/** The statement that files claims: what replays leave behind (nothing), and who wins when it cannot see the winner. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { outboxMigrations } from '@ballast/outbox';
import { createDatabase, type Database } from '@ballast/postgres';
import { testDatabase, until, type TestDatabase } from '@ballast/testing';
import { createFiling, filingStatement, type NewClaim } from '../../src/store/filing.ts';
import { rememberOrder } from '../../src/store/orders.ts';

const migrations = { name: 'claims', directory: fileURLToPath(new URL('../../migrations', import.meta.url)) };

describe('the statement that files claims', () => {
  let test: TestDatabase;
  let database: Database;
  const userId = randomUUIDv7();
  const orderId = randomUUIDv7();
  before(async () => {
    test = await testDatabase({ schema: 'claims', sets: [outboxMigrations, migrations] });
    // One connection: what its backend writes is what the statements wrote.
    database = createDatabase({ url: test.url, applicationName: 'filing', maxConnections: 1 });
    await rememberOrder(database, { orderId, userId, total: { amount: 1250, currency: 'EUR' } });
  });
  after(async () => {
    await database.close();
    await test.drop();
  });

  const claim = (key: string, fingerprint = 'f'): NewClaim => ({
    userId,
    idempotencyKey: key,
    fingerprint,
    orderId,
    reason: 'other',
    details: 'For a test.',
  });

  /** WAL records this backend has written so far (PostgreSQL 18). */
  const written = async (): Promise<number> => {
    await database.query('SELECT pg_stat_force_next_flush()');
    const [row] = await database.query<{ records: number }>(
      'SELECT wal_records::int AS records FROM pg_stat_get_backend_wal(pg_backend_pid())',
    );
    return row!.records;
  };
  const table = async (): Promise<unknown> => {
    const rows = await database.query('SELECT claim_id, xmin::text, xmax::text, ctid::text FROM claims ORDER BY 1');
    const [size] = await database.query(`
      SELECT pg_relation_size('claims')::int AS heap, pg_indexes_size('claims')::int AS indexes,
             n_tup_ins::int, n_tup_upd::int, n_tup_del::int, n_dead_tup::int
        FROM pg_stat_user_tables WHERE relname = 'claims'`);
    return { rows, size };
  };

  it('leaves no row version and no WAL behind when it replays, ten thousand times', async () => {
    const file = createFiling(database);
    const keys = Array.from({ length: 50 }, (_, index) => `replayed-${index}`);
    const before = await written();
    const first = await Promise.all(keys.map((key) => file(claim(key))));
    const filing = await written();
    assert.ok(filing > before, 'filing writes WAL, so the measure measures');
    // The first reader of a new row notes on its page that the row is committed, which may be logged; later ones do not.
    await Promise.all(keys.map((key) => file(claim(key))));

    const start = await written();
    const rows = await table();
    for (let round = 0; round < 100; round += 1) {
      const replays = await Promise.all([...keys, ...keys].map((key) => file(claim(key))));
      assert.ok(replays.every((filed) => filed?.first === false));
      assert.deepEqual(
        new Set(replays.map((filed) => filed!.claim.claimId)),
        new Set(first.map((filed) => filed!.claim.claimId)),
      );
    }
    // One at a time goes by way of the single-row statement.
    for (const key of keys) assert.equal((await file(claim(key)))?.first, false);
    // Whoever reads a catalog may tidy its pages, and log that: a handful of records, where one for each replay were thousands.
    assert.ok((await written()) - start < 100);
    assert.deepEqual(await table(), rows);
  });

  it('finds the winner it has waited for, which its own snapshot cannot see', async () => {
    const file = createFiling(database);
    for (const others of [0, 3]) {
      const key = randomUUIDv7();
      const winner = randomUUIDv7();
      const mine: ReturnType<typeof file>[] = [];
      await test.database.transaction(async (transaction) => {
        await transaction.query(
          `INSERT INTO claims (claim_id, user_id, idempotency_key, fingerprint, order_id, reason, details, amount, currency)
           VALUES ($1, $2, $3, 'winner', $4, 'other', 'First.', 1250, 'EUR')`,
          [winner, userId, key, orderId],
        );
        mine.push(file(claim(key)), ...Array.from({ length: others }, () => file(claim(randomUUIDv7()))));
        await until('it waits for the winner', async () => {
          const waiting = await test.database.query(
            `SELECT FROM pg_stat_activity WHERE application_name = 'filing' AND wait_event_type = 'Lock'`,
          );
          return waiting.length > 0;
        });
      });
      const [loser, ...rest] = await Promise.all(mine);
      assert.deepEqual([loser?.first, loser?.claim.claimId, loser?.fingerprint], [false, winner, 'winner']);
      assert.ok(rest.every((filed) => filed?.first === true));
    }
  });

  it('files in the winner’s place when the winner rolls back', async () => {
    const file = createFiling(database);
    const key = randomUUIDv7();
    let mine: ReturnType<typeof file> | undefined;
    await assert.rejects(
      test.database.transaction(async (transaction) => {
        await transaction.query(
          `INSERT INTO claims (claim_id, user_id, idempotency_key, fingerprint, order_id, reason, details, amount, currency)
           VALUES ($1, $2, $3, 'winner', $4, 'other', 'First.', 1250, 'EUR')`,
          [randomUUIDv7(), userId, key, orderId],
        );
        mine = file(claim(key));
        await until('it waits for the winner', async () => {
          const waiting = await test.database.query(
            `SELECT FROM pg_stat_activity WHERE application_name = 'filing' AND wait_event_type = 'Lock'`,
          );
          return waiting.length > 0;
        });
        throw new Error('changed my mind');
      }),
      /changed my mind/,
    );
    const filed = await mine!;
    assert.deepEqual([filed?.first, filed?.fingerprint], [true, 'f']);
  });

  it('lets callers with one key share a statement: the first files, the others read its row', async () => {
    const file = createFiling(database);
    const key = randomUUIDv7();
    const filed = await Promise.all(Array.from({ length: 200 }, (_, index) => file(claim(key, `body ${index % 20}`))));
    assert.equal(filed.filter((each) => each?.first).length, 1);
    assert.equal(new Set(filed.map((each) => each!.claim.claimId)).size, 1);
    assert.equal(new Set(filed.map((each) => each!.fingerprint)).size, 1);
  });

  it('files a known order’s claim although one of an unknown order came with it under the same key', async () => {
    const file = createFiling(database);
    const key = randomUUIDv7();
    const [unknown, known] = await Promise.all([
      file({ ...claim(key, 'unknown'), orderId: randomUUIDv7() }),
      file(claim(key, 'known')),
    ]);
    assert.deepEqual([known?.first, known?.fingerprint], [true, 'known']);
    assert.deepEqual([unknown?.first, unknown?.fingerprint], [false, 'known']);
  });

  it('looks keys up by the index also where it was planned for an empty table', async () => {
    const empty = await testDatabase({ schema: 'claims', sets: [outboxMigrations, migrations] });
    try {
      const lines = await empty.database.query<{ 'QUERY PLAN': string }>(
        `EXPLAIN ${filingStatement}`,
        Array.from({ length: 7 }, () => []),
      );
      const plan = lines.map((line) => line['QUERY PLAN']).join('\n');
      assert.match(plan, /using claims_one_per_key on claims[^]*\(idempotency_key = .*\) AND \(user_id = /);
      assert.match(plan, /Index Scan using completed_orders_pkey/);
      assert.doesNotMatch(plan, /Seq Scan/);
    } finally {
      await empty.drop();
    }
  });

  it('is null for an order that is not known as this caller’s', async () => {
    const file = createFiling(database);
    assert.equal(await file({ ...claim('a'), orderId: randomUUIDv7() }), null);
    assert.equal(await file({ ...claim('b'), userId: randomUUIDv7() }), null);
  });
});
