/** Limits on what comes in and on what goes out: token buckets, bulkhead, circuit breaker. */
export { localBuckets, type Buckets, type Spending } from './buckets.ts';
export { intervalOf, remainingAt, take, type Limit, type Taken } from './gcra.ts';
export { redisBuckets, type RedisBucketsOptions } from './redis-buckets.ts';
export {
  Breaker,
  breakerDefaults,
  type BreakerOptions,
  type BreakerState,
  type Pass,
  type Transition,
} from './breaker.ts';
export { Bulkhead } from './bulkhead.ts';
