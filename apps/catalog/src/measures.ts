/** What catalog counts: reservations by how they went, and what its outbox still has to tell. */
import type { Outbox } from '@ballast/outbox';
import type { Metrics } from '@ballast/service';
import type { StockEvent } from './domain/reservations.ts';
import type { ReportTrouble } from './trouble.ts';

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
export function createMeasures(metrics: Metrics, outbox: Outbox, report: ReportTrouble): Measures {
  const reservations = metrics.counter(
    'catalog_reservations_total',
    'Answers to stock commands, and reservations that expired, by outcome.',
    ['outcome'],
  );
  for (const outcome of [...Object.values(outcomes), 'expired']) reservations.inc({ outcome }, 0);

  const rows = metrics.gauge('outbox_rows', 'Messages stored and not yet told to the broker.');
  const oldest = metrics.gauge('outbox_oldest_seconds', 'Age of the oldest message not yet told, in seconds.');
  // The registry asks both gauges at once: one question to the database answers them.
  let asked: ReturnType<Outbox['backlog']> | undefined;
  const measure = async (): ReturnType<Outbox['backlog']> => {
    try {
      asked ??= outbox.backlog();
      return await asked;
    } catch (error) {
      report('the outbox cannot be measured', { err: error });
      // Not known is not zero; and the other metrics are wanted most when the database is away.
      return { rows: Number.NaN, oldest: Number.NaN };
    } finally {
      asked = undefined;
    }
  };
  Object.assign(rows, { collect: async () => rows.set((await measure()).rows) });
  Object.assign(oldest, { collect: async () => oldest.set((await measure()).oldest) });

  return {
    count: (events) => {
      for (const { type } of events) reservations.inc({ outcome: outcomes[type] });
    },
    countExpired: (expired) => reservations.inc({ outcome: 'expired' }, expired),
  };
}
