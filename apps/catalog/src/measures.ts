/** What catalog counts: reservations by how they went. */
import type { Metrics } from '@ballast/service';
import type { StockEvent } from './domain/reservations.ts';

export interface Measures {
  count: (events: readonly StockEvent[]) => void;
  countExpired: (reservations: number) => void;
}

const outcomes = {
  StockReserved: 'reserved',
  StockRejected: 'rejected',
  StockReleased: 'released',
  StockCommitted: 'committed',
  StockCommitRejected: 'commit-rejected',
} as const satisfies Record<StockEvent['type'], string>;

/** Registers the metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const reservations = metrics.counter(
    'catalog_reservations_total',
    'Answers to stock commands, and reservations that expired, by outcome.',
    ['outcome'],
  );
  for (const outcome of [...Object.values(outcomes), 'expired']) reservations.inc({ outcome }, 0);

  return {
    count: (events) => {
      for (const { type } of events) reservations.inc({ outcome: outcomes[type] });
    },
    countExpired: (expired) => reservations.inc({ outcome: 'expired' }, expired),
  };
}
