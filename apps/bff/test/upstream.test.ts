import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { until, type TestDatabase } from '@ballast/testing';
import { FakeIdentity, FakeService, json, problemAnswer } from './fakes.ts';
import { freshDatabase, startBff, type Bff } from './support.ts';

const order = {
  lines: [{ productId: randomUUID(), quantity: 1 }],
  payment: { provider: 'stripe', method: 'pm_card_visa' },
};

describe('calls to the services behind', () => {
  const identity = new FakeIdentity();
  let database: TestDatabase;
  let one: FakeService;
  let two: FakeService;
  let payments: FakeService;
  let bff: Bff;

  before(async () => {
    database = await freshDatabase();
    await identity.start();
  });
  after(async () => {
    await identity.kill();
    await database.drop();
  });
  beforeEach(async () => {
    one = await new FakeService('replica-1').start();
    two = await new FakeService('replica-2').start();
    payments = await new FakeService('payments-1').start();
    const both = `${one.origin}, ${two.origin}`;
    bff = await startBff({
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CATALOG_URLS: both,
      CHECKOUT_URLS: both,
      PAYMENTS_URL: payments.origin,
    });
  });
  afterEach(async () => {
    await bff.stop();
    for (const service of [one, two, payments]) await service.kill();
  });

  const read = async (): Promise<Response> => await fetch(`${bff.origin}/api/products/${randomUUID()}`);
  const bearer = (email = 'demo@ballast.test'): Record<string, string> => ({
    authorization: `Bearer ${identity.accessToken(email)}`,
  });
  const place = async (): Promise<Response> =>
    await fetch(`${bff.origin}/api/orders`, {
      method: 'POST',
      headers: { ...bearer(), 'content-type': 'application/json', 'idempotency-key': randomUUID() },
      body: JSON.stringify(order),
    });
  const correct = async (): Promise<Response> =>
    await fetch(`${bff.origin}/api/products/${randomUUID()}/stock`, {
      method: 'PUT',
      headers: { ...bearer('operator@ballast.test'), 'content-type': 'application/json', 'if-match': '"1"' },
      body: '{"onHand":5}',
    });
  const webhook = async (): Promise<Response> =>
    await fetch(`${bff.origin}/webhooks/stripe`, { method: 'POST', body: '{}' });
  const total = (): number => one.calls.length + two.calls.length;
  /** How often calls to a service, or attempts at them, ended without an answer in that way since the bff began. */
  const failures = async (origin: string, upstream: string, kind: string): Promise<number> => {
    const text = await (await fetch(`${origin}/metrics`)).text();
    const series = `bff_upstream_failures_total{upstream="${upstream}",kind="${kind}"`;
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  };

  it('go to the replicas in turn, and say who answered', async () => {
    const served = new Set<string | null>();
    for (let call = 0; call < 6; call += 1)
      served.add((await fetch(`${bff.origin}/api/products`)).headers.get('x-served-by'));
    assert.deepEqual(served, new Set(['replica-1', 'replica-2']));
    assert.equal(one.calls.length, 3);
  });

  it('go to the same replica for the same product, and to the other one only while that is away', async () => {
    const ids = Array.from({ length: 40 }, () => randomUUID());
    const serverOf = async (id: string): Promise<string | null> =>
      (await fetch(`${bff.origin}/api/products/${id}`)).headers.get('x-served-by');
    const first = await Promise.all(ids.map(serverOf));
    assert.deepEqual(new Set(first), new Set(['replica-1', 'replica-2']));
    assert.deepEqual(await Promise.all(ids.map((id) => serverOf(id.toUpperCase()))), first);
    await one.kill();
    assert.deepEqual(new Set(await Promise.all(ids.map(serverOf))), new Set(['replica-2']));
  });

  it('leave out a replica that refuses connections', async () => {
    await one.kill();
    for (let call = 0; call < 10; call += 1) assert.equal((await read()).status, 200);
    for (const send of [place, correct]) assert.equal((await send()).status, 200);
    assert.equal(two.calls.length, 12);
  });

  it('ride out a restart of all replicas, reads and writes alike: nothing had been sent', async () => {
    await Promise.all([one.kill(), two.kill(), payments.kill()]);
    const waiting = Promise.all([read(), place(), correct(), webhook()]);
    setTimeout(() => void Promise.all([two.start(), payments.start()]), 400);
    assert.deepEqual(
      (await waiting).map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.equal(total(), 3);
    assert.equal(payments.calls.length, 1);
  });

  it('end in 503 with Retry-After within about a second when nobody is there', async () => {
    await Promise.all([one.kill(), two.kill(), payments.kill()]);
    for (const response of await Promise.all([read(), place(), correct(), webhook()])) {
      assert.equal(response.status, 503);
      assert.equal(response.headers.get('retry-after'), '1');
      const problem = (await response.json()) as { code: string; detail: string };
      assert.equal(problem.code, 'unavailable');
      assert.doesNotMatch(JSON.stringify(problem), /127\.0\.0\.1|ECONN|replica|payments-/);
    }
    // The second of trying again has ended them, not the three and five seconds that a call may take.
    for (const upstream of ['catalog', 'checkout', 'payments']) {
      assert.ok((await failures(bff.origin, upstream, 'refused')) > 0, upstream);
      assert.equal(await failures(bff.origin, upstream, 'timeout'), 0, upstream);
    }
  });

  it('are sent again after a lost connection when they are safe: reads, and orders with their key', async () => {
    const breakOff = (one.answer = two.answer = (_request, _response, raw) => void raw.socket.destroy());
    assert.equal((await read()).status, 503);
    assert.equal(total(), 3, 'three sendings at most');
    two.answer = (_request, response) => json(response, 202, {});
    for (let call = 0; call < 4; call += 1) assert.equal((await place()).status, 202);
    const keys = new Set(
      [...one.calls, ...two.calls]
        .filter(({ method }) => method === 'POST')
        .map(({ headers }) => headers['idempotency-key']),
    );
    assert.equal(keys.size, 4, 'each order keeps the key it came with');
    assert.equal(one.answer, breakOff);
    assert.ok(one.calls.some(({ method }) => method === 'POST'));
  });

  it('are not sent again after a lost connection when they may have had an effect', async () => {
    one.answer = two.answer = payments.answer = (_request, _response, raw) => void raw.socket.destroy();
    assert.equal((await correct()).status, 503);
    assert.equal(total(), 1);
    assert.equal((await webhook()).status, 503);
    assert.equal(payments.calls.length, 1);
  });

  it('are not sent again because of an error that was answered', async () => {
    one.answer = two.answer = (_request, response) =>
      problemAnswer(response, 503, 'unavailable', { 'retry-after': '7' });
    const response = await place();
    assert.equal(response.status, 503);
    assert.equal(response.headers.get('retry-after'), '7');
    assert.equal(total(), 1);
  });

  it('read from another replica when one is silent', async () => {
    const productIds: string[] = [];
    while (productIds.length < 4) {
      const productId = randomUUID();
      const response = await fetch(`${bff.origin}/api/products/${productId}`);
      if (response.headers.get('x-served-by') === one.name) productIds.push(productId);
    }
    const readAll = async (): Promise<(string | null)[]> =>
      await Promise.all(
        productIds.map(async (productId) => {
          const response = await fetch(`${bff.origin}/api/products/${productId}`);
          return response.headers.get('x-served-by');
        }),
      );
    const asked = one.calls.length;
    one.answer = () => {};
    const byTheOther = productIds.map(() => two.name);
    assert.deepEqual(await readAll(), byTheOther);
    assert.equal(one.calls.length, asked + productIds.length, 'it was asked first');
    assert.deepEqual(await readAll(), byTheOther);
    assert.equal(one.calls.length, asked + productIds.length, 'the silent one is left out for a while');
  });

  it('end in 503 within their limit when all are silent, and leave no connection behind', async () => {
    one.answer = two.answer = payments.answer = () => {};
    const timed = async (send: () => Promise<Response>): Promise<number> => {
      const startedAt = performance.now();
      assert.equal((await send()).status, 503);
      return performance.now() - startedAt;
    };
    const [reading, placing, hooking] = await Promise.all([timed(read), timed(place), timed(webhook)]);
    // Each waits for as long as it may; that it does not wait for ever is what its answer shows.
    assert.ok(reading > 2_500, `read ${reading}`);
    assert.ok(placing > 4_500, `order ${placing}`);
    assert.ok(hooking > 4_500, `webhook ${hooking}`);
    for (const upstream of ['catalog', 'checkout', 'payments'])
      assert.ok((await failures(bff.origin, upstream, 'timeout')) > 0, upstream);
    const orders = [...one.calls, ...two.calls].filter(({ method }) => method === 'POST');
    assert.equal(orders.length, 1, 'a slow order is never sent a second time');
    await until('all connections to silent services are closed', () =>
      [one, two, payments].every(({ sockets }) => sockets.size === 0),
    );
  });

  it('do not wait for a host that swallows connections', async () => {
    // Accepts and says nothing, ever.
    const sockets: Socket[] = [];
    const silent: Server = createServer((socket) => void sockets.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address() as { port: number };
    const other = await startBff({ POSTGRES_URL: database.url, CATALOG_URLS: `http://127.0.0.1:${address.port}` });
    try {
      const responses = await Promise.all(
        Array.from({ length: 100 }, async () => await fetch(`${other.origin}/api/products`)),
      );
      assert.deepEqual(new Set(responses.map(({ status }) => status)), new Set([503]));
      assert.equal((await fetch(`${other.origin}/healthz`)).status, 200);
    } finally {
      await other.stop();
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('show nothing of what went wrong inside', async () => {
    for (const answer of [
      ((_request, response) => json(response, 500, { stack: 'at secret.ts:1' })) satisfies FakeService['answer'],
      ((_request, response) => problemAnswer(response, 502, 'secret')) satisfies FakeService['answer'],
      ((_request, response) => json(response, 404, { stack: 'at secret.ts:1' })) satisfies FakeService['answer'],
    ]) {
      one.answer = two.answer = answer;
      const response = await read();
      const text = await response.text();
      assert.equal(response.status, 503);
      assert.doesNotMatch(text, /secret/);
      assert.equal((JSON.parse(text) as { code: string }).code, 'unavailable');
    }
  });

  it('end when the answer is larger than anything should be', async () => {
    one.answer = two.answer = (_request, response) => void response.writeHead(200).end(Buffer.alloc(3 * 1024 * 1024));
    assert.equal((await read()).status, 503);
    assert.equal(total(), 1);
  });

  it('carry problems, ETags and locations through as they are', async () => {
    one.answer = two.answer = (_request, response) =>
      json(
        response,
        202,
        { orderId: 'x' },
        { location: '/orders/x', etag: '"7"', 'idempotent-replayed': 'true', 'x-served-by': 'catalog-1' },
      );
    const placed = await place();
    assert.equal(placed.status, 202);
    assert.equal(placed.headers.get('location'), '/api/orders/x');
    assert.equal(placed.headers.get('etag'), '"7"');
    assert.equal(placed.headers.get('idempotent-replayed'), 'true');
    assert.match(placed.headers.get('x-served-by') ?? '', /^replica-[12], catalog-1$/);
    assert.equal(placed.headers.get('x-instance'), 'bff-test');
    assert.equal(await placed.text(), '{"orderId":"x"}');
    one.answer = two.answer = (_request, response) => problemAnswer(response, 412, 'version-mismatch');
    const stale = await correct();
    assert.equal(stale.status, 412);
    assert.equal(stale.headers.get('content-type'), 'application/problem+json; charset=utf-8');
    assert.equal(((await stale.json()) as { code: string }).code, 'version-mismatch');
    one.answer = two.answer = (_request, response) => void response.writeHead(304, { etag: '"7"' }).end();
    const unchanged = await fetch(`${bff.origin}/api/products/${randomUUID()}`, {
      headers: { 'if-none-match': '"7"' },
    });
    assert.equal(unchanged.status, 304);
    assert.equal(
      [...one.calls, ...two.calls].some(({ headers }) => headers['if-none-match'] === '"7"'),
      true,
    );
  });

  it('name the services that keep the bff from being ready', async () => {
    assert.equal((await fetch(`${bff.origin}/readyz`)).status, 200);
    const partly = await startBff({
      POSTGRES_URL: database.url,
      IDENTITY_URL: identity.origin,
      CATALOG_URLS: `${one.origin},http://127.0.0.1:9`,
      PAYMENTS_URL: payments.origin,
    });
    try {
      const response = await fetch(`${partly.origin}/readyz`);
      assert.equal(response.status, 503);
      assert.deepEqual(Object.keys(((await response.json()) as { failing: object }).failing), ['checkout']);
    } finally {
      await partly.stop();
    }
  });
});
