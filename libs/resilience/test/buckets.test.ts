import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { configureFaults } from '@ballast/faults';
import { partUrl, until } from '@ballast/testing';
import { localBuckets, redisBuckets, type Buckets, type Limit, type Spending } from '../src/index.ts';

const slow: Limit = { burst: 5, perSecond: 0.5 };
const opened: Buckets[] = [];
after(async () => {
  await Promise.all(opened.map((buckets) => buckets.close()));
});

/** Buckets that have reached Redis. */
async function shared(prefix: string, url = partUrl('REDIS')): Promise<Buckets> {
  const buckets = redisBuckets({ url, prefix });
  opened.push(buckets);
  await until('redis to be there', async () => (await buckets.look('nobody', slow)).store === 'redis');
  return buckets;
}
const prefix = (): string => `test:${randomUUID()}:`;
const spendAll = async (buckets: Buckets, key: string, limit: Limit, times: number): Promise<Spending[]> =>
  await Promise.all(Array.from({ length: times }, () => buckets.spend(key, limit)));
const acceptedOf = (spendings: readonly Spending[]): number => spendings.filter(({ accepted }) => accepted).length;

describe('local buckets', () => {
  it('give the burst of each key, and say how long to wait', async () => {
    const buckets = localBuckets();
    const startedAt = performance.now();
    const spendings = await spendAll(buckets, 'a', slow, 8);
    assert.equal(acceptedOf(spendings), 5);
    assert.deepEqual(
      spendings.slice(0, 5).map(({ remaining }) => remaining),
      [4, 3, 2, 1, 0],
    );
    const { waitMs, store } = spendings.at(-1)!;
    // Two seconds a token, less what has passed since the first was spent.
    assert.ok(waitMs > 0 && waitMs <= 2_000 && waitMs >= 2_000 - (performance.now() - startedAt), `${waitMs}`);
    assert.equal(store, 'local');
    assert.equal((await buckets.spend('b', slow)).accepted, true);
  });

  it('can be looked at without spending', async () => {
    const buckets = localBuckets();
    await buckets.spend('a', slow);
    assert.equal((await buckets.look('a', slow)).remaining, 4);
    assert.equal((await buckets.look('a', slow)).remaining, 4);
  });

  it('remember no more keys than they may', async () => {
    const buckets = localBuckets({ maximum: 2 });
    await spendAll(buckets, 'a', slow, 5);
    for (const key of ['b', 'c']) await buckets.spend(key, slow);
    assert.equal((await buckets.look('a', slow)).remaining, 5);
  });
});

describe('buckets in Redis', () => {
  it('are one for all replicas', async () => {
    const name = prefix();
    const replicas = await Promise.all([shared(name), shared(name)]);
    const spendings = (await Promise.all(replicas.map((each) => spendAll(each, 'a', slow, 20)))).flat();
    assert.equal(acceptedOf(spendings), 5);
    assert.ok(spendings.every(({ store }) => store === 'redis'));
    assert.equal((await replicas[0].look('a', slow)).remaining, 0);
  });

  it('refill, and a caller who waits as long as was said gets a token, from any replica', async () => {
    const name = prefix();
    const limit = { burst: 3, perSecond: 20 };
    const [one, other] = await Promise.all([shared(name), shared(name)]);
    for (let turn = 0; turn < 10; turn += 1) {
      const refused = (await spendAll(one, 'a', limit, 6)).find(({ accepted }) => !accepted);
      assert.ok(refused !== undefined);
      await new Promise((resolve) => setTimeout(resolve, Math.ceil(refused.waitMs) + 1));
      assert.equal((await other.spend('a', limit)).accepted, true);
    }
  });

  it('are taken from ahead where a key is in steady use, never beyond burst and rate', async () => {
    const name = prefix();
    const limit = { burst: 200, perSecond: 1_000 };
    const [one, other] = await Promise.all([shared(name), shared(name)]);
    const startedAt = performance.now();
    let accepted = 0;
    let atOnce = 0;
    while (performance.now() - startedAt < 600) {
      for (const buckets of [one, other]) {
        const spending = buckets.spend('a', limit);
        if (!(spending instanceof Promise)) atOnce += 1;
        if ((await spending).accepted) accepted += 1;
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    const seconds = (performance.now() - startedAt) / 1_000;
    assert.ok(accepted <= limit.burst + limit.perSecond * seconds, `${accepted} in ${seconds} s`);
    assert.ok(atOnce > 0, 'nothing was taken ahead');
  });

  it('go on locally while Redis is frozen or gone, from where they were, and nobody waits twice', async () => {
    const link = await linkToRedis();
    const buckets = await shared(prefix(), link.url);
    assert.equal(acceptedOf(await spendAll(buckets, 'a', slow, 3)), 3);
    link.freeze();
    const startedAt = performance.now();
    const first = await buckets.spend('a', slow);
    // 150 ms is the limit of a command; without one it would wait for as long as it is frozen.
    assert.ok(performance.now() - startedAt < 5_000);
    assert.deepEqual([first.accepted, first.store], [true, 'local']);
    const spendings = Array.from({ length: 50 }, () => buckets.spend('a', slow));
    assert.ok(
      spendings.every((spending) => !(spending instanceof Promise)),
      'somebody waited for a Redis that is known to be frozen',
    );
    assert.equal(acceptedOf(await Promise.all(spendings)), 1);
    link.thaw();
    await until('redis to be back', async () => (await buckets.look('b', slow)).store === 'redis');
    assert.equal((await buckets.spend('a', slow)).accepted, false, 'what was spent meanwhile is forgotten');
    await link.close();
    await until('redis to be gone', async () => (await buckets.look('b', slow)).store === 'local');
    assert.equal((await buckets.spend('a', slow)).accepted, false);
  });

  it('do not take a process that was held up for a Redis that is gone', async () => {
    const name = prefix();
    const limit = { burst: 100, perSecond: 0.01 };
    const [emptying, stalled] = await Promise.all([shared(name), shared(name)]);
    assert.equal((await stalled.spend('a', limit)).accepted, true);
    assert.equal(acceptedOf(await spendAll(emptying, 'a', limit, 150)), 99);
    const spendings = spendAll(stalled, 'a', limit, 150);
    // Longer than a command may take. The answer is there by then, and the timer is due before it is read.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 250);
    assert.equal(acceptedOf(await spendings), 0, 'it went on from what it knew before');
    assert.ok((await spendings).every(({ store }) => store === 'redis'));
  });

  it('resilience.bucket-per-replica gives every replica a burst of its own', async () => {
    const name = prefix();
    const replicas = await Promise.all([shared(name), shared(name)]);
    configureFaults({ labMode: true, faults: '', defects: 'resilience.bucket-per-replica' });
    try {
      const spendings = (await Promise.all(replicas.map((each) => spendAll(each, 'a', slow, 20)))).flat();
      assert.equal(acceptedOf(spendings), 10);
    } finally {
      configureFaults({ labMode: false, faults: '' });
    }
  });
});

/** A link to Redis that can be frozen. */
async function linkToRedis(): Promise<{ url: string; freeze(): void; thaw(): void; close(): Promise<void> }> {
  const target = new URL(partUrl('REDIS'));
  const sockets = new Set<Socket>();
  let frozen = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => other.destroy());
      socket.pipe(other);
      if (frozen) socket.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze: () => {
      frozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw: () => {
      frozen = false;
      for (const socket of sockets) socket.resume();
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
