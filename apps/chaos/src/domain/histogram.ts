/**
 * Latencies in little memory: counters that are a tenth of a millisecond wide up to 12.8 ms and grow from there on, so that
 * a percentile is exact below and within 1 % above. Idea: HdrHistogram, https://hdrhistogram.github.io/HdrHistogram/
 */

/** Counters below this many tenths of a millisecond are one tenth wide. */
const linear = 128;
/** Counters for each doubling after that. */
const perDoubling = linear / 2;
/** Longest latency told apart, in ms: more counts as this. */
const longestMs = 120_000;
const size = placeOf(longestMs) + 1;

export interface Histogram {
  /** Values added so far. */
  readonly count: number;
  /** Adds one latency, in ms. */
  add(milliseconds: number): void;
  /** The value that `share` (0 to 1) of all do not exceed, by nearest rank, in ms; null while there is none. */
  percentile(share: number): number | null;
}

export function createHistogram(): Histogram {
  const counters = new Uint32Array(size);
  let count = 0;
  return {
    get count() {
      return count;
    },
    add: (milliseconds) => {
      counters[placeOf(Math.min(milliseconds, longestMs))]! += 1;
      count += 1;
    },
    percentile: (share) => {
      if (count === 0) return null;
      let left = Math.max(1, Math.ceil(share * count));
      for (let place = 0; place < size; place += 1) {
        left -= counters[place]!;
        if (left <= 0) return valueAt(place);
      }
      return longestMs;
    },
  };
}

function placeOf(milliseconds: number): number {
  const tenths = Math.max(0, Math.round(milliseconds * 10));
  if (tenths < linear) return tenths;
  const doublings = Math.floor(Math.log2(tenths / linear)) + 1;
  const width = 2 ** doublings;
  return linear + (doublings - 1) * perDoubling + Math.floor(tenths / width) - perDoubling;
}

/** The middle of a counter's range, in ms. */
function valueAt(place: number): number {
  if (place < linear) return place / 10;
  const doublings = Math.floor((place - linear) / perDoubling) + 1;
  const width = 2 ** doublings;
  const start = (((place - linear) % perDoubling) + perDoubling) * width;
  return Math.round(start + (width - 1) / 2) / 10;
}
