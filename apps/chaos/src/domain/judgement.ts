/** What an experiment has shown, from verdicts and receipts. */
import type { ExperimentState, Fault, Verdicts } from '@ballast/contracts';

type Result = NonNullable<ExperimentState['result']>;

/** The auditor's looks so far, and those that found a violation, by invariant. */
export type Looks = ReadonlyMap<number, { checks: number; violations: number }>;

/** Empty where nobody judges. */
export function looksOf(verdicts: Verdicts | null): Looks {
  return new Map(
    (verdicts?.items ?? []).map(({ invariant, checks, violations }) => [invariant, { checks, violations }]),
  );
}

/**
 * Invariants that were violated since `before`. Counts find also what was over again between two looks; an auditor that was
 * started anew counts from zero, which its looks give away.
 */
export function violatedSince(before: Looks, verdicts: Verdicts | null): number[] {
  return (verdicts?.items ?? []).flatMap(({ invariant, state, checks, violations }) => {
    const earlier = before.get(invariant);
    const counted = earlier === undefined || checks < earlier.checks ? 0 : earlier.violations;
    return state === 'violated' || violations > counted ? [invariant] : [];
  });
}

/**
 * What is not settled yet, for people; empty when every verdict is in. A verdict of before `since` (ms since 1970) says
 * nothing. Null verdicts: nobody judges.
 */
export function unsettled(verdicts: Verdicts | null, since: number): string[] {
  if (verdicts === null || verdicts.items.length === 0) return ['the auditor'];
  return verdicts.items.flatMap(({ invariant, state, title, checkedAt }) => {
    if (state === 'settling' || state === 'unknown') return [`${invariant} ${title} (${state})`];
    const isOld = checkedAt === null || Date.parse(checkedAt) < since;
    return isOld ? [`${invariant} ${title} (not looked at since)`] : [];
  });
}

/** Everything there is to judge an experiment by. */
export interface Outcome {
  faults: readonly Fault[];
  /** Steps that could not be done. */
  notDone: number;
  violated: ReadonlySet<number>;
  /** What was still waited for when time was up, for people. */
  open: readonly string[];
  /** Null where nobody could say whether what clients were told exists. */
  lostOrders: number | null;
  requests: number;
  failed: number;
}

/** Why it has not passed, for people; empty where it has. What nobody could look at is not shown as if it were there. */
export function reasonsAgainst({ faults, notDone, violated, open, lostOrders }: Outcome): string[] {
  const notHealed = faults.filter(({ state }) => state !== 'healed');
  return [
    ...(violated.size === 0 ? [] : [`violated: ${sorted(violated).join(', ')}`]),
    ...(lostOrders === null ? ['nobody says whether accepted orders exist'] : []),
    ...notHealed.map(({ title, state }) => `${title}: ${state}`),
    ...(notDone === 0 ? [] : [`${notDone} of its steps could not be done`]),
    ...(open.length === 0 ? [] : [`no end of ${open.join('; ')}`]),
  ];
}

/** The figures. It has passed when nothing speaks against it. */
export function judge(outcome: Outcome): Result {
  const { faults, violated, requests, failed } = outcome;
  const recoveries = faults.map(({ receipt }) => receipt.recovery).filter((recovery) => recovery !== null);
  return {
    passed: reasonsAgainst(outcome).length === 0,
    faults: faults.filter(({ state }) => state !== 'failed').length,
    requests,
    failed,
    violated: sorted(violated),
    recoveryP50: rank(recoveries, 0.5),
    recoveryP99: rank(recoveries, 0.99),
  };
}

/** The value that `share` (0 to 1) of them do not exceed, by nearest rank; null of none. */
function rank(values: readonly number[], share: number): number | null {
  const ordered = sorted(values);
  return ordered[Math.max(0, Math.ceil(share * ordered.length) - 1)] ?? null;
}

const sorted = (values: Iterable<number>): number[] => [...values].toSorted((one, other) => one - other);
