/** Reading orders: one's own, page by page, and nobody else's. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { orderStates, type OrderPage } from '@ballast/contracts';
import type { RunningApp } from '@ballast/testing';
import { call, openBench, placed, read, type Bench, type Person } from '../support.ts';

describe('reading orders', () => {
  let bench: Bench;
  let app: RunningApp;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
  });
  after(() => bench.close());

  const page = async (person: Person, query = ''): Promise<OrderPage> => {
    const { status, body } = await call<OrderPage>(`${app.url}/orders${query}`, person);
    assert.equal(status, 200, JSON.stringify(body));
    return body;
  };

  it('shows where an order stands and every step it took', async () => {
    const person = bench.person();
    const orderId = await placed(app, person);
    await bench.complete(orderId);
    const { status, headers, body } = await read(app, person, orderId);
    assert.equal(status, 200);
    assert.equal(headers.get('cache-control'), 'no-store');
    assert.equal(body.state, 'Completed');
    assert.equal(body.reason, null);
    assert.deepEqual(
      body.history.map(({ seq, from, event, to }) => [seq, from, event, to]),
      [
        [1, null, 'OrderPlaced', 'Initiated'],
        [2, 'Initiated', 'StockReserved', 'StockReserved'],
        [3, 'StockReserved', 'PaymentAuthorized', 'ReadyForPayment'],
        [4, 'ReadyForPayment', 'PaymentCaptured', 'PaymentCaptured'],
        [5, 'PaymentCaptured', 'StockCommitted', 'Completed'],
      ],
    );
  });

  it('says why an order was given up', async () => {
    const person = bench.person();
    const orderId = await placed(app, person);
    await bench.say(orderId, 'StockReserved');
    await bench.heard(orderId, 'AuthorizePayment');
    await bench.say(orderId, 'PaymentDeclined');
    await bench.heard(orderId, 'ReleaseStock');
    await bench.say(orderId, 'StockReleased');
    await bench.reached(orderId, 'Compensated');
    assert.equal((await read(app, person, orderId)).body.reason, 'Your card was declined.');
  });

  it('of somebody else is the same 404 as of none at all; an operator sees it', async () => {
    const orderId = await placed(app, bench.person());
    const stranger = bench.person();
    for (const path of [orderId, randomUUIDv7()]) {
      for (const end of ['', '/events']) {
        const { status, body } = await call<{ code: string; detail: string }>(
          `${app.url}/orders/${path}${end}`,
          stranger,
        );
        assert.deepEqual([status, body.code, body.detail], [404, 'not-found', 'You have no such order.']);
      }
    }
    assert.equal((await read(app, bench.person('operator'), orderId)).status, 200);
    assert.deepEqual((await page(stranger)).items, []);
  });

  it('goes page by page, newest first, without a gap or a repeat although new ones are placed', async () => {
    const person = bench.person();
    const orders: string[] = [];
    for (let times = 0; times < 7; times += 1) orders.unshift(await placed(app, person));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const { items, nextCursor }: OrderPage = await page(
        person,
        `?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...items.map(({ orderId }) => orderId));
      cursor = nextCursor;
      await placed(app, person);
    } while (cursor !== null);
    assert.deepEqual(seen, orders);
    assert.equal((await page(person)).items.length, 10);
  });

  it('with a cursor or a limit that cannot be is a 422 that names it', async () => {
    for (const [query, field] of [
      ['cursor=nonsense', 'cursor'],
      [`cursor=${Buffer.from("' OR 1=1 --").toString('base64url')}`, 'cursor'],
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['page=2', 'page'],
    ] as const) {
      const { status, body } = await call<{ code: string; field: string }>(
        `${app.url}/orders?${query}`,
        bench.person(),
      );
      assert.deepEqual([status, body.code], [422, 'invalid-input'], query);
      assert.match(body.field, new RegExp(field), query);
    }
    assert.equal((await call(`${app.url}/orders/not-an-id`, bench.person())).status, 422);
  });

  it('without a token is a 401; the saga’s drawing is for everyone', async () => {
    assert.equal((await call(`${app.url}/orders`, null)).status, 401);
    const { status, body } = await call<{ states: { name: string }[] }>(`${app.url}/sagas/place-order`, null);
    assert.equal(status, 200);
    assert.deepEqual(body.states.map(({ name }) => name).toSorted(), [...orderStates].toSorted());
  });
});
