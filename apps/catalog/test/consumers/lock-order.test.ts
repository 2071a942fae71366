import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { seededRandom, shuffled } from '@ballast/testing';
import { command, openBench, type Bench } from '../support.ts';

describe('orders that name the same products in opposite order', () => {
  let bench: Bench;
  beforeEach(async () => {
    bench = await openBench();
  });
  afterEach(() => bench.close());

  it('never deadlock, fifty lines at a time', async () => {
    await (await bench.startReplica()).stop();
    const handlers = [bench.openHandler('replica-1'), bench.openHandler('replica-2')];
    const products = await Promise.all(Array.from({ length: 50 }, () => bench.addProduct({ onHand: 1_000 })));
    const lines = products.map((productId) => ({ productId, quantity: 1 }));
    for (let round = 0; round < 60; round += 1) {
      await Promise.all(
        handlers.map((handler, index) =>
          handler.handle(command('ReserveStock', randomUUIDv7(), index === 0 ? lines : lines.toReversed())),
        ),
      );
    }
    assert.equal((await bench.pieces(products[0]!)).reserved, 120);
    assert.equal(await bench.deadlocks(), 0);
  });

  it('never deadlock, while others are released, expire and are corrected beside them', async () => {
    const replicas = await Promise.all([
      bench.startReplica({ INSTANCE: 'catalog-1', RESERVATION_SECONDS: 1 }),
      bench.startReplica({ INSTANCE: 'catalog-2', RESERVATION_SECONDS: 1 }),
    ]);
    const random = seededRandom(7);
    const products = await Promise.all(Array.from({ length: 6 }, () => bench.addProduct({ onHand: 60 })));
    const orders = Array.from({ length: 300 }, () => randomUUIDv7());
    const reserves = orders.map((orderId, index) => {
      const lines = products.map((productId) => ({ productId, quantity: 1 }));
      return command('ReserveStock', orderId, index % 2 === 0 ? lines : lines.toReversed());
    });
    const releases = orders.filter((_, index) => index % 3 === 0).map((orderId) => command('ReleaseStock', orderId));
    const authorization = `Bearer ${bench.token('operator')}`;
    const correct = async (productId: string): Promise<void> => {
      const url = `${replicas[random() < 0.5 ? 0 : 1].url}/products/${productId}`;
      for (let round = 0; round < 10; round += 1) {
        const seen = await fetch(url);
        const { onHand } = (await seen.json()) as { onHand: number };
        const headers = { authorization, 'if-match': seen.headers.get('etag')!, 'content-type': 'application/json' };
        const answer = await fetch(`${url}/stock`, { method: 'PUT', headers, body: JSON.stringify({ onHand }) });
        assert.ok([200, 412].includes(answer.status), await answer.text());
      }
    };
    await Promise.all([
      bench.publish(...shuffled([...reserves, ...reserves, ...releases], random)),
      ...products.map((productId) => correct(productId)),
    ]);
    for (const orderId of orders) {
      const events = await bench.heard(orderId);
      // What was reserved comes back, by its release or because its second is over.
      if (events.some(({ type }) => type === 'StockReserved')) await bench.heard(orderId, 2);
    }
    for (const productId of products) {
      assert.deepEqual(await bench.pieces(productId), { initial: 60, on_hand: 60, reserved: 0, sold: 0 });
    }
    await bench.assertBooksBalance();

    assert.equal(await bench.deadlocks(), 0);
    assert.deepEqual(
      replicas.flatMap(({ complaints }) => complaints),
      [],
    );
  });
});
