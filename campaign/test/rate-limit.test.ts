import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkRateLimit, type RateLimitSize } from '../src/guarantees/rate-limit.ts';

const small: RateLimitSize = { callers: 20, seconds: 4, burst: 60, perSecond: 20, waits: 2 };

it('two replicas accept no more than burst and rate allow, with Redis and without', async () => {
  const { violations } = await checkRateLimit(small);
  assert.deepEqual(violations, []);
});

it('resilience.bucket-per-replica is found', async () => {
  const { violations } = await checkRateLimit({ ...small, waits: 0, defects: 'resilience.bucket-per-replica' });
  assert.ok(
    violations.some((violation) => /^accepted \d+, allowed are/.test(violation)),
    violations.join('\n'),
  );
});
