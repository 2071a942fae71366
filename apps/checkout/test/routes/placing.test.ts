/** Placing orders: what is accepted once and only once, and what is refused. */
import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { RunningApp } from '@ballast/testing';
import { lamp, mug } from '../fake-catalog.ts';
import { goodOrder, openBench, place, placed, read, type Bench, type Person } from '../support.ts';

describe('placing an order', () => {
  let bench: Bench;
  let apps: RunningApp[];
  let app: RunningApp;
  let person: Person;
  before(async () => {
    bench = await openBench();
    apps = await Promise.all([bench.start(), bench.start()]);
    app = apps[0]!;
    person = bench.person();
  });
  after(() => bench.close());

  const ordersOf = async ({ userId }: Person): Promise<number> =>
    (await bench.test.database.query('SELECT FROM orders WHERE user_id = $1', [userId])).length;

  it('is accepted with its place, priced by the catalog under the caller’s own token, and starts with the stock', async () => {
    const lines = [
      { productId: mug.toUpperCase(), quantity: 2 },
      { productId: lamp, quantity: 1 },
    ];
    const { status, headers, body } = await place(app, person, { ...goodOrder, lines });
    assert.equal(status, 202);
    assert.deepEqual(Object.keys(body).toSorted(), ['orderId', 'state']);
    assert.equal(body.state, 'Initiated');
    assert.equal(headers.get('location'), `/orders/${body.orderId}`);
    assert.equal(headers.get('idempotent-replayed'), null);
    assert.equal(bench.catalog.tokens.at(-1), person.token);
    const { body: order } = await read(app, person, body.orderId);
    assert.deepEqual(order.total, { amount: 2800, currency: 'EUR' });
    assert.deepEqual(
      order.lines.map((line) => [line.productId, line.name, line.quantity, line.unitPrice.amount]),
      [
        [mug, 'Enamel watch mug', 2, 1250],
        [lamp, 'Chart table lamp', 1, 300],
      ],
    );
    assert.deepEqual(order.payment, goodOrder.payment);
    await bench.heard(body.orderId, 'ReserveStock');
    assert.deepEqual(bench.commands(body.orderId), ['ReserveStock']);
  });

  it('under the same key gives the same answer again, and says that it does', async () => {
    const key = randomUUIDv7();
    const first = await place(app, person, goodOrder, key);
    for (const replica of apps) {
      const again = await place(replica, person, goodOrder, key);
      assert.equal(again.status, first.status);
      assert.deepEqual(again.body, first.body);
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      assert.equal(again.headers.get('idempotent-replayed'), 'true');
    }
  });

  it('fifty times at once under one key, through two replicas, is one order', async () => {
    const crowd = bench.person();
    const key = randomUUIDv7();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => place(apps[index % 2]!, crowd, goodOrder, key)),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [202]);
    const ids = new Set(answers.map(({ body }) => body.orderId));
    assert.equal(ids.size, 1);
    assert.equal(answers.filter(({ headers }) => headers.get('idempotent-replayed') === null).length, 1);
    assert.equal(await ordersOf(crowd), 1);
    const [orderId] = ids;
    await bench.heard(orderId!, 'ReserveStock');
    assert.deepEqual(bench.commands(orderId!), ['ReserveStock']);
  });

  it('under a key that belongs to another request is a 422, and the first stays as it was', async () => {
    const key = randomUUIDv7();
    const first = await place(app, person, goodOrder, key);
    const other = { ...goodOrder, lines: [{ productId: mug, quantity: 2 }] };
    const { status, body } = await place(app, person, other, key);
    assert.deepEqual([status, body['code'], body['field']], [422, 'idempotency-key-reused', 'Idempotency-Key']);
    assert.equal((await place(app, person, goodOrder, key)).body.orderId, first.body.orderId);
  });

  it('under another person’s key is another order', async () => {
    const key = randomUUIDv7();
    const [mine, yours] = await Promise.all([
      place(app, person, goodOrder, key),
      place(app, bench.person(), goodOrder, key),
    ]);
    assert.deepEqual([mine.status, yours.status], [202, 202]);
    assert.notEqual(mine.body.orderId, yours.body.orderId);
  });

  it('without a key is a 400; with one that no header should carry a 422', async () => {
    const none = await place(app, person, goodOrder, null);
    assert.deepEqual([none.status, none.body['code']], [400, 'missing-idempotency-key']);
    for (const key of ['a b', 'x'.repeat(201)]) {
      const { status, body } = await place(app, person, goodOrder, key);
      assert.deepEqual([status, body['code']], [422, 'invalid-input'], key);
    }
  });

  it('without a token, or with one that is over, is a 401', async () => {
    assert.equal((await place(app, null)).status, 401);
    const expired = { ...person, token: bench.identity.token({ userId: person.userId }, { exp: 1 }) };
    assert.equal((await place(app, expired)).status, 401);
  });

  const line = { productId: mug, quantity: 1 };
  const cases: [what: string, body: unknown, field: string, code?: string][] = [
    [
      'a product nobody sells',
      { ...goodOrder, lines: [{ ...line, productId: randomUUIDv7() }] },
      'lines.0.productId',
      'unknown-product',
    ],
    ['a product in two lines', { ...goodOrder, lines: [line, line] }, 'lines.1.productId'],
    ['a price in the body', { ...goodOrder, lines: [{ ...line, price: 1 }] }, 'lines.0.price'],
    ['a total in the body', { ...goodOrder, total: { amount: 1, currency: 'EUR' } }, 'total'],
    ['no line', { ...goodOrder, lines: [] }, 'lines'],
    ['a negative quantity', { ...goodOrder, lines: [{ ...line, quantity: -1 }] }, 'lines.0.quantity'],
    ['a fraction', { ...goodOrder, lines: [{ ...line, quantity: 1.5 }] }, 'lines.0.quantity'],
    ['a quantity in words', { ...goodOrder, lines: [{ ...line, quantity: '1' }] }, 'lines.0.quantity'],
    ['more than can be ordered', { ...goodOrder, lines: [{ ...line, quantity: 101 }] }, 'lines.0.quantity'],
    ['an id that is none', { ...goodOrder, lines: [{ ...line, productId: 'mug' }] }, 'lines.0.productId'],
    ['a provider we do not have', { ...goodOrder, payment: { provider: 'cash', method: 'x' } }, 'payment.provider'],
    ['no payment', { lines: [line] }, 'payment'],
  ];
  for (const [what, body, field, code = 'invalid-input'] of cases) {
    it(`with ${what} is a 422 that names the field, and no order`, async () => {
      const stranger = bench.person();
      const answer = await place(app, stranger, body);
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.equal(answer.body['code'], code);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json; charset=utf-8');
      assert.equal(answer.body['field'], field);
      assert.equal(await ordersOf(stranger), 0);
    });
  }

  it('that was refused leaves its key free', async () => {
    const key = randomUUIDv7();
    assert.equal((await place(app, person, { ...goodOrder, lines: [] }, key)).status, 422);
    assert.equal((await place(app, person, goodOrder, key)).status, 202);
  });
});

