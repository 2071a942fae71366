/** Writes whose answer from the database was lost: nobody was told of them, and yet no replica may go on as before. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { LabCacheEntry, Product } from '@ballast/contracts';
import { configureFaults } from '@ballast/faults';
import { until, type RunningApp } from '@ballast/testing';
import { openLossyWire, type LossyWire } from '../lost-answers.ts';
import { command, openBench, type Bench } from '../support.ts';

describe('a write whose answer was lost', () => {
  let bench: Bench;
  let wire: LossyWire;
  let writer: RunningApp;
  let other: RunningApp;
  before(async () => {
    configureFaults({ labMode: true, faults: '' });
    bench = await openBench();
    wire = await openLossyWire(bench.environment.POSTGRES_URL);
    writer = await bench.startReplica({ POSTGRES_URL: wire.url });
    // By the same wire: either of the two may be the one that takes a command.
    other = await bench.startReplica({ POSTGRES_URL: wire.url });
  });
  after(async () => {
    await bench.close();
    await wire.close();
    configureFaults({ labMode: false, faults: '' });
  });

  const get = (productId: string, replica: RunningApp): Promise<Response> =>
    fetch(`${replica.url}/products/${productId}`);
  const onHand = async (productId: string, replica: RunningApp): Promise<number> =>
    ((await (await get(productId, replica)).json()) as Product).onHand;
  const put = async (productId: string, pieces: number): Promise<Response> =>
    fetch(`${writer.url}/products/${productId}/stock`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${bench.token('operator')}`,
        'content-type': 'application/json',
        'if-match': (await get(productId, writer)).headers.get('etag')!,
      },
      body: JSON.stringify({ onHand: pieces }),
    });
  const pieces = async (productId: string): Promise<number> => (await bench.pieces(productId)).on_hand;
  /** Both have a copy; so young that it would be served for nearly five seconds more. */
  const warm = async (productId: string): Promise<void> => {
    for (const replica of [writer, other]) {
      await until('it to listen', async () => {
        const response = await fetch(`${replica.url}/lab/cache/products/${productId}`, {
          headers: { authorization: `Bearer ${bench.token('operator')}` },
        });
        return ((await response.json()) as LabCacheEntry).subscribed;
      });
    }
    for (const replica of [writer, other]) await onHand(productId, replica);
  };
  /** Well below the five seconds after which copies end by themselves. */
  const seenBy = async (productId: string, expected: number): Promise<void> => {
    for (const replica of [writer, other]) {
      await until(`${expected} to be seen`, async () => (await onHand(productId, replica)) === expected, 3_500);
    }
  };

  it('is seen everywhere at once when it was an operator’s correction, who was told that it may have failed', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    await warm(productId);
    const lost = wire.loseAnswerTo(['products-set-on-hand']);
    assert.equal((await put(productId, 7)).status, 503);
    await lost;
    assert.equal(await pieces(productId), 7);
    await seenBy(productId, 7);
  });

  it('is seen as soon as the database lets the writer in again', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    await warm(productId);
    const lost = wire.loseAnswerTo(['products-set-on-hand'], 500);
    assert.equal((await put(productId, 6)).status, 503);
    await lost;
    await seenBy(productId, 6);
  });

  it('is seen everywhere at once when it was a COMMIT: the message that comes again finds its work done', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const orderId = randomUUIDv7();
    const commit = ['reservations-write', 'COMMIT'];
    await warm(productId);
    let lost = wire.loseAnswerTo(commit);
    await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 4 }]));
    await lost;
    await seenBy(productId, 6);

    await bench.heard(orderId);
    await warm(productId);
    lost = wire.loseAnswerTo(commit);
    await bench.database.query('UPDATE reservations SET expires_at = now() WHERE order_id = $1', [orderId]);
    await lost;
    await seenBy(productId, 10);
    assert.deepEqual(
      (await bench.heard(orderId, 2)).map(({ type }) => type),
      ['StockReserved', 'StockReleased'],
    );
    await bench.assertBooksBalance();
  });
});
