import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createReplicaJudge } from '../../src/domain/replicas.ts';

const shown = (revision: number, askedAt: number, replica = 'catalog-2') => ({
  replica,
  productId: 'product',
  revision,
  askedAt,
});

describe('a replica', () => {
  it('that shows what the database has is not behind', () => {
    const judge = createReplicaJudge();
    judge.see('product', 5, 1_000);
    assert.equal(judge.behind(shown(5, 9_000)), 0);
  });
  it('that is ahead of what was read of the database is not behind', () => {
    const judge = createReplicaJudge();
    judge.see('product', 5, 1_000);
    assert.equal(judge.behind(shown(6, 9_000)), 0);
  });
  it('is behind since the first version it should have shown instead', () => {
    const judge = createReplicaJudge();
    for (const [revision, at] of [
      [5, 1_000],
      [7, 2_000],
      [9, 3_000],
    ] as const)
      judge.see('product', revision, at);
    assert.equal(judge.behind(shown(5, 3_100)), 1_100);
    // One that was never read of the database lies between two that were.
    assert.equal(judge.behind(shown(8, 3_100)), 100);
  });
  it('may go up and never down, each by itself', () => {
    const judge = createReplicaJudge();
    assert.equal(judge.fell(shown(5, 1)), undefined);
    assert.equal(judge.fell(shown(7, 2)), undefined);
    assert.equal(judge.fell(shown(5, 3, 'catalog-1')), undefined);
    assert.equal(judge.fell(shown(6, 4)), 7);
  });
});
