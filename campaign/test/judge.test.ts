/** What the judge makes of money: from rows as the services write them, and the provider's ledger. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { testDatabase, type TestDatabase } from '@ballast/testing';
import pg from 'pg';
import { judge, type LedgerLine } from '../src/judge.ts';

const total = 1_250;

interface Case {
  state: string;
  kept: number;
  claim?: string;
  byHand?: true;
}

describe('the judge', () => {
  let test: TestDatabase;
  let admin: pg.Client;
  before(async () => {
    test = await testDatabase({ schema: 'checkout', sets: [] });
    admin = new pg.Client({ connectionString: test.url });
    await admin.connect();
    // Only the columns that are judged; the services' own tests hold them to their migrations.
    await test.administrate(`
      CREATE SCHEMA catalog; CREATE SCHEMA payments; CREATE SCHEMA claims;
      CREATE TABLE catalog.products (product_id uuid, initial int, on_hand int, reserved int, sold int);
      CREATE TABLE catalog.reservations (order_id uuid, state text);
      CREATE TABLE catalog.reservation_lines (order_id uuid, product_id uuid, quantity int);
      CREATE TABLE checkout.orders (order_id uuid, total_amount bigint, currency text);
      CREATE TABLE checkout.sagas (id uuid PRIMARY KEY, state text, version int, moved_at timestamptz DEFAULT now());
      CREATE TABLE checkout.saga_transitions (saga_id uuid, seq int, from_state text, event text, to_state text, decision jsonb);
      CREATE TABLE payments.ledger (order_id uuid, kind text, amount bigint, currency text);
      CREATE TABLE claims.claims (order_id uuid, state text);
      CREATE TABLE catalog.outbox (id uuid, message jsonb, created_at timestamptz);
      CREATE TABLE payments.outbox (LIKE catalog.outbox);
      CREATE TABLE checkout.outbox (LIKE catalog.outbox);
      CREATE TABLE claims.outbox (LIKE catalog.outbox);
      GRANT USAGE ON SCHEMA catalog, payments, claims TO PUBLIC;
      GRANT ALL ON ALL TABLES IN SCHEMA catalog, payments, claims, checkout TO PUBLIC`);
  });
  after(async () => {
    await admin.end();
    await test.drop();
  });

  /** Violations of an order like this, alone in the mesh. */
  const judged = async ({ state, kept, claim, byHand }: Case): Promise<string[]> => {
    await admin.query(`
      TRUNCATE catalog.reservations, checkout.orders, checkout.sagas, checkout.saga_transitions, payments.ledger, claims.claims`);
    const orderId = randomUUIDv7();
    const stock = state === 'Completed' ? 'committed' : 'released';
    await admin.query('INSERT INTO catalog.reservations VALUES ($1, $2)', [orderId, stock]);
    await admin.query(`INSERT INTO checkout.orders VALUES ($1, $2, 'EUR')`, [orderId, total]);
    await admin.query('INSERT INTO checkout.sagas VALUES ($1, $2, 1)', [orderId, state]);
    await admin.query(
      `INSERT INTO checkout.saga_transitions VALUES ($1, 1, 'RequiresReview', $2, $3, '{"by": "somebody", "note": ""}')`,
      [orderId, byHand ? 'SettledByHand' : 'Whatever', state],
    );
    await admin.query(`INSERT INTO payments.ledger VALUES ($1, 'captured', $2, 'EUR'), ($1, 'refunded', $3, 'EUR')`, [
      orderId,
      total,
      total - kept,
    ]);
    if (claim !== undefined) await admin.query('INSERT INTO claims.claims VALUES ($1, $2)', [orderId, claim]);
    const line: LedgerLine = {
      orderId,
      provider: 'stripe',
      currency: 'EUR',
      authorized: total,
      captured: total,
      refunded: total - kept,
    };
    return [...new Set((await judge(admin, [line], [])).map(({ invariant }) => invariant))];
  };
  const money = [
    'money taken equals orders completed, by the provider',
    'money taken equals orders completed, by our ledger',
  ];

  for (const right of [
    { state: 'Completed', kept: total },
    { state: 'Completed', kept: total, claim: 'open' },
    { state: 'Completed', kept: total, claim: 'refused' },
    { state: 'Completed', kept: total, claim: 'refund-refused' },
    { state: 'Completed', kept: 0, claim: 'refunded' },
    { state: 'Compensated', kept: 0 },
    { state: 'Compensated', kept: total, byHand: true },
    { state: 'RequiresReview', kept: total },
  ] as const satisfies readonly Case[]) {
    it(`has nothing to say of ${JSON.stringify(right)}`, async () => {
      assert.deepEqual(await judged(right), []);
    });
  }

  for (const wrong of [
    { state: 'Completed', kept: 0 },
    { state: 'Completed', kept: 0, claim: 'refused' },
    { state: 'Completed', kept: 0, claim: 'refund-refused' },
    { state: 'Completed', kept: total, claim: 'refunded' },
    { state: 'Compensated', kept: total },
  ] as const satisfies readonly Case[]) {
    it(`finds the money wrong in ${JSON.stringify(wrong)}`, async () => {
      assert.deepEqual(await judged(wrong), money);
    });
  }

  it('finds a granted claim whose money never went back', async () => {
    const unpaid = 'a granted claim is refunded in the end';
    assert.deepEqual(await judged({ state: 'Completed', kept: total, claim: 'granted' }), [unpaid]);
  });

  it('finds an order that left its review without a decision', async () => {
    await judged({ state: 'Compensated', kept: 0 });
    await admin.query('UPDATE checkout.saga_transitions SET decision = NULL');
    const found = await judge(admin, [], []);
    assert.ok(found.some(({ invariant }) => invariant === 'nothing leaves a final state'));
  });
});
