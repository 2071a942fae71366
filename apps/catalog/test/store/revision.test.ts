import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { readSeed } from '../../src/seed.ts';
import { findProduct, seedProducts, setOnHand } from '../../src/store/products.ts';
import { command, openBench, type BareHandler, type Bench } from '../support.ts';

describe("a product's revision", () => {
  let bench: Bench;
  let handler: BareHandler;
  before(async () => {
    bench = await openBench();
    await (await bench.startReplica()).stop();
    handler = bench.openHandler('revision');
  });
  after(() => bench.close());

  const stamp = async (productId: string): Promise<{ version: string; revision: number }> => {
    const { version, revision } = (await findProduct(bench.database, productId))!;
    return { version, revision };
  };

  it('grows with everything that writes the row, as its version changes', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const [kept, released] = [randomUUIDv7(), randomUUIDv7()];
    const lines = [{ productId, quantity: 1 }];
    const writers: Record<string, () => Promise<unknown>> = {
      'an operator': async () =>
        setOnHand(bench.database, { productId, versions: [(await stamp(productId)).version], onHand: 20 }),
      'a reservation': () => handler.handle(command('ReserveStock', kept, lines)),
      'another reservation': () => handler.handle(command('ReserveStock', released, lines)),
      'a release': () => handler.handle(command('ReleaseStock', released)),
      'a sale': () => handler.handle(command('CommitStock', kept)),
      'a person at the prompt': () =>
        bench.database.query('UPDATE products SET price_amount = 1 WHERE product_id = $1', [productId]),
      'somebody who sets it himself': () =>
        bench.database.query('UPDATE products SET revision = 1 WHERE product_id = $1', [productId]),
    };
    for (const [who, write] of Object.entries(writers)) {
      const before = await stamp(productId);
      await write();
      const after = await stamp(productId);
      assert.ok(after.revision > before.revision, `${who}: ${before.revision} → ${after.revision}`);
      assert.notEqual(after.version, before.version, who);
    }
  });

  it('grows twice where one transaction writes twice, and also while the clock stands still or goes back', async () => {
    const productId = await bench.addProduct();
    const revisions: number[] = [];
    await bench.database.transaction(async (transaction) => {
      for (let count = 0; count < 200; count += 1) {
        await transaction.query('UPDATE products SET on_hand = on_hand WHERE product_id = $1', [productId]);
        revisions.push((await findProduct(transaction, productId))!.revision);
      }
    });
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].toSorted((a, b) => a - b),
    );
    await bench.database.transaction(async (transaction) => {
      await transaction.query('ALTER TABLE products DISABLE TRIGGER products_revision');
      await transaction.query('UPDATE products SET revision = 8000000000000000 WHERE product_id = $1', [productId]);
      await transaction.query('ALTER TABLE products ENABLE TRIGGER products_revision');
    });
    await bench.database.query('UPDATE products SET on_hand = on_hand WHERE product_id = $1', [productId]);
    assert.equal((await stamp(productId)).revision, 8_000_000_000_000_001);
  });

  it('is later in a new database than in the one before it, and stays as it is when the seed comes again', async () => {
    const startedMicros = (Date.now() - 3_600_000) * 1_000;
    const [first] = await readSeed();
    const seeded = await stamp(first!.productId);
    assert.ok(seeded.revision > startedMicros);
    assert.ok(Number.isSafeInteger(seeded.revision));
    await seedProducts(bench.database, await readSeed());
    assert.deepEqual(await stamp(first!.productId), seeded);
  });
});
