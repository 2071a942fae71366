/** What an experiment has shown, from verdicts and receipts. */
import type { ExperimentState, Fault, Verdicts } from '@ballast/contracts';

type Result = NonNullable<ExperimentState['result']>;

/** Violations found by the auditor so far, by invariant. */
export type ViolationCounts = ReadonlyMap<number, number>;

export function violationCounts(verdicts: Verdicts | null): ViolationCounts {
  return new Map((verdicts?.items ?? []).map(({ invariant, violations }) => [invariant, violations]));
}

/**
 * Invariants that were violated since `before`. Counts find also what was over again between two looks; an auditor that was
 * started anew counts from zero.
 */
export function violatedSince(before: ViolationCounts, verdicts: Verdicts | null): number[] {
  return (verdicts?.items ?? []).flatMap(({ invariant, state, violations }) => {
    const earlier = before.get(invariant) ?? 0;
    const more = violations - (violations < earlier ? 0 : earlier);
    return state === 'violated' || more > 0 ? [invariant] : [];
  });
}

/** What is not settled yet, for people; empty when every verdict is in. Null verdicts: nobody judges. */
export function unsettled(verdicts: Verdicts | null): string[] {
  if (verdicts === null) return ['the auditor'];
  return verdicts.items
    .filter(({ state }) => state === 'settling' || state === 'unknown')
    .map(({ invariant, state, title }) => `${invariant} ${title} (${state})`);
}

/** The value that `share` (0 to 1) of them do not exceed, by nearest rank; null of none. */
function rank(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

/** It has passed when nothing was violated, everything was judged in the end, and every fault was healed. */
export function judge(parts: {
  faults: readonly Fault[];
  violated: ReadonlySet<number>;
  verdicts: Verdicts | null;
  requests: number;
  failed: number;
}): Result {
  const { faults, violated, verdicts, requests, failed } = parts;
  const recoveries = faults.map(({ receipt }) => receipt.recovery).filter((recovery) => recovery !== null);
  const healed = faults.every(({ state }) => state === 'healed');
  return {
    passed: violated.size === 0 && healed && unsettled(verdicts).length === 0,
    faults: faults.filter(({ state }) => state !== 'failed').length,
    requests,
    failed,
    violated: [...violated].toSorted((one, other) => one - other),
    recoveryP50: rank(recoveries, 0.5),
    recoveryP99: rank(recoveries, 0.99),
  };
}
