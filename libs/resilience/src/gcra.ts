/**
 * The token bucket as arithmetic: the Generic Cell Rate Algorithm (ITU-T I.371, annex A.1), one number a bucket.
 *
 * The number is the bucket's *level*: the milliseconds it will take until the bucket is full again. Taking a token adds
 * one interval (1 / rate); time takes the level down; a token may be taken while the level stays within burst × interval.
 * So in any time T no more than burst + rate × T tokens are taken.
 */

/** How much a bucket holds, in tokens, and how many tokens come back a second. Both at least above 0. */
export interface Limit {
  burst: number;
  perSecond: number;
}

/** What taking from a bucket came to. */
export interface Taken {
  /** Tokens that were there; at most as many as were wanted. */
  granted: number;
  /** Milliseconds until the bucket is full, after taking. */
  level: number;
  /** Milliseconds until the next token is there; 0 where all that were wanted were granted. */
  waitMs: number;
}

/** Milliseconds in which one token comes back. */
export function intervalOf(limit: Limit): number {
  return 1_000 / limit.perSecond;
}

/** Takes up to `wanted` tokens of a bucket that needs `level` ms (0 or more) until it is full. */
export function take(limit: Limit, level: number, wanted: number): Taken {
  const interval = intervalOf(limit);
  // Sums of intervals are not exact; a billionth of a token must not turn four into three.
  const available = Math.max(0, Math.floor(limit.burst - level / interval + 1e-9));
  const granted = Math.min(wanted, available);
  const after = level + granted * interval;
  return {
    granted,
    level: after,
    waitMs: granted < wanted ? Math.max(0, after - (limit.burst - 1) * interval) : 0,
  };
}

/** Whole tokens in a bucket of this level. */
export function remainingAt(limit: Limit, level: number): number {
  return Math.max(0, Math.floor(limit.burst - level / intervalOf(limit) + 1e-9));
}
