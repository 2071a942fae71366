import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Product } from '@ballast/contracts';
import type { RunningApp } from '@ballast/testing';
import { command, openBench, type Bench } from '../support.ts';

describe('correcting the stock', () => {
  let bench: Bench;
  let replicas: [RunningApp, RunningApp];
  before(async () => {
    bench = await openBench();
    replicas = await Promise.all([bench.startReplica(), bench.startReplica()]);
  });
  after(() => bench.close());

  const etagOf = (productId: string): Promise<string> => bench.settledEtag(replicas[0], productId);
  const put = (productId: string, onHand: number, ifMatch: string | null, replica = replicas[0]): Promise<Response> =>
    fetch(`${replica.url}/products/${productId}/stock`, {
      method: 'PUT',
      headers: {
        authorization: `Bearer ${bench.token('operator')}`,
        'content-type': 'application/json',
        ...(ifMatch === null ? {} : { 'if-match': ifMatch }),
      },
      body: JSON.stringify({ onHand }),
    });

  it('has one winner among 50 writers that saw the same version; the others are shown what it is now', async () => {
    const productId = await bench.addProduct({ onHand: 1_000 });
    for (let round = 0; round < 5; round += 1) {
      const etag = await etagOf(productId);
      const answers = await Promise.all(
        Array.from({ length: 50 }, async (_, writer) => {
          const response = await put(productId, round * 100 + writer, etag, replicas[writer % 2]);
          return { writer, response, body: (await response.json()) as Record<string, unknown> };
        }),
      );
      const won = answers.filter(({ response }) => response.status === 200);
      const lost = answers.filter(({ response }) => response.status === 412);
      assert.equal(won.length, 1);
      assert.equal(lost.length, 49);
      const winner = won[0]!;
      assert.equal(winner.body['onHand'], round * 100 + winner.writer);
      assert.equal(winner.response.headers.get('etag'), await etagOf(productId));
      for (const { response, body } of lost) {
        assert.equal(response.headers.get('content-type'), 'application/problem+json; charset=utf-8');
        assert.equal(body['code'], 'version-mismatch');
        assert.deepEqual(body['current'], winner.body);
        assert.equal(response.headers.get('etag'), winner.response.headers.get('etag'));
      }
      const onHand = round * 100 + winner.writer;
      assert.deepEqual(await bench.pieces(productId), { initial: onHand, on_hand: onHand, reserved: 0, sold: 0 });
    }
  });

  it('moves what came in by as much, and leaves what is reserved', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const before = await etagOf(productId);
    const orderId = randomUUIDv7();
    await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 4 }]));
    await bench.heard(orderId);
    assert.equal((await put(productId, 20, before)).status, 412, 'a reservation is a new version');
    assert.equal((await put(productId, 20, await etagOf(productId))).status, 200);
    assert.deepEqual(await bench.pieces(productId), { initial: 24, on_hand: 20, reserved: 4, sold: 0 });
    const emptied = await put(productId, 0, await etagOf(productId));
    assert.equal(((await emptied.json()) as Product).onHand, 0);
    assert.deepEqual(await bench.pieces(productId), { initial: 4, on_hand: 0, reserved: 4, sold: 0 });
  });

  it('needs a version that was really seen', async () => {
    const productId = await bench.addProduct({ onHand: 10 });
    const etag = await etagOf(productId);
    for (const [ifMatch, status, code] of [
      [null, 428, 'precondition-required'],
      ['*', 428, 'precondition-required'],
      ['', 422, 'invalid-input'],
      [etag.replaceAll('"', ''), 422, 'invalid-input'],
      [`${etag} or true`, 422, 'invalid-input'],
      ['"1"', 412, 'version-mismatch'],
      [`W/${etag}`, 412, 'version-mismatch'],
      ['"\'OR/**/true--"', 412, 'version-mismatch'],
    ] as const) {
      const response = await put(productId, 11, ifMatch);
      assert.equal(response.status, status, String(ifMatch));
      assert.equal(((await response.json()) as { code: string }).code, code);
    }
    assert.equal((await bench.pieces(productId)).on_hand, 10);
    assert.equal((await put(productId, 11, `"1", ${etag}`)).status, 200);
    assert.equal((await put(randomUUIDv7(), 11, etag)).status, 404);
  });
});
