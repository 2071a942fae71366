/** Orders that are stored together, by several at once. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { createOutbox } from '@ballast/outbox';
import { createSagaEngine } from '@ballast/saga';
import { placeOrder } from '../../src/domain/place-order.ts';
import { orderStart, type NewOrder } from '../../src/store/orders.ts';
import { openBench, type Bench } from '../support.ts';

describe('batches of orders', () => {
  let bench: Bench;
  before(async () => {
    bench = await openBench();
    // Its start migrates the database.
    await bench.start();
  });
  after(() => bench.close());

  it('that hold the same idempotency keys in another order do not deadlock', async () => {
    const { database } = bench.test;
    // Slow enough that both batches are at it together, whatever the machine.
    await bench.test.administrate(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.2); RETURN NEW; END';
      CREATE TRIGGER linger BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION linger();`);
    const userId = randomUUIDv7();
    const total = { amount: 100, currency: 'EUR' };
    const payment = { provider: 'stripe', method: 'pm_card_visa' } as const;
    const order = (id: string, idempotencyKey: string): NewOrder => ({
      id,
      userId,
      idempotencyKey,
      fingerprint: 'same',
      lines: [],
      total,
      payment,
      context: { lines: [], total, payment, reason: null },
    });
    const replica = (keys: string[]): Promise<boolean>[] => {
      const outbox = createOutbox({ database, publish: async () => {} });
      const engine = createSagaEngine({ definition: placeOrder, database, outbox });
      // Batches go by id: so the keys of one come in another order than those of the other.
      const ids = keys.map(() => randomUUIDv7()).toSorted();
      return keys.map((key, index) => order(ids[index]!, key)).map(engine.starter(orderStart));
    };
    const started = await Promise.all([...replica(['a', 'b']), ...replica(['b', 'a'])]);
    assert.equal(started.filter(Boolean).length, 2);
  });
});
