/** What was expected beside what was seen: of every scenario, and of analytics' counts. */
import { rejectionReasons } from '@ballast/contracts';
import type { Counted } from '../analytics.ts';
import { scenarioOf } from '../scenarios/index.ts';
import type { Snapshot } from '../tally.ts';

/** A row of the table. */
export interface ScenarioResult {
  scenario: string;
  devices: number;
  rounds: number;
  expected: string;
  /** Outcomes and how often, the expected ones first. */
  seen: { outcome: string; count: number; expected: boolean }[];
  /** Every round was as expected, and every device has had one. */
  met: boolean;
}

/** Judges every scenario of the mix; `whole`: the run was not broken off, so that each device has to have had a round. */
export function judgeScenarios(
  allotted: readonly { scenario: string; devices: number }[],
  { rounds }: Pick<Snapshot, 'rounds'>,
  whole: boolean,
): ScenarioResult[] {
  return allotted.map(({ scenario, devices }) => {
    const { expected } = scenarioOf(scenario);
    const seen = Object.entries(rounds[scenario] ?? {})
      .map(([outcome, count]) => ({ outcome, count, expected: expected.includes(outcome) }))
      .toSorted((one, other) => Number(other.expected) - Number(one.expected) || other.count - one.count);
    const played = seen.reduce((sum, { count }) => sum + count, 0);
    const met = seen.every((each) => each.expected) && (!whole || played >= devices);
    return { scenario, devices, rounds: played, expected: expected[0], seen, met };
  });
}

/** One number as both have it. */
export interface Compared {
  what: string;
  simulator: number;
  analytics: number;
  equal: boolean;
}

/** Holds what the simulator has seen against what analytics has counted between `before` and `after`. */
export function compareCounts(seen: Snapshot, before: Counted, after: Counted): Compared[] {
  const line = (what: string, simulator: number, analytics: number): Compared => ({
    what,
    simulator,
    analytics,
    equal: simulator === analytics,
  });
  return [
    line('attempts', seen.attempts, after.attempts - before.attempts),
    line('let in', seen.accepted, after.accepted - before.accepted),
    ...rejectionReasons
      .map((reason) =>
        line(
          `rejected ${reason}`,
          seen.rejected[reason] ?? 0,
          (after.rejected[reason] ?? 0) - (before.rejected[reason] ?? 0),
        ),
      )
      .filter(({ simulator, analytics }) => simulator !== 0 || analytics !== 0),
    line('telemetry frames', seen.telemetry.acknowledged, after.telemetry - before.telemetry),
    line('sessions left', seen.sessions, after.sessions - before.sessions),
    // Of sockets, nobody's are left either.
    line('connections left', seen.sessions, after.connections - before.connections),
  ];
}

/** What is not as it should be, a sentence each; nothing where all is well. */
export function findings(results: readonly ScenarioResult[], compared: readonly Compared[] | undefined): string[] {
  const unmet = results
    .filter(({ met }) => !met)
    .flatMap(({ scenario, devices, rounds, expected, seen }) => {
      const odd = seen.filter((each) => !each.expected).map(({ outcome, count }) => `${count} × ${outcome}`);
      return odd.length > 0
        ? [`${scenario}: expected ${expected}, seen ${odd.join(', ')}`]
        : [`${scenario}: only ${rounds} of ${devices} devices have played`];
    });
  const unequal = (compared ?? [])
    .filter(({ equal }) => !equal)
    .map(({ what, simulator, analytics }) => `${what}: the simulator has ${simulator}, analytics ${analytics}`);
  return [...unmet, ...unequal];
}
