/** Requests gathered into whole seconds: what is drawn. */
import { createHistogram, type Histogram } from './histogram.ts';
import type { Observation } from './receipt.ts';

/** One finished second of requests the controller itself made at the bff (load, reads, probes). Milliseconds. */
export interface JournalSecond {
  /** Its beginning, ms since 1970; a whole second. */
  at: number;
  /** Ended in it: answered, or given up. Retries count each. */
  requests: number;
  /** Of those, answered 5xx or not at all. */
  failed: number;
  /** Of those answered; null while there are none. */
  p50: number | null;
  p95: number | null;
  /** Orders answered 202 in it, each once. */
  orders: number;
}

/** How many finished seconds are kept. */
export const keptSeconds = 60;

export interface Seconds {
  /** A request that ended; what comes late counts into the second that is open. */
  note(observation: Observation): void;
  /** An order that was answered 202. */
  order(): void;
  /** Finishes every second before that of `now` (ms since 1970), also empty ones; the latest 60 are the answer, oldest first. */
  finish(now: number): readonly JournalSecond[];
}

export function createSeconds(now: number): Seconds {
  let finished: readonly JournalSecond[] = [];
  let open = second(now);
  let counts = empty();

  return {
    note: ({ milliseconds, answered, failed }) => {
      counts.requests += 1;
      if (failed) counts.failed += 1;
      if (answered) counts.latencies.add(milliseconds);
    },
    order: () => {
      counts.orders += 1;
    },
    finish: (at) => {
      const until = second(at);
      // After a long sleep only the last minute matters.
      open = Math.max(open, until - keptSeconds * 1_000);
      const more: JournalSecond[] = [];
      for (; open < until; open += 1_000) {
        const { requests, failed, orders, latencies } = counts;
        const [p50, p95] = [latencies.percentile(0.5), latencies.percentile(0.95)];
        more.push({ at: open, requests, failed, p50, p95, orders });
        counts = empty();
      }
      if (more.length > 0) finished = [...finished, ...more].slice(-keptSeconds);
      return finished;
    },
  };
}

const second = (milliseconds: number): number => Math.floor(milliseconds / 1_000) * 1_000;

const empty = (): { requests: number; failed: number; orders: number; latencies: Histogram } => ({
  requests: 0,
  failed: 0,
  orders: 0,
  latencies: createHistogram(),
});
