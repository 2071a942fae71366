import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { configureFaults, plantDefect, removeDefect } from '@ballast/faults';
import { until } from '@ballast/testing';
import { openWorld, type World } from './support.ts';

describe('a cache without Redis', () => {
  let world: World;
  before(() => {
    configureFaults({ labMode: true, faults: '' });
    world = openWorld();
  });
  afterEach(() => removeDefect('cache.no-flush-on-reconnect'));
  after(() => world.close());

  it('starts and serves, and joins in when Redis comes', async () => {
    let back = 0;
    const replica = await world.add({ cut: true, onBack: () => (back += 1) });
    world.commit('start', 'text');
    assert.equal(await replica.read('start'), 'text');
    assert.equal(await replica.read('start'), 'text');
    assert.equal(replica.loads(), 1);
    assert.equal(replica.cache.subscribed, false);
    await until('it to be said', () => replica.troubles.some((what) => what.startsWith('Redis cannot be asked')));
    replica.link.heal();
    await until('it to listen', () => replica.cache.subscribed && back === 1);
  });

  /** A change is missed while the reader's wire is cut. Returns what it serves once it listens again. */
  const miss = async (key: string): Promise<string | null> => {
    const [writer, reader] = [await world.add(), await world.add()];
    world.commit(key, 'old');
    assert.equal(await reader.read(key), 'old');
    reader.link.cut();
    await until('the reader to know that it is deaf', () => !reader.cache.subscribed);
    writer.cache.invalidate([world.commit(key, 'new')]);
    assert.equal(await reader.read(key), 'old', 'its copy has still time to live');
    reader.link.heal();
    await until('the reader to listen again', () => reader.cache.subscribed);
    return reader.read(key);
  };

  it('forgets its copies when it listens again, because it may have missed something', async () => {
    assert.equal(await miss('missed'), 'new');
  });

  it('goes on with old copies where it does not, as a planted defect', async () => {
    plantDefect('cache.no-flush-on-reconnect');
    assert.equal(await miss('missed-2'), 'old');
  });

  it('never goes back to an older copy that Redis has kept', async () => {
    const [writer, reader, third] = [await world.add(), await world.add(), await world.add()];
    world.commit('back', 'old');
    assert.equal(await third.read('back'), 'old');
    await until('the old copy to be in Redis', async () => (await third.cache.inspect('back')).l2 !== null);
    reader.link.cut();
    await until('the reader to know that it is deaf', () => !reader.cache.subscribed);
    // The writer dies before it can tell: Redis keeps the old copy.
    world.commit('back', 'new');
    await until('Redis to be left alone', async () => (await reader.read('back')) === 'new');
    reader.link.heal();
    await until('the reader to listen again', () => reader.cache.subscribed);
    await until('Redis to be asked again', async () => (await reader.cache.inspect('back')).l2?.value.text === 'old');
    assert.equal(reader.cache.peek('back'), undefined);
    assert.equal(await reader.read('back'), 'new');
    assert.equal(writer.cache.peek('back'), undefined);
  });

  it('tells of its changes when Redis is back', async () => {
    const [writer, reader] = [await world.add(), await world.add()];
    world.commit('waiting', 'old');
    assert.equal(await reader.read('waiting'), 'old');
    writer.link.cut();
    await until('the writer to know that it is deaf', () => !writer.cache.subscribed);
    writer.cache.invalidate([world.commit('waiting', 'new')]);
    assert.equal(reader.cache.peek('waiting')?.text, 'old');
    writer.link.heal();
    await until('the reader to hear', async () => (await reader.read('waiting')) === 'new');
  });

  it('lets nobody but the first wait for a Redis that is frozen, and notices that it is deaf', async () => {
    const replica = await world.add();
    world.commit('frozen', 'text');
    assert.equal(await replica.read('frozen'), 'text');
    replica.link.freeze();
    const timed = async (key: string): Promise<number> => {
      world.commit(key, 'text');
      const askedAt = performance.now();
      assert.equal(await replica.read(key), 'text');
      return performance.now() - askedAt;
    };
    // 100 ms is the limit of a command. Without one it would wait until its silent socket is given up, after 1,500.
    const first = await timed('frozen-first');
    assert.ok(first < 1_400, `${first} ms`);
    const waits: number[] = [];
    await until('it to notice', async () => {
      waits.push(await timed(`frozen-${waits.length}`));
      return !replica.cache.subscribed;
    });
    assert.ok(waits.length > 10, `${waits.length} reads`);
    // A machine that is busy may hold up many of them; Redis would hold up each for 100 ms.
    const slow = waits.filter((wait) => wait > 95);
    assert.ok(slow.length < waits.length / 2, `${slow.length} of ${waits.length}`);
    replica.link.heal();
    await until('it to listen again', () => replica.cache.subscribed);
    assert.equal(replica.cache.peek('frozen'), undefined, 'it may have missed something');
  });
});
