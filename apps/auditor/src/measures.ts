/** The verdicts as metrics. */
import type { Verdict, VerdictState } from '@ballast/contracts';
import type { Metrics } from '@ballast/service';
import { invariants } from './domain/invariants.ts';

/** What `auditor_invariant_state` says. */
const stateNumbers: Readonly<Record<VerdictState, number>> = { holds: 0, settling: 1, violated: 2, unknown: 3 };

export interface Measures {
  /** A look at an invariant, and whether it is violated. */
  looked: (invariant: number, violated: boolean) => void;
}

/** Registers the metrics; states are read from the verdicts at each scrape. */
export function createMeasures(metrics: Metrics, verdicts: () => readonly Verdict[]): Measures {
  metrics.gauge(
    'auditor_invariant_state',
    'Verdict on an invariant: 0 holds, 1 settling, 2 violated, 3 unknown.',
    ['invariant', 'title'],
    (gauge) => {
      for (const { invariant, title, state } of verdicts())
        gauge.set({ invariant: String(invariant), title }, stateNumbers[state]);
    },
  );
  const checks = metrics.counter('auditor_checks_total', 'Looks at an invariant.', ['invariant']);
  const violations = metrics.counter('auditor_violations_total', 'Looks that found an invariant violated.', [
    'invariant',
  ]);
  for (const { invariant } of invariants) {
    checks.inc({ invariant: String(invariant) }, 0);
    violations.inc({ invariant: String(invariant) }, 0);
  }
  return {
    looked: (invariant, violated) => {
      checks.inc({ invariant: String(invariant) });
      if (violated) violations.inc({ invariant: String(invariant) });
    },
  };
}
