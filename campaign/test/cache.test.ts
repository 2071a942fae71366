import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { judgeReads, type Write } from '../src/guarantees/cache-judge.ts';
import { checkCache } from '../src/guarantees/cache.ts';
import { assertFound } from './found.ts';

/** Promised are 500 ms, which the campaign's full size is held to. Beside them what a machine may be held up for, in ms. */
const withinMs = 2_000;

it('copies at two replicas keep up with writes, with Redis cut off and frozen in between', async () => {
  const { figures, violations } = await checkCache({ writes: 400, redisCuts: 2, products: 4, withinMs });
  assert.deepEqual(violations, []);
  assert.ok(figures['writes']! >= 400, `${figures['writes']} writes`);
  assert.equal(figures['redisCuts'], 2);
  assert.ok(figures['reads']! > 400, `${figures['reads']} reads`);
});

it('cache.no-flush-on-reconnect is found', async () => {
  const size = { writes: 30, redisCuts: 1, products: 2, withinMs, defects: 'cache.no-flush-on-reconnect' };
  await assertFound(() => checkCache(size), 'others see it in time: ');
});

it('cache.accept-older is found', async () => {
  const size = {
    writes: 200,
    redisCuts: 0,
    products: 4,
    withinMs,
    defects: 'cache.accept-older',
    // Loads take long enough to be overtaken.
    faults: 'cache.after-load=delay:30x1000000',
  };
  await assertFound(() => checkCache(size), 'a writer reads its own write at once: ');
});

describe('the judge of reads', () => {
  const writes: Write[] = [
    { number: 1, replica: 0, at: 1_000 },
    { number: 2, replica: 1, at: 2_000 },
  ];
  const judge = (replica: number, reads: readonly [startedAt: number, number: number][], cut?: [number, number]) =>
    judgeReads(
      replica,
      reads.map(([startedAt, number]) => ({ startedAt, number })),
      writes,
      cut === undefined ? [] : [{ from: cut[0], to: cut[1] }],
    );

  it('wants a write at once where it was made, and within half a second elsewhere', () => {
    assert.deepEqual(judge(0, [[999, 0], [1_001, 1], [2_499, 1], [2_501, 2]]).late, []); // prettier-ignore
    assert.equal(judge(0, [[1_001, 0]]).late.length, 1);
    assert.equal(judge(0, [[2_501, 1]]).late.length, 1);
    assert.equal(judge(1, [[1_499, 0]]).late.length, 0);
    assert.equal(judge(1, [[1_501, 0]]).late.length, 1);
  });

  it('gives half a second after Redis is back, five seconds at most, and nothing to the writer', () => {
    assert.equal(judge(1, [[4_400, 2]], [900, 4_000]).late.length, 0);
    assert.equal(judge(0, [[4_400, 1]], [900, 4_000]).late.length, 0);
    assert.equal(judge(0, [[4_501, 1]], [900, 4_000]).late.length, 1);
    assert.equal(judge(0, [[6_999, 1]], [900, 20_000]).late.length, 0);
    assert.equal(judge(0, [[7_001, 1]], [900, 20_000]).late.length, 1);
    assert.equal(judge(1, [[2_001, 1]], [900, 20_000]).late.length, 1);
  });

  it('sees a version fall', () => {
    assert.equal(judge(0, [[2_600, 2], [2_601, 1]]).fallen.length, 1); // prettier-ignore
  });
});
