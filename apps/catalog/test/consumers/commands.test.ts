import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createMessage, type Message } from '@ballast/messaging';
import { seededRandom, shuffled, until, type RunningApp } from '@ballast/testing';
import { command, openBench, type Bench } from '../support.ts';

describe('stock commands, carried out by two replicas', () => {
  let bench: Bench;
  let replicas: RunningApp[];
  before(async () => {
    bench = await openBench();
    replicas = await Promise.all([
      bench.startReplica({ INSTANCE: 'catalog-1' }),
      bench.startReplica({ INSTANCE: 'catalog-2' }),
    ]);
  });
  after(() => bench.close());

  const state = async (orderId: string): Promise<string | undefined> => {
    const rows = await bench.database.query<{ state: string }>('SELECT state FROM reservations WHERE order_id = $1', [
      orderId,
    ]);
    return rows[0]?.state;
  };
  const types = (messages: readonly Message[]): string[] => messages.map((message) => message.type);

  it('starts without a complaint', () => {
    assert.deepEqual(
      replicas.flatMap((replica) => replica.complaints),
      [],
    );
  });

  it('tells who asked, and for how long the pieces are held', async () => {
    const productId = await bench.addProduct({ onHand: 5 });
    const orderId = randomUUIDv7();
    const reserve = createMessage(
      { type: 'ReserveStock', correlationId: orderId, body: { orderId, lines: [{ productId, quantity: 2 }] } },
      '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    );
    const asked = Date.now();
    await bench.publish(reserve);
    const [event] = await bench.heard(orderId);
    assert.equal(event!.type, 'StockReserved');
    assert.equal(event!.causationId, reserve.id);
    assert.equal(event!.traceparent?.slice(3, 35), '0af7651916cd43dd8448eb211c80319c');
    const held = Date.parse((event!.body as { expiresAt: string }).expiresAt) - asked;
    assert.ok(held >= 600_000 && held < 660_000, `held for ${held} ms`);
    assert.deepEqual(await bench.pieces(productId), { initial: 5, on_hand: 3, reserved: 2, sold: 0 });
    await bench.publish(command('CommitStock', orderId));
    assert.deepEqual(types(await bench.heard(orderId, 2)), ['StockReserved', 'StockCommitted']);
    assert.deepEqual(await bench.pieces(productId), { initial: 5, on_hand: 3, reserved: 0, sold: 2 });
  });

  it('gives 50 pieces to exactly 50 of 200 orders that race for them', async () => {
    const productId = await bench.addProduct({ onHand: 50 });
    const orders = Array.from({ length: 200 }, () => randomUUIDv7());
    await bench.publish(...orders.map((orderId) => command('ReserveStock', orderId, [{ productId, quantity: 1 }])));
    const answers = await Promise.all(orders.map(async (orderId) => (await bench.heard(orderId))[0]!));
    assert.equal(answers.filter((answer) => answer.type === 'StockReserved').length, 50);
    const rejected = answers.filter((answer) => answer.type === 'StockRejected');
    assert.equal(rejected.length, 150);
    for (const { body } of rejected) {
      assert.equal(body.code, 'insufficient-stock');
      assert.deepEqual(body.shortages, [{ productId, requested: 1, available: 0 }]);
    }
    assert.deepEqual(await bench.pieces(productId), { initial: 50, on_hand: 0, reserved: 50, sold: 0 });
    await bench.assertBooksBalance();
  });

  it('ends the same however often and in whatever order messages arrive', async () => {
    const random = seededRandom(20_261_121);
    const products = await Promise.all(Array.from({ length: 5 }, () => bench.addProduct({ onHand: 1_000 })));
    const orders = Array.from({ length: 40 }, (_, index) => ({ orderId: randomUUIDv7(), givenUp: index % 2 === 0 }));
    const once = orders.flatMap(({ orderId, givenUp }, index) => {
      const productId = products[index % 5]!;
      const reserve = command('ReserveStock', orderId, [{ productId, quantity: 1 + (index % 4) }]);
      return givenUp ? [reserve, command('ReleaseStock', orderId)] : [reserve];
    });
    await bench.publish(...shuffled([...once, ...once, ...once], random));
    for (const { orderId, givenUp } of orders) await bench.heard(orderId, givenUp ? 2 : 1);
    for (const { orderId, givenUp } of orders) assert.equal(await state(orderId), givenUp ? 'released' : 'reserved');

    const commits = orders.filter(({ givenUp }) => !givenUp).map(({ orderId }) => command('CommitStock', orderId));
    await bench.publish(...shuffled([...commits, ...commits, ...commits, ...once, ...once], random));
    // A last order behind all of them: what has not led to an event by then never will.
    for (const { correlationId } of commits) await bench.heard(correlationId, 2);
    await quiet();
    for (const { orderId, givenUp } of orders) {
      assert.equal(await state(orderId), givenUp ? 'released' : 'committed');
      const causes = bench.events(orderId).map((event) => event.causationId);
      assert.equal(new Set(causes).size, causes.length, 'one event for each message');
      assert.equal(causes.length, 2);
    }
    for (const [index, productId] of products.entries()) {
      const sold = orders.reduce((sum, order, at) => sum + (at % 5 === index && !order.givenUp ? 1 + (at % 4) : 0), 0);
      assert.deepEqual(await bench.pieces(productId), { initial: 1_000, on_hand: 1_000 - sold, reserved: 0, sold });
    }
    await bench.assertBooksBalance();
  });

  it('answers a command that is sent again under a new id, and does it once', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const orderId = randomUUIDv7();
    const lines = [{ productId, quantity: 3 }];
    for (const count of [1, 2, 3]) {
      await bench.publish(command('ReserveStock', orderId, lines));
      await bench.heard(orderId, count);
    }
    for (const count of [4, 5]) {
      await bench.publish(command('CommitStock', orderId));
      await bench.heard(orderId, count);
    }
    await bench.publish(command('ReserveStock', orderId, lines));
    const events = await bench.heard(orderId, 6);
    const [first] = events;
    assert.deepEqual(types(events), [
      'StockReserved',
      'StockReserved',
      'StockReserved',
      'StockCommitted',
      'StockCommitted',
      'StockReserved',
    ]);
    assert.deepEqual(events[5]!.body, first!.body);
    assert.deepEqual(await bench.pieces(productId), { initial: 10, on_hand: 7, reserved: 0, sold: 3 });
  });

  it('refuses to reserve for an order that was given up before the reservation arrived', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const orderId = randomUUIDv7();
    await bench.publish(command('ReleaseStock', orderId));
    await bench.heard(orderId);
    await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 1 }]));
    const [released, rejected] = await bench.heard(orderId, 2);
    assert.equal(released!.type, 'StockReleased');
    assert.equal(rejected!.type, 'StockRejected');
    assert.deepEqual(rejected!.body, { orderId, code: 'order-given-up', shortages: [] });
    assert.deepEqual(await bench.pieces(productId), { initial: 10, on_hand: 10, reserved: 0, sold: 0 });
  });

  it('releases a rejected order, and rejects an unknown product without holding the others', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const stranger = randomUUIDv7();
    const orderId = randomUUIDv7();
    const lines = [productId, stranger].map((id) => ({ productId: id.toUpperCase(), quantity: 1 }));
    await bench.publish(command('ReserveStock', orderId, lines));
    const [rejected] = await bench.heard(orderId);
    assert.deepEqual(rejected!.body, {
      orderId,
      code: 'unknown-product',
      shortages: [{ productId: stranger, requested: 1, available: 0 }],
    });
    await bench.publish(command('ReleaseStock', orderId));
    await bench.heard(orderId, 2);
    assert.equal(await state(orderId), 'released');
    assert.equal((await bench.pieces(productId)).on_hand, 10);
  });

  it('sends a release of sold stock to the dead letters, and the messages beside it on their way', async () => {
    const productId = await bench.addProduct({ onHand: 100 });
    const orderId = randomUUIDv7();
    await bench.publish(
      command('ReserveStock', orderId, [{ productId, quantity: 1 }]),
      command('CommitStock', orderId),
    );
    await until('the order is sold', async () => {
      if ((await state(orderId)) === 'committed') return true;
      // The commit may have overtaken the reservation on the other replica.
      await bench.publish(command('CommitStock', orderId));
      return false;
    });
    const others = Array.from({ length: 30 }, () => randomUUIDv7());
    await bench.publish(
      command('ReleaseStock', orderId),
      ...others.map((other) => command('ReserveStock', other, [{ productId, quantity: 1 }])),
    );
    for (const other of others) assert.equal((await bench.heard(other))[0]!.type, 'StockReserved');
    await until('the refusal is noted', () =>
      replicas.some((replica) =>
        replica.complaints.some(({ message, error }) => /dead-lettered/.test(message) && /is sold/.test(error ?? '')),
      ),
    );
    assert.equal(await state(orderId), 'committed');
    assert.deepEqual(await bench.pieces(productId), { initial: 100, on_hand: 69, reserved: 30, sold: 1 });
  });

  /** Resolves once every message before this moment has been carried out and every event been told. */
  const quiet = async (): Promise<void> => {
    const orders = Array.from({ length: 20 }, () => randomUUIDv7());
    await bench.publish(...orders.map((orderId) => command('CommitStock', orderId)));
    for (const orderId of orders) await bench.heard(orderId);
    await until('the outbox is empty', async () => {
      const [row] = await bench.database.query<{ rows: number }>('SELECT count(*)::int AS rows FROM outbox');
      return row!.rows === 0;
    });
  };
});
