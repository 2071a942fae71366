import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { configureFaults, plantDefect, removeDefect } from '@ballast/faults';
import { until } from '@ballast/testing';
import { openWorld, type World } from './support.ts';

describe('reading through the cache', () => {
  let world: World;
  before(() => {
    configureFaults({ labMode: true, faults: '' });
    world = openWorld();
  });
  afterEach(() => {
    for (const name of ['cache.no-single-flight', 'cache.accept-older']) removeDefect(name);
  });
  after(() => world.close());

  it('asks the source once, and then answers at once, without a promise', async () => {
    const replica = await world.add();
    world.commit('once', 'first');
    assert.equal(replica.cache.peek('once'), undefined);
    assert.equal(await replica.read('once'), 'first');
    assert.deepEqual(replica.cache.peek('once'), { id: 'once', text: 'first' });
    assert.equal(await replica.read('once'), 'first');
    assert.equal(replica.loads(), 1);
    assert.deepEqual({ ...replica.cache.totals }, { l1Hits: 2, l2Hits: 0, loads: 1, coalesced: 0, invalidations: 0 });
  });

  it('takes over from Redis what another replica has read', async () => {
    const [first, second] = [await world.add(), await world.add()];
    world.commit('shared', 'text: with colons');
    assert.equal(await first.read('shared'), 'text: with colons');
    await until('the copy to be in Redis', async () => (await first.cache.inspect('shared')).l2 !== null);
    assert.equal(await second.read('shared'), 'text: with colons');
    assert.equal(second.loads(), 0);
    assert.equal(second.cache.totals.l2Hits, 1);
  });

  it('does not remember that there is no such row', async () => {
    const replica = await world.add();
    assert.equal(await replica.read('late'), null);
    world.commit('late', 'here');
    assert.equal(await replica.read('late'), 'here');
  });

  it('reads a cold row once for 200 callers; without single flight 200 times', async () => {
    const replica = await world.add();
    const stampede = async (key: string, singleFlight: boolean): Promise<{ redis: number; source: number }> => {
      world.commit(key, 'hot');
      const asked = { redis: 0, source: 0 };
      const open = replica.holdLoads();
      const reads = Array.from({ length: 200 }, () =>
        replica.cache.get(key, {
          singleFlight,
          onAsked: (whom) => {
            asked[whom] += 1;
          },
        }),
      );
      await until('the source to be asked', () => asked.source > 0 && (singleFlight || asked.source === 200));
      open();
      for (const row of await Promise.all(reads)) assert.equal(row?.text, 'hot');
      return asked;
    };
    assert.deepEqual(await stampede('cold-1', true), { redis: 1, source: 1 });
    assert.deepEqual(await stampede('cold-2', false), { redis: 200, source: 200 });
    plantDefect('cache.no-single-flight');
    assert.deepEqual(await stampede('cold-3', true), { redis: 200, source: 200 });
  });

  it('lets a load that fails fail for those who waited for it, and asks again for the next', async () => {
    let broken = true;
    const replica = await world.add({
      load: async (key) => {
        if (broken) throw new Error('the table is locked');
        return { revision: 1, value: { id: key, text: 'whole again' } };
      },
    });
    const outcomes = await Promise.allSettled([replica.read('failing'), replica.read('failing')]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'rejected' && (outcome.reason as Error).message),
      ['the table is locked', 'the table is locked'],
    );
    broken = false;
    assert.equal(await replica.read('failing'), 'whole again');
  });

  it('ends a copy its lifetime after it was read, wherever it lay, although nobody says that it is old', async () => {
    const lifetimeMs = 3_000;
    const [first, second] = [await world.add({ lifetimeMs }), await world.add({ lifetimeMs })];
    world.commit('silent', 'old');
    assert.equal(await first.read('silent'), 'old');
    await until('the copy to have an age', async () => {
      const { l1 } = await first.cache.inspect('silent');
      return l1 !== null && l1.ageMs > 500;
    });
    // The process ends between its commit and its announcement, say.
    world.commit('silent', 'new');
    assert.equal(await second.read('silent'), 'old', 'by way of Redis');
    assert.equal(second.loads(), 0);
    const { l1: copy } = await second.cache.inspect('silent');
    assert.ok(copy !== null && copy.ageMs > 500, `it is ${copy?.ageMs} ms old here`);
    await until('the new one to be served', async () => (await second.read('silent')) === 'new');
    assert.equal(await first.read('silent'), 'new');
  });

  it('keeps at most as many rows as it may', async () => {
    const replica = await world.add({ maximum: 10 });
    for (let index = 0; index < 30; index += 1) {
      world.commit(`many-${index}`, 'text');
      await replica.read(`many-${index}`);
    }
    const kept = Array.from({ length: 30 }, (_, index) => replica.cache.peek(`many-${index}`)).filter(Boolean);
    assert.equal(kept.length, 10);
  });
});
