import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkRateLimit, type RateLimitSize } from '../src/guarantees/rate-limit.ts';
import { assertFound } from './found.ts';

const small: RateLimitSize = { callers: 20, seconds: 4, burst: 60, perSecond: 20, waits: 2, promptShare: 0.75 };

it('two replicas accept no more than burst and rate allow, with Redis and without', async () => {
  const { violations } = await checkRateLimit(small);
  assert.deepEqual(violations, []);
});

it('resilience.bucket-per-replica is found', async () => {
  const size = { ...small, waits: 0, defects: 'resilience.bucket-per-replica' };
  await assertFound(() => checkRateLimit(size), /^accepted \d+, allowed are/);
});
