/** What a service's own metrics say about the last second. */
import type { BreakerState, LiveNode } from '@ballast/contracts';
import { createScrapeReader } from './prometheus.ts';
import { createRates, quantile } from './rates.ts';

export type Figures = Pick<
  LiveNode,
  'uptime' | 'requests' | 'errors' | 'p50' | 'p95' | 'memoryMegabytes' | 'outbox'
> & {
  /** Of its circuit breakers, by the service behind. */
  breakers: ReadonlyMap<string, BreakerState>;
};

/** Where nothing could be asked. */
export const noFigures: Figures = {
  uptime: null,
  requests: 0,
  errors: 0,
  p50: null,
  p95: null,
  memoryMegabytes: null,
  outbox: null,
  breakers: new Map(),
};

const bucket = 'http_request_duration_seconds_bucket';
const count = 'http_requests_total';
const started = 'process_start_time_seconds';
const memory = 'process_resident_memory_bytes';
const outboxRows = 'outbox_rows';
const breaker = 'bff_breaker_state';

/** As the bff writes them. */
const breakerNumbers: readonly BreakerState[] = ['closed', 'half-open', 'open'];

/** What users wait for; operation, lab and streams say nothing about a service's speed. */
const watched = 'request';

/** Returns a reader of one service's `/metrics`: given the text and when it was asked for (ms on a steady clock). */
export function createFigures(): (text: string, at: number) => Figures {
  const read = createScrapeReader([bucket, count, started, memory, outboxRows, breaker]);
  const rates = createRates();

  return (text, at) => {
    const samples = read(text);
    const seconds = rates.look(samples, at);
    const buckets = new Map<number, number>();
    const breakers = new Map<string, BreakerState>();
    let [requests, errors] = [0, 0];
    let uptime: number | null = null;
    let memoryMegabytes: number | null = null;
    let outbox: number | null = null;
    for (const { series, value } of samples) {
      const { name, labels } = series;
      switch (name) {
        case bucket:
          if (labels['kind'] === watched) {
            const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le']);
            buckets.set(bound, (buckets.get(bound) ?? 0) + rates.growth(series));
          }
          break;
        case count:
          if (labels['kind'] === watched) {
            const grown = rates.growth(series);
            requests += grown;
            if (labels['status']?.startsWith('5') === true) errors += grown;
          }
          break;
        case started:
          uptime = Math.max(0, Math.round(Date.now() / 1_000 - value));
          break;
        case memory:
          memoryMegabytes = Math.round(value / 100_000) / 10;
          break;
        case outboxRows:
          // Not a number: the database could not be asked.
          outbox = Number.isNaN(value) ? null : value;
          break;
        case breaker:
          breakers.set(labels['upstream'] ?? '', breakerNumbers[value] ?? 'closed');
      }
    }
    const known = { uptime, memoryMegabytes, outbox, breakers };
    if (seconds === null || seconds <= 0) return { ...noFigures, ...known };
    const milliseconds = (share: number): number | null => {
      const found = quantile(buckets, share);
      return found === null ? null : tenths(found * 1_000);
    };
    return {
      ...known,
      requests: tenths(requests / seconds),
      errors: tenths(errors / seconds),
      p50: milliseconds(0.5),
      p95: milliseconds(0.95),
    };
  };
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
