/** What others may rely on (design: contract.md), asked of the running mesh the way a stranger would. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import type { Order } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { testMesh, type TestMesh } from './support.ts';

/** They speak other protocols than ours. */
const standIns = new Set(['payment-provider', 'vault', 'toxiproxy']);

const root = join(import.meta.dirname, '../..');

/** What is said by who has waited a second for a part, which a busy machine can bring about: once each is no trouble. */
const heldUp = [
  'the outbox cannot be measured',
  'Redis cannot be asked',
  'changes made by other replicas are not heard',
  'redis does not answer',
];

describe('the contract', () => {
  let test: TestMesh;
  /** How much had been told when all was ready. */
  let readyAt: number;
  let shop: string;
  before(async () => {
    test = await testMesh('full');
    readyAt = test.events.length;
    shop = test.mesh.urls['bff']!;
  });

  const json = async (response: Response): Promise<Record<string, never>> =>
    (await response.json()) as Record<string, never>;

  it('has health, readiness, metrics and an instance name at every service', async () => {
    for (const name of test.mesh.services.filter((service) => !standIns.has(service))) {
      const url = test.mesh.urls[name]!;
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        // A service that is held up for a moment is not ready, and says so.
        const instance = await until(`${path} of ${name} to be 200`, async () => {
          const response = await fetch(`${url}${path}`);
          await response.body?.cancel();
          return response.status === 200 && response.headers.get('x-instance');
        });
        assert.equal(instance, name);
      }
    }
  });

  it('is described by each service in the OpenAPI document that is committed', async () => {
    for (const name of [
      'bff',
      'identity',
      'catalog-1',
      'claims',
      'payments',
      'checkout-1',
      'auditor',
      'chaos',
      'analytics',
      'tcp-gateway',
    ]) {
      const served = await json(await fetch(`${test.mesh.urls[name]}/openapi.json`));
      const file = join(root, 'apps', name.replace(/-\d$/, ''), 'openapi.json');
      if (process.env['UPDATE_OPENAPI'] === '1') await writeFile(file, `${JSON.stringify(served, null, 2)}\n`);
      const committed: unknown = JSON.parse(await readFile(file, 'utf8'));
      assert.deepEqual(
        served,
        committed,
        `${file} is not what ${name} serves: run UPDATE_OPENAPI=1 npm run e2e -- --filter contract`,
      );
    }
  });

  it('lets a browser session buy: register, CSRF token, order, history', async () => {
    let cookie = '';
    const call = async (
      method: string,
      path: string,
      body?: object,
      headers: Record<string, string> = {},
    ): Promise<Response> => {
      const response = await fetch(`${shop}${path}`, {
        method,
        headers: { cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const set = response.headers.getSetCookie()[0];
      if (set !== undefined) {
        assert.match(set, /HttpOnly/i);
        assert.match(set, /SameSite/i);
        cookie = set.split(';')[0]!;
      }
      return response;
    };
    const csrf = async (): Promise<Record<string, string>> => ({
      'x-csrf-token': (await json(await call('GET', '/api/session')))['csrfToken']!,
    });
    const email = `buyer-${Date.now()}@ballast.test`;
    await call('GET', '/api/session');
    assert.equal(
      (await call('POST', '/api/auth/register', { email, password: 'a long enough one' }, await csrf())).status,
      201,
    );
    const { items } = (await json(await call('GET', '/api/products?limit=3'))) as unknown as {
      items: { productId: string }[];
    };
    const body = {
      lines: [{ productId: items[0]!.productId, quantity: 1 }],
      payment: { provider: 'stripe', method: 'pm_card_visa' },
    };
    assert.equal((await call('POST', '/api/orders', body, { 'idempotency-key': 'k1' })).status, 403);
    const placed = await call('POST', '/api/orders', body, { ...(await csrf()), 'idempotency-key': 'k1' });
    assert.equal(placed.status, 202);
    const accepted = await json(placed);
    assert.match(placed.headers.get('location')!, new RegExp(`/orders/${accepted['orderId']}$`));
    const again = await call('POST', '/api/orders', body, { ...(await csrf()), 'idempotency-key': 'k1' });
    assert.equal(again.headers.get('idempotent-replayed'), 'true');
    assert.deepEqual(await json(again), accepted);
    const order = await until('the end', async () => {
      const found = (await json(await call('GET', `/api/orders/${accepted['orderId']}`))) as unknown as Order;
      return found.state === 'Completed' && found;
    });
    assert.deepEqual(
      order.history.map((step) => step.to),
      ['Initiated', 'StockReserved', 'ReadyForPayment', 'PaymentCaptured', 'Completed'],
    );
    assert.equal((await call('POST', '/api/auth/logout', undefined, await csrf())).status, 204);
    assert.equal((await call('GET', `/api/orders/${accepted['orderId']}`)).status, 401);
  });

  it('ends a declined order with everything put back', async () => {
    const [product] = await test.shopper.products();
    const stock = async () =>
      (
        await test.rows<{ on_hand: number }>('SELECT on_hand FROM catalog.products WHERE product_id = $1', [
          product!.productId,
        ])
      )[0]!.on_hand;
    const before = await stock();
    const placed = await test.shopper.order([{ productId: product!.productId, quantity: 3 }], {
      provider: 'stripe',
      method: 'pm_card_chargeDeclined',
    });
    const states = await test.settle([placed]);
    assert.equal(states.get(placed.orderId), 'Compensated');
    assert.equal(await stock(), before);
    assert.ok((await test.shopper.find(placed.orderId)).reason);
  });

  it('lets an operator, and nobody else, correct stock, once per version', async () => {
    const login = await fetch(`${test.mesh.urls['identity']}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'operator@ballast.test', password: 'ballast-operator' }),
    });
    const authorization = `Bearer ${(await json(login))['accessToken']}`;
    const product = (await test.shopper.products()).at(-2)!;
    const url = `${shop}/api/products/${product.productId}`;
    const etag = (await fetch(url)).headers.get('etag')!;
    const put = (headers: Record<string, string>) =>
      fetch(`${url}/stock`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ onHand: 77 }),
      });
    assert.equal((await put({})).status, 401);
    assert.equal(
      (
        await test.shopper.call('PUT', `/api/products/${product.productId}/stock`, {
          body: { onHand: 77 },
          headers: { 'if-match': etag },
        })
      ).status,
      403,
    );
    assert.equal((await put({ authorization })).status, 428);
    assert.equal((await put({ authorization, 'if-match': etag })).status, 200);
    const stale = await put({ authorization, 'if-match': etag });
    assert.equal(stale.status, 412);
    assert.equal(((await json(stale)) as unknown as { current: { onHand: number } }).current.onHand, 77);
  });

  it('follows an order by server-sent events, from a snapshot to its end', async () => {
    const [product] = await test.shopper.products();
    const placed = await test.shopper.order([{ productId: product!.productId, quantity: 1 }], {
      provider: 'stripe',
      method: 'pm_standin_slow',
    });
    const token = await json(
      await fetch(`${test.mesh.urls['identity']}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'demo@ballast.test', password: 'ballast-demo' }),
      }),
    );
    const response = await fetch(`${shop}/api/orders/${placed.orderId}/events`, {
      headers: { authorization: `Bearer ${token['accessToken']}` },
    });
    assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
    const text = await response.text();
    const kinds = [...text.matchAll(/^event: (\w+)$/gm)].map((match) => match[1]);
    assert.equal(kinds[0], 'snapshot');
    assert.equal(kinds.at(-1), 'end');
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    assert.deepEqual(ids.slice(0, -1), [...new Set(ids.slice(0, -1))]);
    assert.equal(ids.at(-1), 5);
  });

  it('files one claim per key on a completed order, and a granted one brings the money back', async () => {
    const [product] = await test.shopper.products();
    const lines = [{ productId: product!.productId, quantity: 2 }];
    const placed = await test.shopper.order(lines, { provider: 'paypal', method: 'paypal_approve' });
    const headers = { 'idempotency-key': 'the cup arrived broken'.replaceAll(' ', '-') };
    const body = { orderId: placed.orderId, reason: 'damaged', details: 'The handle is off.' };
    assert.equal(await test.shopper.end(placed.orderId, 30_000), 'Completed');
    const first = await test.shopper.call('POST', '/api/claims', { body, headers });
    assert.equal(first.status, 201, JSON.stringify(first.body));
    const again = await test.shopper.call('POST', '/api/claims', { body, headers });
    assert.equal(again.status, 200);
    assert.equal(again.headers['idempotent-replayed'], 'true');
    const { claimId } = first.body as { claimId: string };
    assert.equal((again.body as { claimId: string }).claimId, claimId);

    const decision = { decision: 'grant', note: 'Sorry for that.' };
    const path = `/api/claims/${claimId}/decision`;
    assert.equal((await test.shopper.call('POST', path, { body: decision })).status, 403);
    const operator = await json(
      await fetch(`${test.mesh.urls['identity']}/login`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email: 'operator@ballast.test', password: 'ballast-operator' }),
      }),
    );
    const granted = await fetch(`${shop}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${operator['accessToken']}` },
      body: JSON.stringify(decision),
    });
    assert.equal(granted.status, 200, await granted.text());
    await until('the claim is refunded', async () => {
      const claim = await test.shopper.call('GET', `/api/claims/${claimId}`);
      return (claim.body as { state: string }).state === 'refunded';
    });
    const states = await test.settle([placed]);
    assert.equal(states.get(placed.orderId), 'Completed');
    const ledger = (await (await fetch(`${test.mesh.urls['payment-provider']}/ledger`)).json()) as {
      orderId: string;
      captured: number;
      refunded: number;
    }[];
    const line = ledger.find(({ orderId }) => orderId === placed.orderId)!;
    assert.ok(line.captured > 0);
    assert.equal(line.refunded, line.captured);
  });

  it('tells nothing and warns of nothing while all is well', () => {
    // From the moment when all is ready: while everything starts at once, a process on a busy machine may stand still for
    // longer than it waits for a part.
    const told = test.events.slice(readyAt).filter((event) => event.type === 'log');
    const excused = new Set<string>();
    const noise = told.filter(({ component, level, message }) => {
      const what = heldUp.find((each) => message.startsWith(each));
      const isNoise = level !== 'warn' || what === undefined || excused.has(`${component}: ${what}`);
      excused.add(`${component}: ${what}`);
      return isNoise;
    });
    assert.deepEqual(noise, []);
  });
});
