/** What the tables refuse whatever the code says: the last guard of the books. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { DatabaseError } from '@ballast/postgres';
import { genericPlan } from '@ballast/testing';
import { lockReservationsStatement, writeStatement } from '../../src/store/reservations.ts';
import { openBench, type Bench } from '../support.ts';

describe('the tables of catalog', () => {
  let bench: Bench;
  let productId: string;
  before(async () => {
    bench = await openBench();
    // Its start migrates the database.
    await bench.startReplica();
    productId = await bench.addProduct({ onHand: 10 });
  });
  after(() => bench.close());

  it('are read by index, also by connections that planned while they were empty', async () => {
    const given =
      'uuid[], int[], int[], int[], uuid[], boolean[], text[], timestamptz[], text[], jsonb[], uuid[], uuid[], int[]';
    for (const [{ name, text }, types] of [
      [lockReservationsStatement, 'uuid[]'],
      [writeStatement, given],
    ] as const) {
      const plan = await genericPlan(bench.database, text, types);
      assert.match(plan, /reservations_pkey/, name);
      assert.doesNotMatch(plan, /Seq Scan on reservation/, name);
    }
  });

  const violates = async (statement: string, values: unknown[]): Promise<void> => {
    await assert.rejects(
      bench.database.query(statement, values),
      (error: DatabaseError) => error.sqlstate === '23514',
      statement,
    );
  };

  it('let no piece appear or vanish, and none be owed', async () => {
    for (const change of [
      'on_hand = on_hand - 1',
      'reserved = reserved + 1',
      'sold = sold + 1',
      'on_hand = -1, reserved = initial + 1',
      'on_hand = initial + 1, reserved = -1',
      'on_hand = initial + 1, sold = -1',
      'initial = -1, on_hand = -1',
    ]) {
      await violates(`UPDATE products SET ${change} WHERE product_id = $1`, [productId]);
    }
  });

  it('hold no reservation that says half of what it must', async () => {
    const open = 'INSERT INTO reservations (order_id, state, expires_at, code, shortages) VALUES ($1, $2, $3, $4, $5)';
    const soon = '2036-01-01T00:00:00Z';
    for (const [state, expiresAt, code, shortages] of [
      ['lost', null, null, null],
      ['reserved', null, null, null],
      ['released', soon, null, null],
      ['rejected', null, null, null],
      ['rejected', null, 'insufficient-stock', null],
      ['released', null, 'insufficient-stock', '[]'],
    ]) {
      await violates(open, [randomUUIDv7(), state, expiresAt, code, shortages]);
    }
    const orderId = randomUUIDv7();
    await bench.database.query(open, [orderId, 'reserved', soon, null, null]);
    await violates('INSERT INTO reservation_lines (order_id, product_id, quantity) VALUES ($1, $2, 0)', [
      orderId,
      productId,
    ]);
    await bench.database.query(`UPDATE reservations SET state = 'released', expires_at = NULL WHERE order_id = $1`, [
      orderId,
    ]);
  });
});
