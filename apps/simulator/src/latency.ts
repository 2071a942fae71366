/**
 * Latencies in buckets: bounded memory however long a run is, and those of several threads and processes add up. A bucket is
 * 5% wide, so a percentile is at most 5% above the truth.
 */

const growth = Math.log(1.05);
/** Upper end of the first bucket, in ms. */
const smallestMs = 0.05;
/** Enough for ten minutes. */
const bucketCount = 340;

/** Filled buckets as `[bucket, count]`, and the largest latency seen, in ms. */
export interface LatencyCounts {
  buckets: [number, number][];
  maxMs: number;
}

export class Latencies {
  readonly #counts = new Uint32Array(bucketCount);
  #max = 0;

  add(milliseconds: number): void {
    const bucket = milliseconds <= smallestMs ? 0 : Math.ceil(Math.log(milliseconds / smallestMs) / growth);
    this.#counts[Math.min(bucket, bucketCount - 1)]! += 1;
    this.#max = Math.max(this.#max, milliseconds);
  }

  merge({ buckets, maxMs }: LatencyCounts): void {
    for (const [bucket, count] of buckets) this.#counts[Math.min(bucket, bucketCount - 1)]! += count;
    this.#max = Math.max(this.#max, maxMs);
  }

  counts(): LatencyCounts {
    const buckets: [number, number][] = [];
    for (const [bucket, count] of this.#counts.entries()) if (count > 0) buckets.push([bucket, count]);
    return { buckets, maxMs: this.#max };
  }

  get count(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  get maxMs(): number {
    return this.#max;
  }

  /** The latency that `share` (0 to 1) of all did not exceed, in ms; 0 where there was none. */
  percentile(share: number): number {
    const wanted = Math.max(1, Math.ceil(this.count * share));
    let seen = 0;
    for (const [bucket, count] of this.#counts.entries()) {
      seen += count;
      if (seen >= wanted) return Math.min(this.#max, smallestMs * Math.exp(growth * bucket));
    }
    return 0;
  }
}
