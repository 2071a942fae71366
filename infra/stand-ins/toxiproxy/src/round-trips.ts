/** How long a link takes to answer: from a chunk that goes upstream to the first byte that comes back on the same connection. */

/** Milliseconds within which an answer counts. */
const window = 1000;
const capacity = 512;

/** The latest answers of one proxy. Times are `performance.now()`. */
export class RoundTrips {
  readonly #at = new Float64Array(capacity).fill(Number.NEGATIVE_INFINITY);
  readonly #took = new Float64Array(capacity);
  #next = 0;
  /** Answers since the start. */
  count = 0;

  /** An answer came at `now`, `took` milliseconds after it was asked for. */
  add(took: number, now: number): void {
    this.count += 1;
    this.#at[this.#next] = now;
    this.#took[this.#next] = took;
    this.#next = (this.#next + 1) % capacity;
  }

  /** Median of the last second in milliseconds; undefined where nothing was answered. */
  median(now: number): number | undefined {
    const recent = this.#took.filter((_, index) => (this.#at[index] ?? 0) > now - window).toSorted();
    return recent[Math.floor(recent.length / 2)];
  }
}
