/** The load, its retries and bounds, and what faults' receipts make of it. */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { LoadState, type Load } from '@ballast/contracts';
import { until } from '@ballast/testing';
import { fakeBff, type FakeBff } from './fake-bff.ts';
import { expectBody, openBench, refusal, type Bench, type Controller, type Victim } from './support.ts';

const nothing: Load = { ordersPerSecond: 0, declined: 0, readsPerSecond: 0 };

describe('the load', () => {
  let bench: Bench;
  let bff: FakeBff;
  let victim: Victim;
  let chaos: Controller;
  before(async () => {
    bench = await openBench();
    bff = await fakeBff();
    victim = await bench.victim('victim-1');
    chaos = await bench.start({ BFF_URL: bff.url, INSTANCES: `victim-1=${victim.url}` });
  });
  beforeEach(() => {
    bff.answer = () => 202;
  });
  afterEach(async () => {
    await set(nothing);
    await chaos.call('DELETE', '/faults');
    await until('nothing is under way', async () => (await state()).inFlight === 0);
    bff.orders.length = 0;
    bff.readers.length = 0;
  });
  after(async () => {
    await bench.close();
    await bff.close();
  });

  const set = async (load: Partial<Load>): Promise<LoadState> =>
    expectBody(LoadState, 200, await chaos.call('PUT', '/load', { ...nothing, ...load }));
  const state = async (): Promise<LoadState> => expectBody(LoadState, 200, await chaos.call('GET', '/load'));

  it('sends nothing while nobody asks for it, not even probes', async () => {
    assert.deepEqual(await state(), {
      load: nothing,
      sent: 0,
      accepted: 0,
      refused: 0,
      failed: 0,
      inFlight: 0,
      skipped: 0,
    });
    assert.deepEqual([bff.orders.length, bff.probes], [0, 0]);
  });

  it('places orders at its pace, each with a key of its own, as customers it has made', async () => {
    await set({ ordersPerSecond: 40, declined: 0.5 });
    await until('forty orders are accepted', async () => (await state()).accepted >= 40);
    assert.equal(new Set(bff.orders.map(({ key }) => key)).size, bff.orders.length);
    assert.ok(bff.orders.every(({ authorization }) => authorization.startsWith('Bearer ')));
    assert.ok(new Set(bff.orders.map(({ authorization }) => authorization)).size >= 2);
    assert.ok([...bench.identity.accounts.keys()].includes('load-1@ballast.test'));
    assert.deepEqual(new Set(bff.orders.map(({ method }) => method)), new Set(['pm_good', 'pm_bad']));
    // The one with three pieces is scarce on purpose.
    assert.ok(bff.orders.every(({ productId }) => productId !== bff.products[2]!.productId));
  });

  it('tops up what runs low, whoever else changes it', async () => {
    await set({ ordersPerSecond: 1 });
    await until('the second product is topped up', () => bff.corrections.length > 0);
    assert.deepEqual(bff.corrections, [{ productId: bff.products[1]!.productId, onHand: 5_000 }]);
  });

  it('reads products as signed-in customers', async () => {
    await set({ readsPerSecond: 100 });
    await until('a hundred reads', () => bff.readers.length >= 100);
    const cookies = new Set(bff.readers.filter((cookie) => cookie !== 'undefined'));
    assert.ok(cookies.size >= 2 && [...cookies].every((cookie) => cookie.startsWith('ballast_session=load-')));
  });

  it('asks again with the same key where no answer came, and counts the order once', async () => {
    bff.answer = (_order, earlier) => (['lose', 503, 202] as const)[earlier] ?? 202;
    const before = await state();
    await set({ ordersPerSecond: 5 });
    await until('an order is accepted', async () => (await state()).accepted > before.accepted);
    await set(nothing);
    const [{ key } = { key: '' }] = bff.orders;
    await until('its third try', () => bff.orders.filter((order) => order.key === key).length === 3);
    await until('the others are through', async () => (await state()).inFlight === 0);
    const now = await state();
    assert.equal(now.accepted - before.accepted, now.sent - before.sent);
    assert.equal(now.failed, before.failed);
  });

  it('gives up after three more tries', async () => {
    bff.answer = () => 503;
    const before = await state();
    await set({ ordersPerSecond: 5 });
    await until('one has failed', async () => (await state()).failed > before.failed);
    const tries = new Map<string, number>();
    for (const { key } of bff.orders) tries.set(key, (tries.get(key) ?? 0) + 1);
    assert.equal(Math.max(...tries.values()), 4);
  });

  it('takes a no for a no', async () => {
    bff.answer = () => 422;
    const before = await state();
    await set({ ordersPerSecond: 20 });
    await until('some are refused', async () => (await state()).refused >= before.refused + 5);
    assert.equal(new Set(bff.orders.map(({ key }) => key)).size, bff.orders.length);
  });

  it('never has more than five hundred under way', async () => {
    bff.answer = () => 'never';
    await set({ ordersPerSecond: 300 });
    await until('some are skipped because of it', async () => {
      const now = await state();
      assert.ok(now.inFlight <= 500);
      return now.inFlight >= 490 && now.skipped > 50;
    });
  });

  it('shows in the receipt of a fault what callers felt', async () => {
    await set({ ordersPerSecond: 20, readsPerSecond: 20 });
    const accepted = (await state()).accepted;
    await until('it runs', async () => (await state()).accepted > accepted + 5);
    const fault = await chaos.inject({
      kind: 'point',
      instance: 'victim-1',
      point: 'victim.work',
      action: 'error',
      seconds: 60,
    });
    bff.away = true;
    await until('callers feel it for a while', async () => {
      const { failed, outage } = (await chaos.fault(fault.id)).receipt;
      return failed >= 10 && outage !== null && outage > 100;
    });
    bff.away = false;
    const { requests } = (await chaos.fault(fault.id)).receipt;
    await until('they are served again', async () => (await chaos.fault(fault.id)).receipt.requests > requests + 20);
    await chaos.call('DELETE', `/faults/${fault.id}`);
    const { receipt } = await chaos.healed(fault.id);
    assert.ok(receipt.failed >= 10 && receipt.requests > receipt.failed, JSON.stringify(receipt));
    assert.ok(receipt.outage !== null && receipt.outage > 100 && receipt.p50 !== null && receipt.p95! >= receipt.p50);
    // What comes later is not its doing.
    await until('more is sent', async () => (await state()).accepted > accepted + 100);
    assert.equal((await chaos.fault(fault.id)).receipt.requests, receipt.requests);
  });

  it('is refused with the field that is wrong', async () => {
    for (const [body, field] of [
      [{ ...nothing, ordersPerSecond: 301 }, 'ordersPerSecond'],
      [{ ...nothing, declined: 1.5 }, 'declined'],
      [{ ...nothing, readsPerSecond: '5' }, 'readsPerSecond'],
      [{ ordersPerSecond: 1 }, 'declined'],
      [{ ...nothing, more: 1 }, 'more'],
    ] as const) {
      assert.deepEqual(refusal(await chaos.call('PUT', '/load', body)), [422, field]);
    }
    assert.equal((await chaos.call('PUT', '/load', nothing, null)).status, 401);
    assert.equal((await chaos.call('GET', '/load', undefined, bench.identity.token('customer'))).status, 403);
    const lonely = await bench.start();
    assert.equal((await lonely.call('PUT', '/load', nothing)).status, 409);
    assert.equal((await lonely.call('GET', '/load')).status, 200);
  });
});

describe('the probe', () => {
  it('looks at the shop only while something is broken', async () => {
    const bench = await openBench();
    const bff = await fakeBff();
    try {
      const victim = await bench.victim('victim-1');
      const chaos = await bench.start({ BFF_URL: bff.url, INSTANCES: `victim-1=${victim.url}` });
      const fault = await chaos.inject({
        kind: 'point',
        instance: 'victim-1',
        point: 'victim.work',
        action: 'error',
        seconds: 60,
      });
      await until('probes are in its receipt', async () => (await chaos.fault(fault.id)).receipt.requests >= 3);
      await chaos.call('DELETE', '/faults');
      await chaos.healed(fault.id);
      const seen = bff.probes;
      const { receipt } = await chaos.fault(fault.id);
      assert.deepEqual([receipt.failed, receipt.outage, receipt.p50 !== null], [0, null, true]);
      assert.ok(bff.probes - seen <= 2 && bff.orders.length === 0);
    } finally {
      await bench.close();
      await bff.close();
    }
  });
});
