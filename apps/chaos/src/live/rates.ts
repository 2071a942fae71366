/** What happened between two looks at counters that only grow, until their process is started anew. */
import type { Series } from './prometheus.ts';

/** Growth of each series since the look before; null in the first look. A counter that fell has begun anew at zero. */
export interface Rates {
  /** Notes what is seen at `at` (ms on any steady clock); returns the seconds since the look before, null in the first. */
  look(samples: readonly { series: Series; value: number }[], at: number): number | null;
  /** What a series has grown by; a series that was not there before has grown by all it has. */
  growth(series: Series): number;
}

export function createRates(): Rates {
  let before = new Map<Series, number>();
  let now = new Map<Series, number>();
  let lookedAt: number | null = null;
  return {
    look: (samples, at) => {
      const seconds = lookedAt === null ? null : (at - lookedAt) / 1_000;
      lookedAt = at;
      before = now;
      now = new Map(samples.map(({ series, value }) => [series, value]));
      return seconds;
    },
    growth: (series) => {
      const value = now.get(series) ?? 0;
      const earlier = before.get(series) ?? 0;
      return value >= earlier ? value - earlier : value;
    },
  };
}

/**
 * The value below which `share` (0 to 1) of what a histogram has counted lies, in the unit of its bounds, as Prometheus'
 * histogram_quantile estimates it: even within a bucket. Counts are cumulative, by upper bound. Null where nothing was counted.
 */
export function quantile(counts: ReadonlyMap<number, number>, share: number): number | null {
  const buckets = [...counts].sort(([one], [other]) => one - other);
  const total = buckets.at(-1)?.[1] ?? 0;
  if (total <= 0) return null;
  const rank = share * total;
  let [lower, below] = [0, 0];
  for (const [bound, upTo] of buckets) {
    if (upTo >= rank) {
      // Beyond the last bound nothing more is known.
      if (bound === Number.POSITIVE_INFINITY || upTo === below) return lower;
      return lower + ((bound - lower) * (rank - below)) / (upTo - below);
    }
    [lower, below] = [bound, upTo];
  }
  return lower;
}
