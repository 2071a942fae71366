import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { LabCacheEntry, LabCredentials, LabRows, LabStampedeResult, Product } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { freePort, until, type RunningApp } from '@ballast/testing';
import { command, openBench, type Bench } from '../support.ts';

describe('copies of products', () => {
  let bench: Bench;
  let replicas: [RunningApp, RunningApp];
  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    bench = await openBench();
    replicas = await Promise.all([bench.startReplica(), bench.startReplica()]);
    const [{ product_id: any }] = (await bench.database.query<{ product_id: string }>(
      'SELECT product_id FROM products LIMIT 1',
    )) as [{ product_id: string }];
    for (const replica of replicas) {
      await until('it to listen', async () => (await lab<LabCacheEntry>(replica, `cache/products/${any}`)).subscribed);
    }
  });
  after(() => bench.close());

  const lab = async <Answer>(replica: RunningApp, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`${replica.url}/lab/${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${bench.token('operator')}`, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    });
    assert.equal(response.status, 200, path);
    return (await response.json()) as Answer;
  };
  const get = (productId: string, replica = replicas[0]): Promise<Response> =>
    fetch(`${replica.url}/products/${productId}`);
  const onHand = async (productId: string, replica = replicas[0]): Promise<number> =>
    ((await (await get(productId, replica)).json()) as Product).onHand;
  const put = async (productId: string, pieces: number, replica = replicas[0]): Promise<Response> => {
    const etag = (await get(productId, replica)).headers.get('etag')!;
    return fetch(`${replica.url}/products/${productId}/stock`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${bench.token('operator')}`,
        'content-type': 'application/json',
        'if-match': etag,
      },
      body: JSON.stringify({ onHand: pieces }),
    });
  };
  /** Both replicas have a copy in memory. */
  const warm = async (productId: string): Promise<void> => {
    for (const replica of replicas) await onHand(productId, replica);
  };

  it('are the same answer as the first, to the byte, whoever has made it and whatever case the id was in', async () => {
    const productId = await bench.addProduct({ onHand: 7, name: 'Cached “quotes” \\ — ü' });
    const first = await get(productId);
    const body = await first.text();
    assert.equal(first.headers.get('content-type'), 'application/json; charset=utf-8');
    await until(
      'a copy in Redis',
      async () => (await lab<LabCacheEntry>(replicas[1], `cache/products/${productId}`)).l2,
    );
    for (const response of [
      await get(productId),
      await get(productId.toUpperCase()),
      await get(productId, replicas[1]),
      await get(productId, replicas[1]),
    ]) {
      assert.equal(response.status, 200);
      assert.equal(await response.text(), body);
      for (const header of ['etag', 'cache-control', 'content-type', 'content-length']) {
        assert.equal(response.headers.get(header), first.headers.get(header), header);
      }
    }
    const { totals } = await lab<LabCacheEntry>(replicas[1], `cache/products/${productId}`);
    assert.ok(totals.l2Hits > 0 && totals.l1Hits > 0);
    const head = await fetch(`${replicas[0].url}/products/${productId}`, { method: 'HEAD' });
    assert.equal(head.headers.get('content-length'), first.headers.get('content-length'));
    assert.equal((await get(randomUUIDv7())).status, 404);
  });

  it('end with every change of stock: correction, reservation, release, sale and expiry', async () => {
    const productId = await bench.addProduct({ onHand: 100 });
    const [kept, released, expired] = [randomUUIDv7(), randomUUIDv7(), randomUUIDv7()];
    const lines = [{ productId, quantity: 10 }];
    const changes: Record<string, () => Promise<unknown>> = {
      correction: async () => assert.equal((await put(productId, 50, replicas[1])).status, 200),
      reservation: () => bench.publish(command('ReserveStock', kept, lines)),
      'another reservation': () => bench.publish(command('ReserveStock', released, lines)),
      'a third': () => bench.publish(command('ReserveStock', expired, lines)),
      release: () => bench.publish(command('ReleaseStock', released)),
      sale: () => bench.publish(command('CommitStock', kept)),
      expiry: () => bench.database.query('UPDATE reservations SET expires_at = now() WHERE order_id = $1', [expired]),
    };
    for (const [what, change] of Object.entries(changes)) {
      await warm(productId);
      const before = await lab<LabRows>(replicas[0], `products/${productId}/row`);
      await change();
      const row = await until(what, async () => {
        const { rows } = await lab<LabRows>(replicas[0], `products/${productId}/row`);
        return rows[0]!['xmin'] === before.rows[0]!['xmin'] ? null : rows[0];
      });
      for (const replica of replicas) {
        const etag = `"${String(row['xmin'])}"`;
        // Promised are 500 ms, which the campaign measures. Copies end by themselves after five seconds: a busy machine may
        // take a part of them, and who is not told is still found out.
        await until(
          `${what} to be seen`,
          async () => (await get(productId, replica)).headers.get('etag') === etag,
          3_500,
        );
      }
    }
    assert.equal(await onHand(productId), 40);
  });

  it('are never what a loser of a race is shown, who then sees no older one either', async () => {
    const productId = await bench.addProduct({ onHand: 1 });
    await warm(productId);
    const stale = (await get(productId)).headers.get('etag')!;
    // Past both replicas: neither hears of it.
    await bench.database.query('UPDATE products SET on_hand = 5, initial = 5 WHERE product_id = $1', [productId]);
    assert.equal(await onHand(productId), 1);
    const lost = await fetch(`${replicas[0].url}/products/${productId}/stock`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${bench.token('operator')}`,
        'content-type': 'application/json',
        'if-match': stale,
      },
      body: JSON.stringify({ onHand: 9 }),
    });
    assert.equal(lost.status, 412);
    assert.equal(((await lost.json()) as { current: Product }).current.onHand, 5);
    assert.equal((await get(productId)).headers.get('etag'), lost.headers.get('etag'));
    assert.equal(await onHand(productId), 5);
  });

  it('are made once for a whole stampede on a cold key', async () => {
    const productId = await bench.addProduct();
    const guarded = await lab<LabStampedeResult>(replicas[0], 'cache/stampede', {
      productId,
      callers: 200,
      singleFlight: true,
    });
    assert.deepEqual([guarded.databaseReads, guarded.redisReads], [1, 1]);
    const open = await lab<LabStampedeResult>(replicas[0], 'cache/stampede', {
      productId,
      callers: 200,
      singleFlight: false,
    });
    assert.deepEqual([open.databaseReads, open.redisReads], [200, 200]);
    assert.match(open.statement, /^SELECT .* FROM products WHERE product_id = \$1$/s);
  });

  it('can be looked at beside the row, with all of its columns and the guarded statement', async () => {
    const productId = await bench.addProduct({ onHand: 3 });
    await warm(productId);
    const entry = await lab<LabCacheEntry>(replicas[1], `cache/products/${productId.toUpperCase()}`);
    assert.equal(entry.instance, 'catalog-2');
    assert.deepEqual(entry.row, { version: entry.l1!.version, onHand: 3 });
    assert.deepEqual(entry.l2, entry.row);
    assert.ok(entry.l1!.ageMilliseconds < 5_000);
    const { rows, statement } = await lab<LabRows>(replicas[0], `products/${productId}/row`);
    assert.equal(rows[0]!['xmin'], entry.row.version);
    assert.equal(rows[0]!['on_hand'], 3);
    assert.match(statement, /xmin::text = ANY/);
    const stranger = await fetch(`${replicas[0].url}/lab/products/${productId}/row`, {
      headers: { authorization: `Bearer ${bench.token('customer')}` },
    });
    assert.equal(stranger.status, 403);
  });

  it('come from a database whose login the lab can look at', async () => {
    const { source } = await lab<LabCredentials>(replicas[0], 'credentials');
    assert.equal(source, 'static');
  });

  it('are counted by who has answered', async () => {
    const text = await (await fetch(`${replicas[0].url}/metrics`)).text();
    for (const by of ['memory', 'redis', 'source']) {
      assert.match(text, new RegExp(`^cache_reads_total\\{.*answered_by="${by}".*\\} [1-9]`, 'm'));
    }
    assert.match(text, /^cache_events_total\{.*event="invalidation-told".*\} [1-9]/m);
  });

  it('are not needed: without Redis, or while it is away, a replica is ready and serves', async () => {
    const productId = await bench.addProduct({ onHand: 2 });
    for (const REDIS_URL of ['', `redis://127.0.0.1:${await freePort()}`]) {
      const replica = await bench.startReplica({ REDIS_URL });
      assert.equal((await fetch(`${replica.url}/readyz`)).status, 200);
      const pieces = await onHand(productId, replica);
      assert.equal((await put(productId, pieces + 1, replica)).status, 200);
      assert.equal(await onHand(productId, replica), pieces + 1);
      const entry = await lab<LabCacheEntry>(replica, `cache/products/${productId}`);
      assert.equal(entry.subscribed, false);
      assert.equal(entry.l2, null);
      await replica.stop();
    }
  });
});
