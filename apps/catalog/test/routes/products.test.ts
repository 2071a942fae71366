import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { ProductPage } from '@ballast/contracts';
import { searchText } from '../../src/domain/search.ts';
import type { RunningApp } from '@ballast/testing';
import { command, openBench, type Bench } from '../support.ts';

describe('products for everyone', () => {
  let bench: Bench;
  let replica: RunningApp;
  before(async () => {
    bench = await openBench();
    // Two that start at once both migrate and seed.
    [replica] = await Promise.all([bench.startReplica(), bench.startReplica()]);
  });
  after(() => bench.close());

  const list = async (query: Record<string, string> = {}): Promise<ProductPage> => {
    const response = await fetch(`${replica.url}/products?${new URLSearchParams(query).toString()}`);
    assert.equal(response.status, 200);
    return (await response.json()) as ProductPage;
  };
  const names = (page: ProductPage): string[] => page.items.map((product) => product.name);

  it('are all there after the first start, each once', async () => {
    const [counted] = await bench.database.query<{ count: number; unsold: boolean }>(
      'SELECT count(*)::int AS count, bool_and(initial = on_hand) AS unsold FROM products',
    );
    assert.ok(counted!.count >= 60, `${counted!.count} products`);
    assert.equal(counted!.unsold, true);
    const page = await list({ limit: '1' });
    assert.match(page.items[0]!.image, /^\/images\/products\/[a-z0-9-]+\.svg$/);
  });

  it('come in pages that join up without a gap or a repetition, whatever their size', async () => {
    // Several at one place in the list: the page's edge may fall between them.
    for (let count = 0; count < 5; count += 1) await bench.addProduct({ position: 3 });
    const rows = await bench.database.query<{ product_id: string }>(
      'SELECT product_id FROM products ORDER BY position, product_id',
    );
    const everything = rows.map((row) => row.product_id);
    for (const limit of [1, 7, 24, 100]) {
      const seen: string[] = [];
      let cursor: string | null = null;
      do {
        const page: ProductPage = await list({ limit: String(limit), ...(cursor === null ? {} : { cursor }) });
        assert.ok(page.items.length <= limit);
        seen.push(...page.items.map((product) => product.productId));
        cursor = page.nextCursor;
      } while (cursor !== null);
      assert.deepEqual(seen, everything, `pages of ${limit}`);
    }
    assert.equal((await list()).items.length, 24);
  });

  it('are found by any words of theirs, in any case and order, and only when all of them match', async () => {
    const given = [
      { name: 'Zephyrine lamp', description: 'Brass, 100% whale-free.' },
      { name: 'Zephyrine bucket', description: 'Oak_staves and a brass handle.' },
    ];
    for (const product of given) {
      await bench.addProduct({ ...product, searchText: searchText({ ...product, category: 'Tests' }) });
    }
    assert.deepEqual(names(await list({ query: 'ZEPHYRINE' })).toSorted(), ['Zephyrine bucket', 'Zephyrine lamp']);
    assert.deepEqual(names(await list({ query: 'brass zephyrine lamp' })), ['Zephyrine lamp']);
    assert.deepEqual(names(await list({ query: 'zéphyrine tests handle' })), ['Zephyrine bucket']);
    assert.deepEqual(names(await list({ query: 'zephyrine lamp bucket' })), []);
    assert.deepEqual(names(await list({ query: 'zephyrine 100%' })), ['Zephyrine lamp']);
    assert.deepEqual(names(await list({ query: 'zephyrine k_s' })), ['Zephyrine bucket']);
    for (const wildcard of ['zephyrine %', 'zephyrine a_p', String.raw`zephyrine \\`]) {
      assert.deepEqual(
        names(await list({ query: wildcard })).filter((name) => name === 'Zephyrine bucket'),
        [],
        wildcard,
      );
    }
    const first = await list({ query: 'zephyrine', limit: '1' });
    assert.equal(first.items.length, 1);
    const second = await list({ query: 'zephyrine', limit: '1', cursor: first.nextCursor! });
    assert.equal(second.items.length, 1);
    assert.notEqual(second.items[0]!.productId, first.items[0]!.productId);
    assert.equal(second.nextCursor, null);
  });

  it('have a version that changes with their stock, also by a reservation', async () => {
    const productId = await bench.addProduct({ onHand: 4 });
    const url = `${replica.url}/products/${productId.toUpperCase()}`;
    const first = await fetch(url);
    assert.equal(first.status, 200);
    const etag = first.headers.get('etag')!;
    assert.match(etag, /^"\d+"$/);
    const { onHand, price, productId: answered } = (await first.json()) as ProductPage['items'][number];
    assert.deepEqual(
      { onHand, price, answered },
      { onHand: 4, price: { amount: 1250, currency: 'EUR' }, answered: productId },
    );

    for (const condition of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const unchanged = await fetch(url, { headers: { 'if-none-match': condition } });
      assert.equal(unchanged.status, 304, condition);
      assert.equal(unchanged.headers.get('etag'), etag);
      assert.equal(await unchanged.text(), '');
    }
    const orderId = randomUUIDv7();
    await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 1 }]));
    await bench.heard(orderId);
    assert.notEqual(await bench.settledEtag(replica, productId), etag);
    const second = await fetch(url, { headers: { 'if-none-match': etag } });
    assert.equal(second.status, 200);
    assert.notEqual(second.headers.get('etag'), etag);
    assert.equal(((await second.json()) as { onHand: number }).onHand, 3);
  });

  it('are quoted to services with the prices of now, unknown ones left out', async () => {
    const productId = await bench.addProduct({ name: 'Quoted' });
    const response = await fetch(`${replica.url}/products/quote`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bench.token('customer')}`, 'content-type': 'application/json' },
      body: JSON.stringify({ productIds: [productId, randomUUIDv7(), productId] }),
    });
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), {
      items: [{ productId, name: 'Quoted', price: { amount: 1250, currency: 'EUR' } }],
    });
  });

  it('come with health, metrics and a description of the routes', async () => {
    const ready = await fetch(`${replica.url}/readyz`);
    assert.equal(ready.status, 200);
    assert.equal(ready.headers.get('x-instance'), 'catalog-1');
    const metrics = await (await fetch(`${replica.url}/metrics`)).text();
    assert.match(metrics, /^catalog_reservations_total\{outcome="reserved",.*\} \d+$/m);
    assert.match(metrics, /^queue_messages\{queue="catalog\.commands",.*\} 0$/m);
    assert.match(metrics, /^outbox_rows\{.*\} 0$/m);
    assert.match(metrics, /^outbox_oldest_seconds\{.*\} 0$/m);
    const described = (await (await fetch(`${replica.url}/openapi.json`)).json()) as { paths: object };
    assert.deepEqual(Object.keys(described.paths).toSorted(), [
      '/dead-letters',
      '/dead-letters/replay',
      '/products',
      '/products/quote',
      '/products/{id}',
      '/products/{id}/stock',
    ]);
  });
});
