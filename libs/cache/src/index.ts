/** A two-tier cache of versioned rows: in process, then Redis, with invalidation between replicas. */
export {
  createCache,
  type Cache,
  type CacheOptions,
  type CacheSight,
  type CacheTotals,
  type GetOptions,
  type Loaded,
} from './cache.ts';
export type { Change } from './messages.ts';
