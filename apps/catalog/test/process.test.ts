import assert from 'node:assert/strict';
import { randomUUIDv7 } from 'node:crypto';
import { after, afterEach, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { spawnService, until, type ServiceProcess } from '@ballast/testing';
import { command, openBench, type Bench } from './support.ts';

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

describe('the catalog process', () => {
  let bench: Bench;
  const running = new Set<ServiceProcess>();
  before(async () => {
    bench = await openBench();
  });
  afterEach(async () => {
    for (const process of running) await process.end('SIGKILL');
    running.clear();
  });
  after(() => bench.close());

  async function start(settings: Record<string, string> = {}): Promise<ServiceProcess> {
    const environment = { ...bench.environment, INSTANCE: 'catalog-1', LAB_MODE: '1', ...settings };
    const process = await spawnService(main, environment);
    running.add(process);
    return process;
  }

  it('starts, answers, and ends on SIGTERM with exit code 0, without a word above info', async () => {
    const process = await start();
    await process.ready();
    assert.equal((await fetch(`${process.url}/products`)).status, 200);
    assert.deepEqual(await process.end('SIGTERM'), { code: 0, signal: null });
    assert.deepEqual(
      process.log().filter((line) => line.level > 30),
      [],
    );
    assert.deepEqual(process.errors, []);
  });

  it('names a setting that is wrong in one sentence, with exit code 1', async () => {
    const process = await start({ RESERVATION_SECONDS: 'soon' });
    assert.equal((await process.ended).code, 1);
    assert.equal(process.errors.length, 1);
    assert.match(process.errors[0]!, /^catalog: RESERVATION_SECONDS: /);
  });

  for (const point of ['before-commit', 'after-commit', 'after-publish', 'before-ack']) {
    it(`does all orders once although it is killed at ${point}`, async () => {
      const count = 25;
      const orders = Array.from({ length: count }, () => randomUUIDv7());
      const doomed = await start({ FAULTS: `${point}=crash@4` });
      await doomed.ready();
      const productId = await bench.addProduct({ onHand: 100 });
      for (const orderId of orders) {
        await bench.publish(command('ReserveStock', orderId, [{ productId, quantity: 2 }]));
        // One at a time, because together they would pass the point only once.
        await until('it answers or dies', () => doomed.gone || bench.events(orderId).length > 0);
      }
      assert.deepEqual(await doomed.ended, { code: null, signal: 'SIGKILL' });
      const told = bench.events().length;
      assert.ok(
        orders.some((orderId) => bench.events(orderId).length === 0),
        `${told} were told: it died in the middle`,
      );

      const next = await start();
      await next.ready();
      for (const orderId of orders) {
        const events = await bench.heard(orderId);
        assert.deepEqual([...new Set(events.map((event) => event.type))], ['StockReserved']);
      }
      for (const orderId of orders) {
        const ids = bench.events(orderId).map((event) => event.id);
        assert.equal(new Set(ids).size, 1, 'one event, however often it is told');
      }
      assert.deepEqual(await bench.pieces(productId), { initial: 100, on_hand: 50, reserved: 50, sold: 0 });
      await bench.assertBooksBalance();
    });
  }
});
