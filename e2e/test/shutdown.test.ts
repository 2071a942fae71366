/** SIGTERM under load: whatever a service has taken in, it answers. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { before, describe, it } from 'node:test';
import { until } from '@ballast/testing';
import { Agent, request } from 'undici';
import { testMesh, type TestMesh } from './support.ts';

describe('a service that is told to end while it is under load', () => {
  let test: TestMesh;
  let token: string;
  before(async () => {
    test = await testMesh('light');
    const response = await fetch(`${test.mesh.urls['identity']}/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'demo@ballast.test', password: 'ballast-demo' }),
    });
    token = ((await response.json()) as { accessToken: string }).accessToken;
  });

  /** Asks one address some hundred times a second on kept-alive connections until `stop`; counts what came of it. */
  const load = (url: string, headers: Record<string, string>) => {
    const agent = new Agent({ connections: 12, connect: { timeout: 10_000 } });
    const seen = { answered: 0, refused: 0, lost: [] as string[], unexpected: [] as number[] };
    let running = true;
    const one = async (): Promise<void> => {
      while (running) {
        try {
          const response = await request(url, {
            dispatcher: agent,
            headers,
            headersTimeout: 30_000,
            bodyTimeout: 30_000,
          });
          await response.body.text();
          if (response.statusCode === 200) seen.answered += 1;
          else seen.unexpected.push(response.statusCode);
        } catch (error) {
          const code = (error as { code?: string }).code ?? String(error);
          // Refused at the door: the service never had it, and the caller knows at once.
          if (code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT') seen.refused += 1;
          else seen.lost.push(code);
        }
        await setTimeout(10);
      }
    };
    const workers = Array.from({ length: 12 }, one);
    return {
      seen,
      stop: async () => {
        running = false;
        await Promise.all(workers);
        await agent.close();
      },
    };
  };

  for (const [name, path] of [
    ['bff', '/api/products?limit=5'],
    ['catalog-1', '/products?limit=5'],
    ['checkout-1', '/orders?limit=5'],
    ['payments', '/payment-methods'],
    ['identity', '/.well-known/jwks.json'],
  ] as const) {
    it(`${name} loses no request`, async () => {
      const traffic = load(`${test.mesh.urls[name]}${path}`, { authorization: `Bearer ${token}` });
      await until('traffic', () => traffic.seen.answered > 50);
      const exits = () => test.events.filter((event) => event.type === 'exit' && event.component === name);
      const before = exits().length;
      await test.mesh.kill(name, 'SIGTERM');
      await until('the end', () => exits().length > before);
      await test.mesh.waitUntilReady([name]);
      const answered = traffic.seen.answered;
      await until('traffic again', () => traffic.seen.answered > answered + 20);
      await traffic.stop();
      assert.deepEqual(traffic.seen.lost, []);
      assert.deepEqual(traffic.seen.unexpected, []);
      const exit = exits().at(-1)!;
      assert.equal(exit.type === 'exit' ? exit.code : null, 0);
    });
  }

  it('is not noticed by customers when it has a replica', async () => {
    const traffic = load(`${test.mesh.urls['bff']}/api/products?limit=5`, {});
    await until('traffic', () => traffic.seen.answered > 50);
    for (const name of ['catalog-1', 'catalog-2'] as const) {
      const before = test.events.filter((event) => event.type === 'exit' && event.component === name).length;
      await test.mesh.kill(name, 'SIGTERM');
      await until(
        'the end',
        () => test.events.filter((event) => event.type === 'exit' && event.component === name).length > before,
      );
      await test.mesh.waitUntilReady([name]);
    }
    await traffic.stop();
    assert.deepEqual(traffic.seen, { answered: traffic.seen.answered, refused: 0, lost: [], unexpected: [] });
  });

  it('leaves no order behind', async () => {
    const products = (await test.shopper.products()).filter((product) => product.onHand > 100);
    const victims = ['checkout-1', 'catalog-1', 'payments', 'checkout-2', 'catalog-2'];
    const placed = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const victim = index % 12 === 0 ? victims[index / 12] : undefined;
        if (victim !== undefined) await test.mesh.kill(victim, 'SIGTERM');
        return test.shopper.order(
          [{ productId: products[index % 7]!.productId, quantity: 1 }],
          { provider: 'stripe', method: 'pm_card_visa' },
          60_000,
        );
      }),
    );
    await test.mesh.waitUntilReady();
    const states = await test.settle(placed);
    assert.deepEqual(new Set(states.values()), new Set(['Completed']));
  });
});
