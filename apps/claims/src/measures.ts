/** What claims counts: calls under an idempotency key, and the states claims come to. */
import type { ClaimState } from '@ballast/contracts';
import type { Metrics } from '@ballast/service';

/** How a call to file a claim ended that got as far as the table. */
export type FilingOutcome = 'first' | 'replayed' | 'key-reused';

export interface Measures {
  filed: (outcome: FilingOutcome) => void;
  reached: (state: ClaimState) => void;
}

/** Registers the metrics. */
export function createMeasures(metrics: Metrics): Measures {
  const filings = metrics.counter('claims_filings_total', 'Calls to file a claim, by what was under their key.', [
    'outcome',
  ]);
  const states = metrics.counter('claims_states_total', 'Claims that came to a state after they were filed.', [
    'state',
  ]);
  for (const outcome of ['first', 'replayed', 'key-reused'] as const) filings.inc({ outcome }, 0);
  for (const state of ['granted', 'refused', 'refunded', 'refund-refused'] as const) states.inc({ state }, 0);
  return {
    filed: (outcome) => filings.inc({ outcome }),
    reached: (state) => states.inc({ state }),
  };
}
