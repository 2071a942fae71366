/** Each invariant on rows as the services write them: good ones, bad ones, and none to be had. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUIDv7 } from 'node:crypto';
import { after, before, beforeEach, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import pg from 'pg';
import { insertProduct, paid, product, total } from '../support.ts';
import { openBench, type AuditBench } from '../bench.ts';

describe('on rows', () => {
  let bench: AuditBench;
  before(async () => {
    bench = await openBench();
  });
  after(() => bench.close());
  beforeEach(() => bench.fresh());

  const run = (statement: string): Promise<void> => bench.rows.run(statement);
  const stateOf = (invariant: number): string => bench.verdict(invariant).state;
  /** Looks, and looks again so many seconds later. */
  const lookAfter = async (seconds: number): Promise<void> => {
    await bench.look();
    await bench.pass(seconds * 1_000);
    await bench.look();
  };
  /** All that does not hold. */
  const wrong = (): Record<number, string> =>
    Object.fromEntries(Object.entries(bench.states()).filter(([, state]) => state !== 'holds'));

  it('everything holds of good orders of every kind, and goes on doing so', async () => {
    for (const state of ['Completed', 'Compensated', 'Initiated'] as const) await bench.order(state, 5);
    await lookAfter(10);
    assert.deepEqual(wrong(), {});
    assert.match(bench.verdict(3).detail, /1 order/);
  });

  it('stock: pieces that do not add up are a violation at once', async () => {
    await run('ALTER TABLE catalog.products DROP CONSTRAINT products_pieces_add_up');
    await run('UPDATE catalog.products SET on_hand = on_hand - 1');
    await bench.look();
    await run('UPDATE catalog.products SET on_hand = on_hand + 1');
    await run(
      'ALTER TABLE catalog.products ADD CONSTRAINT products_pieces_add_up CHECK (initial = on_hand + reserved + sold)',
    );
    assert.equal(stateOf(1), 'violated');
    assert.deepEqual(bench.verdict(1).offending, [product]);
    await bench.look();
  });

  it('stock: a sale that no order has made is a violation', async () => {
    await run('UPDATE catalog.products SET on_hand = on_hand - 2, sold = sold + 2');
    await bench.look();
    assert.equal(stateOf(1), 'violated');
    assert.match(bench.verdict(1).detail, /0 pieces are reserved and 2 sold, orders hold 0 and have 0/);
  });

  it('reservations: one of an order that has ended settles, then is a violation', async () => {
    const orderId = await bench.order('Compensated', 4);
    await run(`UPDATE catalog.reservations SET state = 'reserved', expires_at = now() + interval '5 minutes'`);
    await bench.look();
    assert.equal(stateOf(2), 'settling');
    await bench.pass(2_000);
    await bench.look();
    assert.equal(stateOf(2), 'violated');
    assert.deepEqual(bench.verdict(2).offending, [orderId]);
  });

  it('reservations: one of an order that nobody knows is a violation', async () => {
    const orderId = randomUUIDv7();
    await run(
      `INSERT INTO catalog.reservations (order_id, state, expires_at, created_at) VALUES ('${orderId}', 'reserved', now(), now() - interval '1 minute')`,
    );
    await bench.look();
    assert.equal(stateOf(2), 'violated');
  });

  it('money: an order that was completed and not paid settles, then is a violation, by our rows', async () => {
    const orderId = await bench.order('Completed');
    await run(`DELETE FROM payments.ledger WHERE kind = 'captured'`);
    await bench.look();
    assert.equal(stateOf(3), 'settling');
    await lookAfter(5.1);
    assert.equal(stateOf(3), 'violated');
    assert.deepEqual(bench.verdict(3).offending, [orderId]);
    assert.match(bench.verdict(3).detail, /1250 is due and 0 was kept, by our ledger/);
    assert.deepEqual(Object.keys(wrong()), ['3']);
  });

  it('money: what only the provider’s ledger witnesses is a violation', async () => {
    const orderId = await bench.order('Compensated');
    bench.outside.enter(paid(orderId, total));
    await lookAfter(5.1);
    assert.equal(stateOf(3), 'violated');
    assert.match(bench.verdict(3).detail, /by the provider’s ledger/);
    bench.outside.enter(paid(orderId, total, total));
    await bench.look();
    assert.equal(stateOf(3), 'holds');
  });

  it('money: an order that only the provider knows is a violation', async () => {
    bench.outside.enter(paid(randomUUIDv7(), total));
    bench.outside.enter(paid('not an id of ours', total));
    await lookAfter(5.1);
    assert.equal(bench.verdict(3).offendingTotal, 2);
    assert.equal(stateOf(3), 'violated');
  });

  it('money: a granted claim whose money does not go back is a violation after a minute', async () => {
    const orderId = await bench.order('Completed');
    const claim = `'${randomUUIDv7()}', '${randomUUIDv7()}', 'k', 'f', '${orderId}', 'other', '', ${total}, 'EUR', 'granted', clock.now(), clock.now() - interval '59 seconds'`;
    await run(`INSERT INTO claims.claims VALUES (${claim})`);
    await bench.look();
    assert.equal(stateOf(3), 'settling');
    await lookAfter(1.1);
    assert.equal(stateOf(3), 'violated');
  });

  it('money: is unknown while the provider’s ledger is away, and known again when it is back', async () => {
    await bench.order('Completed');
    await bench.look();
    bench.outside.silent = true;
    await bench.look([3, 4]);
    assert.deepEqual([stateOf(3), stateOf(4)], ['unknown', 'unknown']);
    assert.match(bench.verdict(3).detail, /provider’s ledger: it answered 503/);
    bench.outside.silent = false;
    await bench.look();
    assert.deepEqual([stateOf(3), stateOf(4)], ['holds', 'holds']);
  });

  it('captures: an order that was paid twice is a violation at once, and not told as wrong money', async () => {
    const orderId = await bench.order('Completed');
    bench.outside.enter(paid(orderId, 2 * total));
    await bench.look();
    assert.deepEqual(wrong(), { 4: 'violated' });
    assert.deepEqual(bench.verdict(4).offending, [orderId]);
  });

  it('effects: a message that moved a saga twice is a violation at once', async () => {
    const orderId = await bench.order('Compensated');
    await run(`INSERT INTO checkout.saga_transitions (saga_id, seq, from_state, event, to_state, message_id)
      SELECT saga_id, 5, 'Compensated', event, 'Compensated', message_id FROM checkout.saga_transitions WHERE seq = 2`);
    await run('UPDATE checkout.sagas SET version = 5');
    await bench.look();
    assert.deepEqual(wrong(), { 5: 'violated' });
    assert.deepEqual(bench.verdict(5).offending, [orderId]);
  });

  it('sagas: one that rests settles, then is a violation, and not while a fault is active', async () => {
    await bench.order('Initiated', 61);
    bench.faults = { faults: 'active', healedAt: null };
    await bench.look();
    assert.equal(stateOf(6), 'settling');
    bench.faults = { faults: 'none', healedAt: bench.now() };
    await bench.look();
    assert.equal(stateOf(6), 'settling');
    bench.faults = { faults: 'none', healedAt: null };
    assert.equal(stateOf(6), 'violated');
  });

  it('sagas: a step that is not in the log, or not in the rules, is a violation at once', async () => {
    const orderId = await bench.order('Completed');
    await run('DELETE FROM checkout.saga_transitions WHERE seq = 2');
    await bench.look();
    assert.equal(stateOf(6), 'violated');
    assert.deepEqual(bench.verdict(6).offending, [orderId]);
    await bench.fresh();
    await bench.order('Completed');
    await run(`UPDATE checkout.saga_transitions SET event = 'Wished' WHERE seq = 3`);
    await bench.look();
    assert.match(bench.verdict(6).detail, /no rule leads from StockReserved on Wished/);
  });

  it('answers: one about an order that does not exist is a violation at once', async () => {
    const orderId = await bench.order('Completed');
    await run('DELETE FROM checkout.orders');
    await run('DELETE FROM checkout.sagas');
    await bench.look();
    assert.equal(stateOf(7), 'violated');
    assert.deepEqual(bench.verdict(7).offending, [orderId]);
    // It is not new any more, and still wrong.
    await run(`UPDATE bff.idempotency_keys SET created_at = now() - interval '1 hour'`);
    await bench.look();
    assert.equal(stateOf(7), 'violated');
  });

  it('answers: what was not 2xx, or is not there yet, promises nothing', async () => {
    await bench.order('Completed');
    await run(`UPDATE bff.idempotency_keys SET status = 422, body = 'no order'`);
    await bench.look();
    assert.deepEqual(wrong(), {});
  });

  it('outboxes: a row that waits settles, then is a violation', async () => {
    const wait = (seconds: number): string =>
      `INSERT INTO payments.outbox (message_id, aggregate_id, message, created_at, leased_until)
       VALUES ('${randomUUIDv7()}', '${randomUUIDv7()}', '{"type": "PaymentCaptured"}', clock.now() - interval '${seconds} seconds', now())`;
    await run(wait(1));
    await bench.look();
    assert.equal(stateOf(8), 'holds');
    await run(wait(3));
    await bench.look();
    assert.equal(stateOf(8), 'settling');
    await run(wait(6));
    await bench.look();
    assert.equal(stateOf(8), 'violated');
    assert.match(bench.verdict(8).detail, /payments has had PaymentCaptured to tell for 6\.0 s/);
    assert.equal(bench.verdict(8).offendingTotal, 2);
  });

  it('outboxes: a message given up while nothing was broken is a violation', async () => {
    await bench.look();
    bench.outside.metrics('catalog-1', ['messages_consumed_total{queue="catalog.commands",outcome="dead-lettered"} 1']);
    await bench.look();
    assert.equal(stateOf(8), 'violated');
    bench.acknowledge();
    await bench.look();
    assert.equal(stateOf(8), 'holds');
  });

  it('keys: an answer about an order that is under another key is a violation at once', async () => {
    await bench.order('Completed');
    await run(`UPDATE checkout.orders SET idempotency_key = 'another'`);
    await bench.look();
    assert.deepEqual(wrong(), { 9: 'violated' });
  });

  it('keys: two orders, or two claims, of one key are a violation at once', async () => {
    const [one, other] = [await bench.order('Completed', 1), await bench.order('Completed', 1)];
    await run(
      `UPDATE checkout.orders SET user_id = '${one}', idempotency_key = 'key' || CASE order_id WHEN '${one}' THEN '' ELSE ' 2' END`,
    );
    await run('DELETE FROM bff.idempotency_keys');
    await bench.look();
    assert.deepEqual(wrong(), { 9: 'violated' });
    assert.deepEqual(bench.verdict(9).offending, [[one, other].toSorted()[0]]);
    await bench.fresh();
    const claim = (key: string): string =>
      `('${randomUUIDv7()}', '${one}', '${key}', 'f', '${one}', 'other', '', 1, 'EUR')`;
    await run(`INSERT INTO claims.claims VALUES ${claim('key 1')}, ${claim('key 2')}`);
    await bench.look();
    assert.equal(stateOf(9), 'violated');
  });

  it('sessions: one without a live token, or with one used after its end, is a violation at once', async () => {
    const session = async (tokens: string, ended = 'NULL'): Promise<string> => {
      const [user, family] = [randomUUIDv7(), randomUUIDv7()];
      await run(`INSERT INTO identity.users VALUES ('${user}', '${user}@ballast.test', 'x', '{customer}')`);
      await run(
        `INSERT INTO identity.refresh_families VALUES ('${family}', '${user}', clock.now() - interval '1 minute', clock.now() + interval '7 days', ${ended})`,
      );
      const token = (used: string): string =>
        `(sha256('${randomBytes(8).toString('hex')}'), '${family}', clock.now() - interval '1 minute', ${used})`;
      await run(`INSERT INTO identity.refresh_tokens VALUES ${tokens.split(',').map(token).join(', ')}`);
      return family;
    };
    await session('NULL,clock.now()');
    await session('NULL', `clock.now() - interval '30 seconds'`);
    await session(`clock.now() - interval '30 seconds'`, `clock.now() - interval '29 seconds'`);
    await bench.look();
    assert.equal(stateOf(13), 'holds');
    const late = await session('clock.now()', `clock.now() - interval '5 seconds'`);
    await bench.look();
    assert.deepEqual([stateOf(13), bench.verdict(13).offending], ['violated', [late]]);
    const used = await session('clock.now()');
    await bench.look();
    assert.deepEqual(bench.verdict(13).offending.toSorted(), [late, used].toSorted());
  });

  it('transactions: a session that is left in one settles, then is a violation', async () => {
    const session = new pg.Client({ connectionString: bench.rows.url });
    await session.connect();
    try {
      await session.query('BEGIN');
      // The server says by its own clock since when: the test's is set by that.
      const since = await until('the session to be idle', async () => {
        const [row] = await bench.rows.database.query<{ since: Date }>(
          `SELECT state_change AS since FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
        );
        return row?.since.getTime();
      });
      for (const [seconds, state] of [
        [1, 'holds'],
        [3, 'settling'],
        [6, 'violated'],
      ] as const) {
        await bench.pass(since + seconds * 1_000 - bench.now());
        await bench.look();
        assert.equal(stateOf(14), state, `${seconds} s`);
      }
    } finally {
      await session.end();
    }
  });

  it('logins: those that a living process has given up are a violation', async () => {
    const owner = 'svc_catalog';
    const names = [1, 2, 3].map((number) => `lent_${number}_${randomBytes(4).toString('hex')}`);
    const held = (name: string): void =>
      bench.outside.metrics('catalog-1', [`database_logins_held{username="${name}"} 1`]);
    await run(`DO $$ BEGIN CREATE ROLE ${owner}; EXCEPTION WHEN duplicate_object THEN NULL; END $$`);
    for (const name of names) await run(`CREATE ROLE ${name} LOGIN VALID UNTIL '2999-01-01' IN ROLE ${owner}`);
    try {
      for (const name of names) {
        held(name);
        await bench.look();
      }
      assert.equal(stateOf(14), 'settling');
      await lookAfter(15);
      assert.equal(stateOf(14), 'violated');
      assert.deepEqual(bench.verdict(14).offending, names.slice(0, 2));
    } finally {
      for (const name of names) await run(`DROP ROLE ${name}`);
    }
  });

  it('processes: too many series are a violation', async () => {
    bench.outside.metrics(
      'catalog-2',
      Array.from({ length: 500 }, (_, number) => `series{n="${number}"} 1`),
    );
    await bench.look();
    assert.equal(stateOf(16), 'violated');
    assert.deepEqual(bench.verdict(16).offending, ['catalog-2']);
    bench.outside.metrics('catalog-2', []);
    await bench.look();
    assert.equal(stateOf(16), 'holds');
    assert.match(bench.verdict(16).detail, /no baseline yet/);
  });

  it('nothing is known while the database is away, and everything again when it is back', async () => {
    await bench.order('Completed');
    await bench.look();
    await bench.rows.cut();
    const byRows = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14];
    await bench.look(byRows);
    const unknown = Object.entries(bench.states()).filter(([, state]) => state === 'unknown');
    assert.deepEqual(
      unknown.map(([invariant]) => Number(invariant)),
      byRows,
    );
    await bench.rows.restore();
    await bench.look();
    assert.deepEqual(wrong(), {});
  });

  it('damage that is acknowledged is known, and new damage is not', async () => {
    await bench.order('Completed');
    await run(`UPDATE checkout.orders SET idempotency_key = 'another'`);
    await bench.look();
    bench.acknowledge();
    await bench.look();
    assert.equal(stateOf(9), 'holds');
    assert.match(bench.verdict(9).detail, /1 known, acknowledged/);
    await bench.order('Completed');
    await run(`UPDATE checkout.orders SET idempotency_key = 'another still'`);
    await bench.look();
    assert.equal(bench.verdict(9).offendingTotal, 1);
  });

  it('a product that nobody has bought says nothing', async () => {
    await run(insertProduct(randomUUIDv7()));
    await bench.look();
    assert.deepEqual([stateOf(1), bench.verdict(1).detail], ['holds', '2 products']);
  });
});
