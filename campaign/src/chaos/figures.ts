/** Small arithmetic of a run: percentiles, and what was going on when. Times are ms since 1970, lengths ms. */

/** From and up to, both included: a fault that is over at once is a moment. */
export interface Span {
  from: number;
  /** `Infinity` while there is no end. */
  to: number;
}

/** Nearest rank; null of nothing. `share` is 0.5 for the median. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Whether any part of `span` lies in one of `spans`. */
export function touches(span: Span, spans: readonly Span[]): boolean {
  return spans.some(({ from, to }) => from <= span.to && span.from <= to);
}

/** The same time as fewer spans that do not touch, in order. */
export function merged(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((one, other) => one.from - other.from)) {
    const last = result.at(-1);
    if (last !== undefined && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else result.push({ ...span });
  }
  return result;
}

/** What waits in the mesh at one moment: since when the oldest of it does; null where nothing does. */
export interface Backlog {
  at: number;
  oldest: number | null;
}

/**
 * How long after each time of faults nothing that is from before its end was left. A calm that the next fault ends first
 * tells nothing and is left out; the last one counts in any case, as long as what was seen of it if nothing ever drained.
 */
export function drainTimes(backlogs: readonly Backlog[], faults: readonly Span[]): number[] {
  const times: number[] = [];
  const spans = merged(faults);
  for (const [index, { to: calmFrom }] of spans.entries()) {
    const calmTo = spans[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    const seen = backlogs.filter(({ at }) => at >= calmFrom && at < calmTo);
    const drained = seen.find(({ oldest }) => oldest === null || oldest > calmFrom);
    if (drained !== undefined) times.push(drained.at - calmFrom);
    else if (calmTo === Number.POSITIVE_INFINITY && seen.length > 0) times.push(seen.at(-1)!.at - calmFrom);
  }
  return times;
}
