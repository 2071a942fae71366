/** What one fault did to callers, counted from the requests the controller itself made while it lasted. */
import type { Fault } from '@ballast/contracts';
import { createHistogram } from './histogram.ts';

/** One request that has ended. Times in ms on one clock. */
export interface Observation {
  /** When it ended. */
  at: number;
  milliseconds: number;
  /** False where nobody answered: refused, lost, out of time. */
  answered: boolean;
  /** Not answered, or with a 5xx. */
  failed: boolean;
}

export interface Receipt {
  /** Takes in a request that ended while the fault lasted or was being recovered from. */
  note(observation: Observation): void;
  /** From now on requests count no more; only the end of an outage that is still on is waited for. */
  close(): void;
  /** Whether nothing that is noted can change it any more. */
  readonly settled: boolean;
  /**
   * The figures. `outage` is from the first failed request to the first good one after the last failed; while there is none
   * yet, to the last failed one, which is the least it can be.
   */
  figures(): Pick<Fault['receipt'], 'requests' | 'failed' | 'p50' | 'p95' | 'outage'>;
}

/** An empty receipt. */
export function createReceipt(): Receipt {
  let histogram: ReturnType<typeof createHistogram> | null = createHistogram();
  let percentiles: { p50: number | null; p95: number | null } = { p50: null, p95: null };
  let requests = 0;
  let failed = 0;
  let firstFailedAt: number | null = null;
  let lastFailedAt = 0;
  let goodAgainAt: number | null = null;
  let closed = false;

  const measure = (): typeof percentiles =>
    histogram === null ? percentiles : { p50: histogram.percentile(0.5), p95: histogram.percentile(0.95) };

  return {
    note: (observation) => {
      const { at, milliseconds, answered } = observation;
      if (!observation.failed && firstFailedAt !== null) goodAgainAt ??= at;
      if (closed) return;
      requests += 1;
      if (answered) histogram?.add(milliseconds);
      if (!observation.failed) return;
      failed += 1;
      firstFailedAt ??= at;
      lastFailedAt = at;
      goodAgainAt = null;
    },
    close: () => {
      percentiles = measure();
      histogram = null;
      closed = true;
    },
    get settled() {
      return closed && (firstFailedAt === null || goodAgainAt !== null);
    },
    figures: () => ({
      requests,
      failed,
      ...measure(),
      outage: firstFailedAt === null ? null : round((goodAgainAt ?? lastFailedAt) - firstFailedAt),
    }),
  };
}

const round = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;
