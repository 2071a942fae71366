/** One point a second for the charts: requests as the controller sees them at the bff, orders as rows have them. */
import type { LiveMetrics } from '@ballast/contracts';
import type { JournalSecond } from '../state.ts';

const keptPoints = 60;

/** What is known beside the requests; `placed` is null where no rows were heard of. */
export interface Surroundings {
  placed: number | null;
  completed: number;
  compensated: number;
  inFlight: number;
  outbox: number;
}

export interface Points {
  /** Seconds that have finished since the last time, as points; what happened meanwhile belongs to the latest of them. */
  take(seconds: readonly JournalSecond[], around: () => Surroundings): LiveMetrics[];
  /** The latest 60, oldest first. */
  latest(): readonly LiveMetrics[];
}

/** Points from `now` on (ms since 1970): of seconds before it nobody knows what happened beside the requests. */
export function createPoints(now: number): Points {
  let last = now;
  let kept: readonly LiveMetrics[] = [];
  return {
    take: (seconds, around) => {
      const fresh = seconds.filter(({ at }) => at > last);
      if (fresh.length === 0) return [];
      const surroundings = around();
      const points = fresh.map((second, index): LiveMetrics => {
        const { placed, completed, compensated, inFlight, outbox } =
          index === fresh.length - 1 ? surroundings : { ...surroundings, placed: null, completed: 0, compensated: 0 };
        return {
          at: new Date(second.at).toISOString(),
          requestsPerSecond: second.requests,
          errorsPerSecond: second.failed,
          p50: second.p50,
          p95: second.p95,
          ordersPerSecond: placed ?? second.orders,
          completedPerSecond: completed,
          compensatedPerSecond: compensated,
          inFlight,
          outbox,
        };
      });
      last = fresh.at(-1)!.at;
      kept = [...kept, ...points].slice(-keptPoints);
      return points;
    },
    latest: () => kept,
  };
}