describe('placing an order while the catalog is away', () => {
  let bench: Bench;
  let app: RunningApp;
  before(async () => {
    bench = await openBench();
    app = await bench.start();
  });
  after(() => bench.close());

  const away = {
    'closed its port': () => bench.catalog.stop(),
    'is silent': async () => void (bench.catalog.mood = 'is silent'),
    'answers 500': async () => void (bench.catalog.mood = 'fails'),
  };
  for (const [how, leave] of Object.entries(away)) {
    it(`is a 503 with Retry-After soon (it ${how}); what was placed before is still answered`, async () => {
      const person = bench.person();
      const key = randomUUIDv7();
      const before = await place(app, person, goodOrder, key);
      await leave();
      try {
        const began = performance.now();
        const { status, headers, body } = await place(app, person);
        const took = performance.now() - began;
        assert.deepEqual([status, body['code'], body['retryable']], [503, 'unavailable', true]);
        assert.ok(Number(headers.get('retry-after')) >= 1);
        // Promised is about a second, and a busy machine may add some; without a limit the silent one is waited for for ever.
        assert.ok(took < 6_000, `${took} ms`);
        const again = await place(app, person, goodOrder, key);
        assert.deepEqual([again.status, again.body.orderId], [202, before.body.orderId]);
        assert.equal(again.headers.get('idempotent-replayed'), 'true');
        const other = await place(app, person, { ...goodOrder, lines: [{ productId: lamp, quantity: 1 }] }, key);
        assert.equal(other.body['code'], 'idempotency-key-reused');
      } finally {
        bench.catalog.mood = 'quotes';
        if (how === 'closed its port') await bench.catalog.start();
      }
      await placed(app, person);
    });
  }

  it('goes to the other replica when one is away', async () => {
    const two = await bench.start({ CATALOG_URLS: `http://127.0.0.1:9,${bench.catalog.url}` });
    for (let times = 0; times < 4; times += 1) await placed(two, bench.person());
  });
});
