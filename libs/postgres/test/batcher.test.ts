import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createBatcher, DatabaseError, Overloaded } from '../src/index.ts';

/** A writer whose statements end when the test says so. */
function controlled() {
  const calls: { items: number[]; kind: 'one' | 'many'; finish: (error?: Error) => void }[] = [];
  const write = (kind: 'one' | 'many', items: number[]) =>
    new Promise<number[]>((resolve, reject) => {
      calls.push({ kind, items, finish: (error) => (error ? reject(error) : resolve(items.map((item) => item * 10))) });
    });
  return {
    calls,
    one: async (item: number) => (await write('one', [item]))[0]!,
    many: (items: readonly number[]) => write('many', [...items]),
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  it('writes a lone item alone and what gathers meanwhile together, sorted', async () => {
    const writer = controlled();
    const write = createBatcher<number, number>({
      key: (item) => String(item % 100),
      one: writer.one,
      many: writer.many,
    });
    const first = write(5);
    await turn();
    const later = [write(9), write(3), write(7)];
    await turn();
    assert.deepEqual(
      writer.calls.map((call) => [call.kind, call.items]),
      [['one', [5]]],
    );
    writer.calls[0]!.finish();
    assert.equal(await first, 50);
    await turn();
    assert.deepEqual(writer.calls[1]!.items, [3, 7, 9]);
    writer.calls[1]!.finish();
    assert.deepEqual(await Promise.all(later), [90, 30, 70]);
  });

  it('keeps items with the same key out of one batch, in order', async () => {
    const writer = controlled();
    const write = createBatcher<number, number>({
      key: (item) => String(item % 100),
      one: writer.one,
      many: writer.many,
    });
    const all = [write(101), write(201), write(2)];
    await turn();
    assert.deepEqual(writer.calls[0]!.items, [101, 2]);
    writer.calls[0]!.finish();
    await turn();
    assert.deepEqual(writer.calls[1]!.items, [201]);
    writer.calls[1]!.finish();
    assert.deepEqual(await Promise.all(all), [1010, 2010, 20]);
  });

  it('lets one bad item harm only itself', async () => {
    const write = createBatcher<number, number>({
      key: String,
      one: async (item) => {
        if (item === 2) throw new Error('bad item');
        return item;
      },
      many: async () => {
        throw new Error('bad batch');
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map(write));
    assert.deepEqual(
      results.map((result) => result.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
  });

  it('does not go row by row when the database is the trouble', async () => {
    let singles = 0;
    const write = createBatcher<number, number>({
      key: String,
      one: async (item) => {
        singles += 1;
        return item;
      },
      many: async () => {
        throw Object.assign(new Error('gone'), { retryable: true });
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map(write));
    assert.ok(results.every((result) => result.status === 'rejected'));
    assert.equal(singles, 0);
  });

  for (const kind of ['one', 'many'] as const) {
    it(`rejects what waits behind ${kind} that the database did not answer, and goes on with what comes later`, async () => {
      const writer = controlled();
      const write = createBatcher<number, number>({ key: String, one: writer.one, many: writer.many });
      const first = kind === 'one' ? [write(1)] : [write(1), write(2)];
      await turn();
      assert.deepEqual(writer.calls.at(-1)!.kind, kind);
      const all = Promise.allSettled([...first, write(3), write(4)]);
      await turn();
      const frozen = new DatabaseError('Query read timeout', { cause: undefined, retryable: true });
      writer.calls[0]!.finish(frozen);
      assert.deepEqual(
        new Set((await all).map((result) => result.status === 'rejected' && result.reason)),
        new Set([frozen]),
      );
      assert.equal(writer.calls.length, 1);
      const later = write(5);
      await turn();
      writer.calls[1]!.finish();
      assert.equal(await later, 50);
    });
  }

  it('tries what waits behind a deadlock, an ended login or a conflict', async () => {
    for (const error of [
      new DatabaseError('deadlock detected', { cause: undefined, sqlstate: '40P01', retryable: true }),
      new DatabaseError('terminating connection', { cause: undefined, sqlstate: '57P01', retryable: true }),
      Object.assign(new Error('decided by others'), { retryable: true }),
    ]) {
      const writer = controlled();
      const write = createBatcher<number, number>({ key: String, one: writer.one, many: writer.many });
      const first = assert.rejects(write(1), error);
      await turn();
      const waiting = write(2);
      await turn();
      writer.calls[0]!.finish(error);
      await first;
      await turn();
      writer.calls[1]!.finish();
      assert.equal(await waiting, 20);
    }
  });

  it('refuses what would wait without end', async () => {
    const writer = controlled();
    const write = createBatcher<number, number>({ key: String, one: writer.one, many: writer.many, maxWaiting: 2 });
    const first = write(1);
    await turn();
    const waiting = [write(2), write(3)];
    await assert.rejects(write(4), Overloaded);
    writer.calls[0]!.finish();
    await first;
    await turn();
    writer.calls[1]!.finish();
    await Promise.all(waiting);
  });
});
