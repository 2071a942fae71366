import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { databaseLimits, type DatabaseLimits } from '../src/app.ts';
import { FakeIdentity, FakeService, json, problemAnswer } from './fakes.ts';
import { freshDatabase, startBff, type Bff } from './support.ts';

const order = (quantity = 1) => ({
  lines: [{ productId: '018f4e3c-0000-7000-8000-000000000001', quantity }],
  payment: { provider: 'stripe', method: 'pm_card_visa' },
});

describe('an order under an Idempotency-Key', () => {
  const identity = new FakeIdentity();
  let database: TestDatabase;
  let checkout: FakeService;
  let bff: Bff;
  const started: Bff[] = [];
  const start = async (instance = 'bff-test', limits?: DatabaseLimits): Promise<Bff> => {
    const environment = {
      INSTANCE: instance,
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CHECKOUT_URLS: checkout.origin,
    };
    const running = await startBff(environment, limits);
    started.push(running);
    return running;
  };
  before(async () => {
    database = await freshDatabase();
    identity.add('eve@ballast.test', 'eve', ['customer']);
    await identity.start();
  });
  after(async () => {
    await identity.kill();
    await database.drop();
  });
  beforeEach(async () => {
    let orders = 0;
    checkout = await new FakeService('checkout-1', (_request, response) => {
      const orderId = `order-${(orders += 1)}`;
      json(response, 202, { orderId, state: 'Initiated' }, { location: `/orders/${orderId}` });
    }).start();
    bff = await start();
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((each) => each.stop()));
    await checkout.kill();
  });

  const place = async (key: string, body: unknown = order(), by = 'demo@ballast.test', at = bff): Promise<Response> =>
    await fetch(`${at.origin}/api/orders`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${identity.accessToken(by)}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify(body),
    });
  const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
  const held = (): { arrived: () => boolean; answer: () => void } => {
    const answers: (() => void)[] = [];
    const usual = checkout.answer;
    checkout.answer = (request, response, raw) => {
      answers.push(() => void usual(request, response, raw));
    };
    return {
      arrived: () => answers.length > 0,
      answer: () => {
        checkout.answer = usual;
        for (const answer of answers) answer();
      },
    };
  };

  it('is given the same answer again, also by another replica, and checkout is not asked', async () => {
    const key = randomUUID();
    const first = await place(key);
    assert.equal(first.status, 202);
    assert.equal(first.headers.get('idempotent-replayed'), null);
    assert.equal(first.headers.get('x-served-by'), 'checkout-1');
    const body = await first.text();
    for (const at of [bff, await start('bff-2')]) {
      const again = await place(key, order(), 'demo@ballast.test', at);
      assert.equal(again.status, 202);
      assert.equal(again.headers.get('idempotent-replayed'), 'true');
      assert.equal(again.headers.get('location'), first.headers.get('location'));
      assert.equal(again.headers.get('content-type'), first.headers.get('content-type'));
      assert.equal(again.headers.get('x-served-by'), again.headers.get('x-instance'));
      assert.equal(await again.text(), body);
    }
    assert.equal(checkout.calls.length, 1);
    const metrics = await (await fetch(`${bff.origin}/metrics`)).text();
    assert.match(metrics, /bff_idempotent_requests_total\{[^}]*outcome="replayed"[^}]*\} 1/);
  });

  it('that is running is a 409 that says when to ask again', async () => {
    const key = randomUUID();
    const { arrived, answer } = held();
    const first = place(key);
    await until('the order at checkout', arrived);
    const second = await place(key);
    assert.equal(second.status, 409);
    assert.equal(second.headers.get('retry-after'), '1');
    assert.equal(await codeOf(second), 'in-progress');
    const other = await place(key, order(2));
    assert.equal(other.status, 422);
    answer();
    assert.equal((await first).status, 202);
    assert.equal(checkout.calls.length, 1);
  });

  it('is refused with another body, and not with the same one written differently', async () => {
    const key = randomUUID();
    await place(key);
    const other = await place(key, order(2));
    assert.equal(other.status, 422);
    assert.equal(await codeOf(other), 'idempotency-key-reused');
    const { lines, payment } = order();
    assert.equal((await place(key, { payment, lines })).headers.get('idempotent-replayed'), 'true');
    assert.equal(checkout.calls.length, 1);
  });

  it('is the caller’s own: another one may use the same key', async () => {
    const key = randomUUID();
    const [one, two] = [await place(key), await place(key, order(2), 'eve@ballast.test')];
    assert.equal(two.status, 202);
    assert.notEqual(await one.text(), await two.text());
  });

  it('that was refused for good is refused again, without asking', async () => {
    const key = randomUUID();
    checkout.answer = (_request, response) => problemAnswer(response, 422, 'unknown-product');
    const first = await place(key);
    const again = await place(key);
    assert.deepEqual([first.status, again.status], [422, 422]);
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.equal(await again.text(), await first.text());
    assert.equal(checkout.calls.length, 1);
  });

  it('that was limited or invalid may be sent again, mended, with the same key', async () => {
    const key = randomUUID();
    const usual = checkout.answer;
    for (const [status, code] of [
      [429, 'rate-limited'],
      [422, 'invalid-input'],
      [401, 'invalid-token'],
    ] as const) {
      checkout.answer = (_request, response) => problemAnswer(response, status, code);
      assert.equal((await place(key)).status, status);
    }
    assert.equal((await place(key, { ...order(), lines: [] })).status, 422);
    checkout.answer = usual;
    const placed = await place(key, order(2));
    assert.equal(placed.status, 202);
    assert.equal(placed.headers.get('idempotent-replayed'), null);
  });

  it('whose outcome is unknown may be sent again at once, with the same body only', async () => {
    const key = randomUUID();
    const usual = checkout.answer;
    for (const answer of [
      ((_request, response) => problemAnswer(response, 503, 'unavailable')) satisfies FakeService['answer'],
      ((_request, response) => json(response, 500, {})) satisfies FakeService['answer'],
      ((_request, response) => json(response, 404, {})) satisfies FakeService['answer'],
      ((_request, _response, raw) => void raw.socket.destroy()) satisfies FakeService['answer'],
    ]) {
      checkout.answer = answer;
      assert.equal((await place(key)).status, 503);
      assert.equal((await place(key, order(2))).status, 422);
    }
    checkout.answer = (_request, response) => problemAnswer(response, 409, 'in-progress', { 'retry-after': '1' });
    assert.equal((await place(key)).status, 409);
    checkout.answer = usual;
    assert.equal((await place(key)).status, 202);
    assert.equal((await place(key)).headers.get('idempotent-replayed'), 'true');
  });

  it('is not sent at all when the key cannot be claimed', async () => {
    const key = randomUUID();
    await place(randomUUID());
    const before_ = checkout.calls.length;
    await database.cut();
    try {
      const answer = await place(key);
      assert.equal(answer.status, 503);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
      assert.equal(checkout.calls.length, before_);
    } finally {
      await database.restore();
    }
    await until('the database to be back', async () => (await place(key)).status === 202);
  });

  it('is a 503 within a second where the database does not answer', async () => {
    // The row of a key tells how long its bff lets the database work. A clock here would also measure this machine.
    await database.database.query(
      `ALTER TABLE idempotency_keys ADD COLUMN worked_at_most text DEFAULT current_setting('statement_timeout')`,
    );
    const usual = await start('bff-usual', databaseLimits);
    const key = await until('an order by way of it', async () => {
      const tried = randomUUID();
      return (await place(tried, order(), undefined, usual)).status === 202 ? tried : null;
    });
    const rows = await database.database.query<{ most: string }>(
      'SELECT worked_at_most AS most FROM idempotency_keys WHERE key = $1',
      [key],
    );
    assert.match(rows[0]!.most, /^\d{1,3}ms$/);
    assert.ok(databaseLimits.connectTimeoutMs < 1_000 && databaseLimits.queryTimeoutMs < 1_000);
    await database.database.transaction(async (transaction) => {
      // Held until the bff has given up, however long this process is held up itself.
      await transaction.query('SET LOCAL idle_in_transaction_session_timeout = 0');
      await transaction.query('LOCK TABLE idempotency_keys IN ACCESS EXCLUSIVE MODE');
      assert.equal((await place(randomUUID(), order(), undefined, usual)).status, 503);
    });
  });
});
