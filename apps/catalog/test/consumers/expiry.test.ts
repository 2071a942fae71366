import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { command, openBench, type Bench } from '../support.ts';

describe('reservations whose time is over', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    await Promise.all([bench.startReplica({ INSTANCE: 'catalog-1' }), bench.startReplica({ INSTANCE: 'catalog-2' })]);
  });
  after(() => bench.close());

  const endTimeOf = async (...orderIds: string[]): Promise<void> => {
    await bench.database.query('UPDATE reservations SET expires_at = now() WHERE order_id = ANY($1::uuid[])', [
      orderIds,
    ]);
  };

  it('go back on the shelf, once each, and a commit that comes too late is rejected', async () => {
    const products = await Promise.all([bench.addProduct({ onHand: 500 }), bench.addProduct({ onHand: 500 })]);
    const orders = Array.from({ length: 120 }, () => randomUUIDv7());
    await bench.publish(
      ...orders.map((orderId, index) => {
        const lines = products.map((productId) => ({ productId, quantity: 2 }));
        return command('ReserveStock', orderId, index % 2 === 0 ? lines : lines.toReversed());
      }),
    );
    for (const orderId of orders) await bench.heard(orderId);
    await endTimeOf(...orders);
    for (const orderId of orders) {
      const events = await bench.heard(orderId, 2);
      assert.deepEqual(
        events.map((event) => event.type),
        ['StockReserved', 'StockReleased'],
      );
      assert.equal(events[1]!.causationId, null);
    }
    for (const productId of products) {
      assert.deepEqual(await bench.pieces(productId), { initial: 500, on_hand: 500, reserved: 0, sold: 0 });
    }
    const late = orders[0]!;
    await bench.publish(command('CommitStock', late));
    const events = await bench.heard(late, 3);
    assert.equal(events[2]!.type, 'StockCommitRejected');
    assert.deepEqual(events[2]!.body, { orderId: late, code: 'reservation-gone' });
    await bench.assertBooksBalance();
  });

  it('are not those that were sold in time, nor those that have time left', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const [sold, held, other] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    for (const orderId of [sold, held, other]) {
      await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 1 }]));
      await bench.heard(orderId);
    }
    await bench.publish(command('CommitStock', sold));
    assert.equal((await bench.heard(sold, 2))[1]!.type, 'StockCommitted');
    await endTimeOf(sold, other);
    await bench.heard(other, 2);
    assert.equal(bench.events(held).length, 1);
    assert.equal(bench.events(sold).length, 2);
    assert.deepEqual(await bench.pieces(productId), { initial: 10, on_hand: 8, reserved: 1, sold: 1 });
  });
});
