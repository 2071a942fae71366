import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Message } from '@ballast/messaging';
import { until } from '@ballast/testing';
import { command, openBench, type BareHandler, type Bench } from '../support.ts';

describe('two replicas that hear of the same order at the same moment', () => {
  let bench: Bench;
  let first: BareHandler;
  let second: BareHandler;

  before(async () => {
    bench = await openBench();
    await (await bench.startReplica()).stop();
    [first, second] = [bench.openHandler('replica-1'), bench.openHandler('replica-2')];
  });
  after(() => bench.close());

  it('decide one after the other, and each message gets its one answer', async () => {
    const productId = await bench.addProduct({ onHand: 1_000 });
    const rounds = 150;
    const orders = Array.from({ length: rounds }, () => randomUUIDv7());
    for (const orderId of orders) {
      const reserve = command('ReserveStock', orderId, [{ productId, quantity: 1 }]);
      const again = command('ReserveStock', orderId, [{ productId, quantity: 1 }]);
      await Promise.all([
        first.handle(reserve),
        second.handle(again),
        first.handle(command('ReleaseStock', orderId)),
        second.handle(reserve),
      ]);
    }
    const told = (): number => first.told.length + second.told.length;
    await until('all is told', () => told() >= rounds * 3);
    assert.equal(told(), rounds * 3);
    assert.deepEqual(await bench.pieces(productId), { initial: 1_000, on_hand: 1_000, reserved: 0, sold: 0 });
    await bench.assertBooksBalance();
  });

  it('wait for the one that was first, and answer from what it decided', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const orderId = randomUUIDv7();
    const { waiting } = await first.database.transaction(async (transaction) => {
      await transaction.query("INSERT INTO reservations (order_id, state) VALUES ($1, 'released')", [orderId]);
      return secondWaitsWith(command('ReserveStock', orderId, [{ productId, quantity: 4 }]));
    });
    await waiting;
    const event = await until('the answer', () => second.told.find((message) => message.correlationId === orderId));
    assert.deepEqual(event.body, { orderId, code: 'order-given-up', shortages: [] });
    assert.deepEqual(await bench.pieces(productId), { initial: 10, on_hand: 10, reserved: 0, sold: 0 });
  });

  it('do not sell what the other is about to put back', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const orderId = randomUUIDv7();
    await first.handle(command('ReserveStock', orderId, [{ productId, quantity: 4 }]));
    const { waiting } = await first.database.transaction(async (transaction) => {
      await transaction.query("UPDATE reservations SET state = 'released', expires_at = NULL WHERE order_id = $1", [
        orderId,
      ]);
      await transaction.query('UPDATE products SET on_hand = 10, reserved = 0 WHERE product_id = $1', [productId]);
      return secondWaitsWith(command('CommitStock', orderId));
    });
    await waiting;
    const event = await until('the answer', () => second.told.find((message) => message.correlationId === orderId));
    assert.equal(event.type, 'StockCommitRejected');
    assert.deepEqual(await bench.pieces(productId), { initial: 10, on_hand: 10, reserved: 0, sold: 0 });
  });

  /** Hands a message to the second replica; resolves once that waits for a lock, to the promise of its end. */
  const secondWaitsWith = async (message: Message): Promise<{ waiting: Promise<void> }> => {
    const waiting = second.handle(message);
    await until('the second waits for the first', async () => {
      const rows = await bench.database.query(
        "SELECT 1 FROM pg_stat_activity WHERE application_name = 'replica-2' AND wait_event_type = 'Lock'",
      );
      return rows.length > 0;
    });
    return { waiting };
  };
});
